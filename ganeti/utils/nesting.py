# SPDX-License-Identifier: GPL-2.0-or-later
"""How deep a JSON text is nested, found out before it is parsed.

The parser calls itself for each level. How often it may do so is the interpreter's affair: Python 3.13
allows 10,000 levels, for which a thread with a small stack has no room; the process would crash.
"""

from __future__ import annotations

import re

LEVELS = 100
"""No message of ours comes near."""

_STRING = re.compile(rb'"[^"]*"')
_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_ALIKE = bytes.maketrans(b"{}", b"[]")


def is_too_deep(text: bytes, levels: int = LEVELS) -> bool:
    """Whether more brackets are open somewhere; of what is no JSON only the start is looked at.

    The time goes with the length, whatever the text: strings are cut out, then the innermost brackets,
    level by level.
    """
    if text.count(b"[") + text.count(b"{") <= levels:
        return False
    bare = _STRING.sub(b"", text.replace(b"\\\\", b"").replace(b'\\"', b""))
    brackets = bare.translate(_ALIKE, _OTHERS)
    for _ in range(levels):
        brackets = brackets.replace(b"[]", b"")
    return b"[" in brackets

# SPDX-License-Identifier: GPL-2.0-or-later
"""How deep a JSON text is nested, found without parsing it: parsers, and all that walks over what they
return, take some stack for each level."""

from __future__ import annotations

import re

# A string that does not end is taken to the end of the text, so that no part is looked at twice.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def is_deeper(text: bytes, most: int) -> bool:
    """Whether lists and objects of the text lie more than `most` levels in one another."""
    if text.count(b"[") + text.count(b"{") <= most:
        return False
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += _STEP.get(token[0], 0)
        if depth > most:
            return True
    return False

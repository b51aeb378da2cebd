# SPDX-License-Identifier: GPL-2.0-or-later
"""How those who work tell what they do, and how they speak to the master daemon."""

from __future__ import annotations

import json
import threading
from typing import Any

from ganeti.luxi.client import Client
from ganeti.paths import Paths
from ganeti.utils.clock import Clock

CONNECT_S = 0.2
LONGEST_REST_S = 0.05
_PRINTING = threading.Lock()


def tell(**event: Any) -> None:
    """One line of JSON, which has left this host when this returns."""
    with _PRINTING:
        print(json.dumps(event), flush=True)


class HastyClock(Clock):
    """Rests little: a daemon that is gone stays so."""

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, LONGEST_REST_S))


def hasty_client() -> Client:
    return Client(Paths(), connect_timeout_s=CONNECT_S, clock=HastyClock())

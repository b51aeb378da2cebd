# SPDX-License-Identifier: GPL-2.0-or-later
"""A secret shows itself to nobody who does not ask for it."""

from __future__ import annotations

import logging

import pytest

from ganeti.utils.secret import Secret


def test_it_shows_stars() -> None:
    secret = Secret("s3cret")
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{[secret]}",
        f"{ {'a': secret}!r}",
    ]
    assert not any("s3cret" in text for text in shown)
    assert all("***" in text for text in shown)


def test_it_can_be_asked_for() -> None:
    assert Secret("s3cret").reveal() == "s3cret"


def test_it_does_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("password is %s", Secret("s3cret"))
    assert "s3cret" not in caplog.text
    assert "***" in caplog.text

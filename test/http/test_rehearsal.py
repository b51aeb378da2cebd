# SPDX-License-Identifier: GPL-2.0-or-later
"""The request by which a server loads what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ganeti.http.channel import TlsSettings
from ganeti.http.messages import Request, Response
from ganeti.http.rehearsal import RehearsalError, rehearse
from test.http.clients import post, tls_settings
from test.support import pki

ROOT = Path(__file__).parents[2]
# Prints the modules that a second request has loaded beyond the first.
LATECOMERS = """
import sys
from pathlib import Path
from ganeti.http.messages import Response
from ganeti.http.rehearsal import rehearse
from test.http.clients import post, tls_settings
tls = tls_settings(Path(sys.argv[1]))
def respond(request):
    return Response(200, request.body)
rehearse(tls, post(b"first"), respond)
before = set(sys.modules)
rehearse(tls, post(b"second"), respond)
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("certificate", [pki.cluster().save, None, pki.VERSION_1_SERVER])
def test_a_request_is_answered_whomever_the_server_lets_in(
    tmp_path: Path, certificate: object
) -> None:
    seen: list[Request] = []

    def respond(request: Request) -> Response:
        seen.append(request)
        return Response(200, b"x" * 100_000)

    pem = certificate(tmp_path / "server.pem") if callable(certificate) else certificate
    tls = (
        TlsSettings(pem, pem, pem, lambda _digest, _depth: False) if isinstance(pem, str) else None
    )
    rehearse(tls, post(b"body"), respond)
    assert [request.body for request in seen] == [b"body"]
    assert (seen[0].peer.digest is None) is (tls is None)


def test_what_is_no_request_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError):
        rehearse(tls_settings(tmp_path), b"nonsense", lambda _: Response(200))


def test_nothing_is_loaded_later(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", LATECOMERS, str(tmp_path)]
    found = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.split() == []

# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may call the node daemon: master candidates, by the SHA-1 digests of their certificates.

Above a client's own certificate only the cluster's may stand. The client's own must be listed in
ssconf ``master_candidates_certs``; while that list is missing or empty (a cluster is being made, or
comes from before 2.11) it must be the cluster's certificate itself.
"""

from __future__ import annotations

import logging
import threading

from ganeti.errors import ConfigurationError
from ganeti.http.messages import Request, Response, error_page
from ganeti.ssconf import Ssconf

log = logging.getLogger(__name__)

LIST = "master_candidates_certs"
CHECK_S = 1.0


class Peers:
    """The list, held in RAM: checking it touches neither the disk nor a lock.

    `reload` replaces it whole; its lock keeps an older reading from replacing a newer one.
    """

    def __init__(self, ssconf: Ssconf, cluster_digest: str) -> None:
        self._ssconf, self._cluster_digest = ssconf, cluster_digest
        self._lock = threading.Lock()
        self._stamp: object = None
        self._digests: frozenset[str] = frozenset()
        self.reload()

    def reload(self) -> None:
        """Read the list again, because it was written."""
        with self._lock:
            self._stamp = self._ssconf.stamp(LIST)
            self._digests = frozenset(self._ssconf.table(LIST, "=").values())

    def follow(self, stop: threading.Event) -> None:
        """Reload when another program wrote the list; runs in a thread of its own until `stop`.

        Not done by the requests themselves: with a dead disk even a look at the file may hang.
        """
        while not stop.wait(CHECK_S):
            try:
                if self._ssconf.stamp(LIST) != self._stamp:
                    self.reload()
            except (OSError, ConfigurationError) as err:
                log.warning("cannot read the list of master candidates: %s", err)

    def accept(self, digest: str, depth: int) -> bool:
        """The check of one certificate of a client's chain; depth 0 is the client's own."""
        if depth > 0 or not self._digests:
            return digest == self._cluster_digest
        return digest in self._digests

    def authorize(self, request: Request) -> str | Response:
        """Checked on every request: a candidate that was demoted is out at once."""
        digest = request.peer.digest
        if digest is None or not self.accept(digest, 0):
            log.warning("%s: certificate %s is not one of a master candidate", request.peer, digest)
            return error_page(403, "this certificate is not one of a master candidate")
        return digest


def everyone(_request: Request) -> str:
    """Without TLS nobody can show who he is (``--no-ssl``)."""
    return ""

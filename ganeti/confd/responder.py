# SPDX-License-Identifier: GPL-2.0-or-later
"""From the datagram of a request to that of its reply, from memory alone.

The inner message of a reply depends on the configuration and the query only, so it is encoded once and
kept until the next configuration comes; what is left for each request is to check its signature and to
sign the reply.
"""

from __future__ import annotations

import logging

from ganeti.confd import answers, packet
from ganeti.confd.answers import Facts
from ganeti.confd.packet import Key, Message
from ganeti.contracts.confd import Request, RequestType
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

MOST_KEPT_BYTES = 4 * 1024 * 1024
ENTRY_BYTES = 500
"""What an entry takes beside its texts."""


class Answers:
    """What one configuration answers. One thread asks."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._kept: dict[tuple[RequestType, str | None], Message | None] = {}
        self._kept_bytes = 0

    def about(self, request: Request) -> Message | None:
        """The inner message of the reply; None for a request that gets none."""
        kind, query, _ = request
        if query is not None and not isinstance(query, str):
            return self._made(request)
        key = (kind, query)
        if key not in self._kept:
            self._keep(key, self._made(request))
        return self._kept[key]

    def _made(self, request: Request) -> Message | None:
        text = answers.answer(self._facts, request.type, request.query)
        if text is None:
            return None
        message = Message.of(text)
        if len(message.quoted) < packet.MOST_BYTES:
            return message
        log.warning("the answer to %s does not fit into a datagram", request.type.name)
        return None

    def _keep(self, key: tuple[RequestType, str | None], message: Message | None) -> None:
        """All is forgotten when it has become too much: who may ask may ask for anything."""
        size = ENTRY_BYTES + len(key[1] or "") + sum(map(len, message or ()))
        if self._kept_bytes + size > MOST_KEPT_BYTES:
            self._kept, self._kept_bytes = {}, 0
        self._kept[key] = message
        self._kept_bytes += size


class Responder:
    """Answers with what was put in service last. Another thread may do that: it is one assignment."""

    def __init__(self, key: Key, clock: Clock) -> None:
        self._key, self._clock = key, clock
        self._answers: Answers | None = None

    def put_in_service(self, facts: Facts | None) -> None:
        """Answer from these facts; from none of them nothing is answered."""
        self._answers = Answers(facts) if facts else None

    def reply(self, data: bytes) -> bytes | None:
        """The datagram to send back; None for what gets no answer."""
        known = self._answers
        request = self._request(data)
        message = known.about(request) if known and request else None
        if request is None or message is None:
            return None
        reply = packet.pack(self._key, request.rsalt, message)
        if len(reply) <= packet.MOST_BYTES:
            return reply
        log.warning("the reply to %s does not fit into a datagram", request.type.name)
        return None

    def _request(self, data: bytes) -> Request | None:
        """What is asked, by one who may ask, at this time."""
        signed = packet.unpack(self._key, data)
        if signed is None:
            return None
        if not packet.is_timely(signed.salt, self._clock.now()):
            log.debug(
                "a request of the time '%.20s': the clocks differ, or it is an old one", signed.salt
            )
            return None
        return Request.decode(signed.msg)

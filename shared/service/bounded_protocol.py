"""Bounds what a connection may cost before and between requests: size and duration of heads, idle time, pipelining.

These bounds are in uvicorn's protocol, because an app's middleware only runs once all headers are in memory. Bodies
that a route reads are bounded by `shared.service.bodies`.
"""

import asyncio
import re
from enum import Enum, auto
from typing import Any, Final

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.service.connections import Connections, Refusal
from shared.service.headers import with_headers
from shared.service.problems import problem_response
from shared.wording.spoken import language_of

_log = structlog.get_logger()
LINGER_SECONDS: Final = 2.0
"""How long bytes after an answer are still read and dropped. Closing with unread bytes would make TCP reset the
connection, and the peer might never see its answer (RFC 9112 §9.6)."""
LINGER_BYTES: Final = 8_000_000
PIPELINED: Final = 16
"""Most pipelined requests behind the one being answered."""
_PIECE: Final = 16_384
_NEVER: Final = float("inf")
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(:[0-9]*)?")
"""A Host header (RFC 9110 §7.2, RFC 3986 §3.2.2); http has no empty host."""


class _Waits(Enum):
    """What a connection waits for."""

    REQUEST = auto()
    HEAD = auto()
    ANSWER = auto()
    """The app's answer, however long it takes."""
    BODY = auto()
    """The rest of a body that is answered already."""
    CLOSE = auto()
    """The peer to close after a refusal, or written bytes to leave."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol for one connection, with bounds."""

    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._all = connections
        self._bounds = connections.bounds
        self._waits = _Waits.REQUEST
        self._until = _NEVER
        self._stalled_until = _NEVER
        self._left = 0
        """Bytes of an answer that the peer had not read at the last look."""
        self._head = 0
        """Bytes of the incomplete head."""
        self._parts_ended = 0
        """Number of complete heads and bodies."""
        self._in_body = False
        self._dropped = 0
        self._ended = False
        """True if no further request can come."""
        self._refusal: Refusal | None = None
        self._lingers = False

    def due(self, now: float) -> bool:
        """True if the connection has waited longer than it may."""
        return now > self._until or now > self._stalled_until

    def expired(self, now: float) -> None:
        """Refuses, closes or aborts a connection that waited too long."""
        if now > self._stalled_until:
            self._stalled_until = now + self._bounds.answer_seconds
            if not self._takes_its_answer():
                self.transport.abort()
        elif self._waits is _Waits.HEAD and not self._answering():
            self._refuse(Refusal(408, "too-slow", f"No request came within {self._bounds.head_seconds:g} seconds."))
        elif not self.transport.is_closing() and self._waits is not _Waits.CLOSE:
            self.transport.close()
            self._wait_for_close()
        elif self._takes_its_answer():
            self._wait_for_close()
        else:
            self.transport.abort()

    def _takes_its_answer(self) -> bool:
        """True if the peer has read more of its answer since the last look, however slowly."""
        before, self._left = self._left, self.transport.get_write_buffer_size()
        return 0 < self._left < before

    def _wait_for_close(self) -> None:
        self._left = self.transport.get_write_buffer_size()
        self._wait(_Waits.CLOSE, self._bounds.answer_seconds if self._left else LINGER_SECONDS)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        refused = self._all.entered(self, self.client[0] if self.client else None)
        if refused is None:
            self._wait(_Waits.REQUEST, self._bounds.idle_seconds)
            return
        self._lingers = self._all.may_linger()
        self._refuse(refused)
        if not self._lingers:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._all.left(self, lingered=self._lingers)

    def data_received(self, data: bytes) -> None:
        """Parses in pieces, and drops what comes after the connection has ended (asyncio.Protocol)."""
        if self._waits is _Waits.REQUEST:
            self._wait(_Waits.HEAD, self._bounds.head_seconds)
        for start in range(0, len(data), _PIECE):
            if self._waits is _Waits.CLOSE or self._ended:
                self._drop(len(data) - start)
                return
            piece = data if len(data) <= _PIECE else data[start : start + _PIECE]
            ended = self._parts_ended
            self._parse(piece)
            if self._waits is _Waits.BODY:
                self._drop(len(piece))
            if not self._in_body and ended == self._parts_ended:
                self._head += len(piece)
                if self._head > self._bounds.head + _PIECE:
                    self._refuse(self._too_long())

    def _parse(self, piece: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:  # no other protocol is supported: answered as the last request
            self._ended = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._refuse(self._refusal or Refusal(400, "unreadable-request", "This is no request of HTTP/1.1."))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if len(self.pipeline) > PIPELINED:
            self._raise(Refusal(400, "pipelined", "Too many requests at once: wait for answers between them."))

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._bounds.request_line:
            self._raise(Refusal(414, "too-long-address", f"An address has up to {self._bounds.request_line} bytes."))

    def on_headers_complete(self) -> None:
        """Refuses headers that are too long, and a host that is missing or malformed (httptools)."""
        size, hosts = 4 * len(self.headers), []
        for name, value in self.headers:
            size += len(name) + len(value)
            if name == b"host":
                hosts.append(value)
        if size > self._bounds.headers:
            self._raise(self._too_long())
        if len(hosts) > 1 or (hosts and not _HOST.fullmatch(hosts[0])):
            self._raise(Refusal(400, "host-malformed", "Name one host, in the header Host (RFC 9112 §3.2)."))
        if not hosts and self.parser.get_http_version() != "1.0":
            self._raise(Refusal(400, "host-missing", "Name the host, in the header Host (RFC 9112 §3.2)."))
        self._part_ended(in_body=True)
        self._waits, self._until = _Waits.ANSWER, _NEVER
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part_ended(in_body=False)
        if self._waits is _Waits.BODY:
            self.cycle.more_body = False
            self._dropped = 0
            self._wait(_Waits.REQUEST, self._bounds.idle_seconds)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_for_close()
        elif self._answering():  # the next of a pipeline
            return
        elif self.cycle.more_body:
            self._wait(_Waits.BODY, LINGER_SECONDS)
        elif self._head:
            self._wait(_Waits.HEAD, self._bounds.head_seconds)
        else:
            self._wait(_Waits.REQUEST, self._bounds.idle_seconds)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._left = self.transport.get_write_buffer_size()
        self._stalled_until = self.loop.time() + self._bounds.answer_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_until = _NEVER

    def _headers_so_far(self) -> list[tuple[bytes, bytes]]:
        """The headers read so far."""
        return self.headers or []

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self, waits: _Waits, seconds: float) -> None:
        self._waits, self._until = waits, self.loop.time() + seconds

    def _part_ended(self, *, in_body: bool) -> None:
        self._in_body = in_body
        self._parts_ended += 1
        self._head = 0

    def _too_long(self) -> Refusal:
        return Refusal(431, "too-long-headers", f"Headers have up to {self._bounds.headers} bytes together.")

    def _raise(self, refused: Refusal) -> None:
        """Refuses from within a parser callback, which stops the parser."""
        self._refusal = refused
        raise refused

    def _drop(self, size: int) -> None:
        self._dropped += size
        if self._dropped > LINGER_BYTES:
            self.transport.abort()

    def _refuse(self, refused: Refusal) -> None:
        if self.transport.is_closing():
            return
        _log.info("refused request", code=refused.code, status=refused.status)
        if self._answering():  # in the middle of another answer no refusal can be sent
            self.transport.abort()
            return
        self._wait(_Waits.CLOSE, LINGER_SECONDS)
        self._dropped = 0
        response = problem_response(
            refused.status, refused.code, refused.title, language=language_of(self._headers_so_far())
        )
        headers = [*self.server_state.default_headers, *with_headers(response.raw_headers), (b"connection", b"close")]
        lines = [b": ".join(each) for each in headers]
        head = b"\r\n".join([STATUS_LINE[refused.status].rstrip(), *lines, b"", b""])
        self.transport.write(head + bytes(response.body))
        self.transport.write_eof()
        self.flow.resume_reading()

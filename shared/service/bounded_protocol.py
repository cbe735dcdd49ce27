"""No connection costs more than a service bears: not by what it sends before a request is known, nor by what it leaves
out, nor by how many there are.

What is known of a request before the app hears of it is decided here, in uvicorn's protocol: the app's middleware is
asked once all headers are in memory. Bodies that a route reads are bounded by `shared.service.bodies`.
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
"""After an answer, how long what was on its way is read and dropped. Closed with bytes unread, TCP would reset the
connection, and the peer might never see its answer (RFC 9112 §9.6)."""
LINGER_BYTES: Final = 8_000_000
PIPELINED: Final = 16
"""Requests behind the one that is being answered."""
_PIECE: Final = 16_384
_NEVER: Final = float("inf")
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(:[0-9]*)?")
"""RFC 9110 §7.2 and RFC 3986 §3.2.2; http has no empty host."""


class _Waits(Enum):
    """What a connection waits for."""

    REQUEST = auto()
    HEAD = auto()
    ANSWER = auto()
    """Ours: for as long as the app takes."""
    BODY = auto()
    """The rest of a body whose answer is said."""
    CLOSE = auto()
    """By the peer, who has its refusal; or till what was written has left."""


class BoundedProtocol(HttpToolsProtocol):
    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._all = connections
        self._bounds = connections.bounds
        self._waits = _Waits.REQUEST
        self._until = _NEVER
        self._stalled_until = _NEVER
        self._left = 0
        """Bytes of an answer that the peer had not taken."""
        self._head = 0
        """Bytes of a head that is not complete."""
        self._parts_ended = 0
        """Heads and bodies that came to their end."""
        self._in_body = False
        self._dropped = 0
        self._ended = False
        """Whatever comes behind is no request."""
        self._refusal: Refusal | None = None
        self._lingers = False

    def due(self, now: float) -> bool:
        return now > self._until or now > self._stalled_until

    def expired(self, now: float) -> None:
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
        """Whether less of it is left than when that was last looked at: slowly is not never."""
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
        except httptools.HttpParserUpgrade:  # to nothing that is spoken here: answered as a request, the last one
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

    def _said_so_far(self) -> list[tuple[bytes, bytes]]:
        """Headers of the request that is being read."""
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
        """Out of a callback of the parser's, which goes no further then."""
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
        if self._answering():  # nothing can be said in the middle of an answer
            self.transport.abort()
            return
        self._wait(_Waits.CLOSE, LINGER_SECONDS)
        self._dropped = 0
        response = problem_response(
            refused.status, refused.code, refused.title, language=language_of(self._said_so_far())
        )
        headers = [*self.server_state.default_headers, *with_headers(response.raw_headers), (b"connection", b"close")]
        lines = [b": ".join(each) for each in headers]
        head = b"\r\n".join([STATUS_LINE[refused.status].rstrip(), *lines, b"", b""])
        self.transport.write(head + bytes(response.body))
        self.transport.write_eof()
        self.flow.resume_reading()

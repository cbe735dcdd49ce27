"""Bounds the size and the duration of every request body, whatever the route does.

Routes that ask who asks read no body before they know: they use `shared.service.http.read_body`, never a body
parameter, which FastAPI would read first (`tests/contract/test_bodies.py` checks all routes).
"""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.service.problems import Problem

BODY_SECONDS: Final = 60.0
LEAST_BYTES_A_SECOND: Final = 50_000
"""A body has as much time more as it would take at this rate: a document of 20 MB may come from a slow phone, and who
sends nothing gains nothing."""


class BoundedBodies:
    """ASGI middleware. `largest`: bytes of the longest body that any route accepts; routes may have smaller bounds.
    `seconds`: from the first read of a body to its end, beside what its bytes take at the least rate. Raises Problem
    413 or 408."""

    def __init__(self, app: ASGIApp, largest: int, seconds: float = BODY_SECONDS) -> None:
        self._app, self._largest, self._seconds = app, largest, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = _Bounded(receive, self._largest, self._seconds).receive
        await self._app(scope, receive, send)


class _Bounded:
    def __init__(self, receive: Receive, largest: int, seconds: float) -> None:
        self._receive, self._left, self._seconds = receive, largest, seconds
        self._largest = largest
        self._began: float | None = None
        self._ended = False

    async def receive(self) -> Message:
        if self._ended:  # only a disconnect can come now
            return await self._receive()
        self._began = self._began or asyncio.get_running_loop().time()
        seconds = self._seconds + (self._largest - self._left) / LEAST_BYTES_A_SECOND
        try:
            async with asyncio.timeout_at(self._began + seconds):
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "too-slow", f"The body did not come within {seconds:.0f} seconds.") from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._left < 0:
                raise Problem(413, "too-large", f"The body is longer than {self._largest:,} bytes.")
        return message

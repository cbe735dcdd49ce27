"""A body has more time the more of it has come: a large file over a slow line is taken, one that trickles is not."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.service import bodies
from shared.service.bodies import BoundedBodies
from shared.service.problems import Problem


async def taken(pieces: int, size: int, pause: float) -> int:
    """How many bytes come through, sent in pieces with a pause before each."""
    sent, got = 0, 0

    async def receive() -> Message:
        nonlocal sent
        await asyncio.sleep(pause)
        sent += 1
        return {"type": "http.request", "body": b"x" * size, "more_body": sent < pieces}

    async def send(message: Message) -> None:
        return

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal got
        while True:
            message = await receive()
            got += len(message["body"])
            if not message["more_body"]:
                return

    await BoundedBodies(app, 10_000_000, 0.1)({"type": "http"}, receive, send)
    return got


async def test_a_large_body_may_take_as_long_as_its_bytes_do_at_the_least_rate() -> None:
    """A quarter of a second, for what has a tenth and, for its bytes, two seconds more."""
    half = bodies.LEAST_BYTES_A_SECOND // 2
    assert await taken(pieces=5, size=half, pause=0.05) == 5 * half


async def test_one_that_trickles_has_no_time_more() -> None:
    with pytest.raises(Problem) as refused:
        await taken(pieces=100, size=1, pause=0.03)
    assert refused.value.status == 408

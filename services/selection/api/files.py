"""What is large is written to disk before it is sent: whoever reads slowly holds up no connection to the database."""

import asyncio
from collections.abc import AsyncIterator
from typing import IO, Final

from fastapi import Request

from shared.problems import Problem

PIECE: Final = 1 << 18
WRITTEN_AT_ONCE: Final = 2
"""Files being written: each holds a connection to the database until it is on disk."""


def turn_to_write(request: Request) -> asyncio.Semaphore:
    """Raises a Problem while others' files are being written; else to be held while one is."""
    writing: asyncio.Semaphore = request.app.state.writing
    if writing.locked():
        busy = "Others' files are being written: ask again in a moment."
        raise Problem(503, "busy", busy, headers={"Retry-After": "5"})
    return writing


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Of the file from where it stands; it is closed then."""
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()

"""What is large is written to disk before it is sent: whoever reads slowly holds up no connection to the database."""

import asyncio
from collections.abc import AsyncIterator
from typing import IO, Final

PIECE: Final = 1 << 18


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Of the file from where it stands; it is closed then."""
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()

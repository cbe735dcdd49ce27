"""Large answers are written to disk before they are sent, so that slow readers hold no database connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import IO, Final

PIECE: Final = 1 << 18


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The rest of the file in pieces; closes it at the end."""
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()

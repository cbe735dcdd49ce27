"""Has a virus scanner look at documents: clamd, by its command INSTREAM, over TCP or a Unix socket.

Where one is configured and can't be asked, no document is taken: one that nobody looked at is never passed for clean.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO, Final, Protocol

import structlog

from services.intake.adapters.documents.refusing import RefusedFileError

_log = structlog.get_logger()
_PIECE: Final = 262_144
_SECONDS: Final = 60.0
_LONGEST: Final = 4_096
_FOUND: Final = re.compile(r"stream: (.{1,200}) FOUND")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ScannerAwayError(ConnectionError):
    """The scanner can't be reached, or does not say whether a file is clean."""

    code = "virus-scanner-away"


class VirusScanner(Protocol):
    """Looks for viruses."""

    async def check(self, content: BinaryIO) -> None:
        """Returns for a clean file. Raises RefusedFileError where something was found, ScannerAwayError."""


class NobodyScans:
    """For a deployment without a scanner."""

    async def check(self, content: BinaryIO) -> None:
        """Nobody looks."""


class Clamd:
    """A clamd at `tcp://host:port` or `unix:/path`."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def check(self, content: BinaryIO) -> None:
        answer = await self._asked(content)
        if answer == "stream: OK":
            return
        if found := _FOUND.fullmatch(answer):
            _log.warning("found virus in document", virus=found[1])
            detail = f"a virus scanner found {found[1]} in it"
            raise RefusedFileError(
                "virus", detail, "look for viruses on the machine it comes from, and send a clean file"
            )
        _log.error("virus scanner does not say whether a document is clean", answer=answer)
        raise ScannerAwayError(answer)

    async def version(self) -> str:
        """What it says of itself. Raises ScannerAwayError."""
        async with self._session() as (reader, writer):
            writer.write(b"zVERSION\0")
            return await _answer(reader)

    async def _asked(self, content: BinaryIO) -> str:
        content.seek(0)
        async with self._session() as (reader, writer):
            writer.write(b"zINSTREAM\0")
            with suppress(ConnectionError):  # it says why before it closes: its own bound of size
                while piece := await asyncio.to_thread(content.read, _PIECE):
                    writer.write(len(piece).to_bytes(4, "big") + piece)
                    await writer.drain()
                writer.write(bytes(4))
                await writer.drain()
            return await _answer(reader)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Streams]:
        writer = None
        try:
            async with asyncio.timeout(_SECONDS):
                reader, writer = await self._connected()
                yield reader, writer
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            if isinstance(error, ScannerAwayError):
                raise
            _log.warning("virus scanner does not answer", error=type(error).__name__)
            raise ScannerAwayError(type(error).__name__) from error
        finally:
            if writer is not None:
                writer.transport.abort()

    async def _connected(self) -> Streams:
        if self._address.startswith("unix:"):
            return await asyncio.open_unix_connection(self._address.removeprefix("unix:"), limit=_LONGEST)
        host, _, port = self._address.removeprefix("tcp://").rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=_LONGEST)


async def _answer(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\0"))[:-1].decode(errors="replace").strip()


def scanner_of(address: str) -> VirusScanner:
    """The clamd at an address; nobody where it is empty."""
    return Clamd(address) if address else NobodyScans()

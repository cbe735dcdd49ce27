"""Reads uploaded files, each in a process of its own with limits of time and memory (`apart.py`)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog

from services.intake.adapters.apart_process import run_apart
from services.intake.adapters.spreadsheets.bounds import (
    SAVE_PLAIN,
    Bounds,
    NoSpreadsheetError,
    TooLargeError,
    UnreadableFileError,
    too_costly,
)
from services.intake.adapters.spreadsheets.packed import unpacked
from services.intake.domain.uploads.sheets import Sheet

_MODULE: Final = "services.intake.adapters.spreadsheets.apart"
_AT_ONCE: Final = 2
_log = structlog.get_logger()


class EarlierUploadError(Exception):
    """Another upload of the institution is still being read."""

    code = "earlier-upload-waits"


class SheetReader:
    """Reads at most two files at once, and one of each institution."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._reading = asyncio.Semaphore(_AT_ONCE)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def reserved(self, institution: str, wait_seconds: float) -> AsyncIterator[None]:
        """Reserves the reader for one upload of the institution, from its body on. Raises EarlierUploadError when the
        upload before takes longer than `wait_seconds`."""
        lock = self._locks.setdefault(institution, asyncio.Lock())
        try:
            async with asyncio.timeout(wait_seconds):
                await lock.acquire()
        except TimeoutError as error:
            raise EarlierUploadError from error
        try:
            yield
        finally:
            lock.release()

    async def read(self, content: bytes, content_type: str) -> Sheet:
        """The sheet in the file. `content_type`: the one it was sent with. Raises UnreadableFileError; nothing of the
        file outlives the process that read it."""
        limits = {"said": content_type, **asdict(self._bounds)}
        async with self._reading:
            try:
                ended = await run_apart(_MODULE, limits, content, self._bounds.seconds)
            except TimeoutError as error:
                raise too_costly("time") from error
        return _sheet_of(*ended)


def _sheet_of(code: int, answer: bytes, complaint: bytes) -> Sheet:
    if code < 0:
        _log.warning("upload ended its reader", code=code)
        raise too_costly("time or memory")
    if code > 0:
        _log.error("reader of uploads failed", code=code, stderr=complaint[-2000:].decode(errors="replace"))
        raise UnreadableFileError("unreadable", "reading it failed here, which is a fault of ours", SAVE_PLAIN)
    result: dict[str, Any] = json.loads(answer)
    if refused := result.get("refused"):
        raise _refusal(**refused)
    return unpacked(result["sheet"])


def _refusal(kind: str, code: str, detail: str, fix: str) -> UnreadableFileError:
    match kind:
        case TooLargeError.__name__:
            return TooLargeError(detail, fix)
        case NoSpreadsheetError.__name__:
            return NoSpreadsheetError(code, detail, fix)
        case _:
            return UnreadableFileError(code, detail, fix)

"""Looks at documents, each in a process of its own with limits of time and memory (`apart.py`)."""

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

import structlog

from services.intake.adapters.apart_process import run_apart
from services.intake.adapters.documents.refusing import SAVE_AGAIN, RefusedFileError, too_costly
from shared.programme.file_types import FILE_TYPES, FileType

_MODULE: Final = "services.intake.adapters.documents.apart"
_AT_ONCE: Final = 2
_TYPES: Final = {kind.media_type: kind for kind in FILE_TYPES}
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class InspectionLimits:
    """Of the process that looks at one file: `seconds` of processor time, `memory_bytes`."""

    seconds: int
    memory_bytes: int


class Inspector:
    """Looks at two files at once."""

    def __init__(self, limits: InspectionLimits) -> None:
        self._limits = limits
        self._looking = asyncio.Semaphore(_AT_ONCE)

    async def type_of(self, content: BinaryIO) -> FileType:
        """What a file is. Raises RefusedFileError."""
        content.seek(0)
        async with self._looking:
            try:
                code, answer, complaints = await run_apart(_MODULE, asdict(self._limits), content, self._limits.seconds)
            except TimeoutError as error:
                raise too_costly("time") from error
        if code < 0:
            _log.warning("document ended its reader", code=code)
            raise too_costly("time or memory")
        if code > 0:
            _log.error("reader of documents failed", code=code, stderr=complaints[-2000:].decode(errors="replace"))
            raise RefusedFileError("broken-file", "looking at it failed here, which is a fault of ours", SAVE_AGAIN)
        told = json.loads(answer)
        if refused := told.get("refused"):
            raise RefusedFileError(**refused)
        return _TYPES[told["media_type"]]

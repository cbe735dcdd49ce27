"""Takes documents: looks at them, has the object store hold them, and takes down who sent them.

The content is in the store before the database says so, under a name that no other write ever has. So a failure between
the two leaves an object that nobody names, which the sweep deletes, and never a row without its content.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final
from weakref import WeakValueDictionary

import structlog

from services.intake.adapters.documents.inspector import Inspector
from services.intake.adapters.documents.port import ObjectStore, StoreAwayError, StoreFullError
from services.intake.adapters.documents.refusing import RefusedFileError
from services.intake.adapters.documents.virus import ScannerAwayError, VirusScanner
from services.intake.domain.documents import (
    COUNTED_FOR,
    TOO_MANY_WAITING,
    DocumentLimits,
    UploadedDocument,
    ending_fault,
    no_room,
)
from services.intake.domain.entry_refusals import refused_entry
from services.intake.domain.refused import RefusalKind, Refused, unfit
from services.intake.domain.rounds import RoundStatus, RoundWindow
from services.intake.domain.series import cut_at
from services.intake.domain.submissions import Refusal
from services.intake.storage import documents, rounds, tokens
from services.intake.storage.documents import HeldContent
from services.intake.usecases.document_metrics import UploadOutcome
from shared.contracts.events import Reason
from shared.contracts.facts import DocumentFile
from shared.service.networks import named
from shared.service.postgres import Connection, Pool, connected

_log = structlog.get_logger()
_OF_NETWORK: Final = 4
"""The share of uploads at once that one network may have: one in four."""
_WAIT_SECONDS: Final = 10.0
_ATTEMPTS: Final = 5
_PIECE: Final = 1_048_576
STORE_AWAY: Final = Refused(
    RefusalKind.UNAVAILABLE,
    "document-store-away",
    "Documents can't be stored at the moment: nothing was kept, send it again in a few minutes.",
    retry_seconds=60,
)
SCANNER_AWAY: Final = Refused(
    RefusalKind.UNAVAILABLE,
    "virus-scanner-away",
    "Documents can't be checked for viruses at the moment: nothing was kept, send it again in a few minutes.",
    retry_seconds=60,
)
STORE_FULL: Final = Refused(
    RefusalKind.NO_SPACE,
    "document-store-full",
    "There is no room left for documents: nothing was kept, tell the programme's office and send it again later.",
    retry_seconds=600,
)
BUSY: Final = Refused(RefusalKind.BUSY, "busy", "Many upload at once: send it again.", retry_seconds=5)


_OUTCOMES: Final = {
    STORE_AWAY.code: UploadOutcome.AWAY,
    SCANNER_AWAY.code: UploadOutcome.AWAY,
    STORE_FULL.code: UploadOutcome.FULL,
    TOO_MANY_WAITING: UploadOutcome.FULL,
}


def _outcome(kept: DocumentFile | Refused) -> UploadOutcome:
    if isinstance(kept, Refused):
        return _OUTCOMES.get(kept.code, UploadOutcome.REFUSED)
    return UploadOutcome.TAKEN


class UploadsBusyError(RuntimeError):
    """As many documents are being received as may be at once."""

    code = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be uploaded, before its content. `round`: the round, or the cut of a series, that takes it."""

    round: str
    key_hash: str
    kind: str
    name: str
    network: str | None
    trusted: bool


class Documents:
    """Receives a bounded number of documents at once, in each replica: `at_once` of unknown senders, and as many of
    trusted ones."""

    def __init__(
        self,
        store: ObjectStore,
        inspector: Inspector,
        scanner: VirusScanner,
        limits: DocumentLimits,
        at_once: int,
        count: Callable[[UploadOutcome], None],
    ) -> None:
        self.store = store
        self.limits = limits
        self._scanner = scanner
        self._count = count
        self._inspector = inspector
        self._of_unknown, self._of_trusted = asyncio.Semaphore(at_once), asyncio.Semaphore(at_once)
        self._of_network = max(1, at_once // _OF_NETWORK)
        self._networks: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def received(self, network: str | None, *, trusted: bool) -> AsyncIterator[None]:
        """While a document is received and looked at. Raises UploadsBusyError after a while.

        Unknown senders, who may be slow, hold up nobody who is trusted.
        """
        queued = [self._of_trusted] if trusted else [self._of_unknown]
        if network is not None and not trusted:
            queued.insert(0, self._networks.setdefault(network, asyncio.Semaphore(self._of_network)))
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    for each in queued:
                        await held.enter_async_context(each)
            except TimeoutError as error:
                raise UploadsBusyError from error
            yield

    async def refusal(self, connection: Connection, asked: Asked, size: int, now: datetime) -> Refused | None:
        """Why a document of that size would not be taken, as far as its content does not matter."""
        room = await documents.room(connection, asked.key_hash, asked.network, now - COUNTED_FOR)
        return no_room(room, self.limits, size, trusted=asked.trusted, network=asked.network is not None)

    async def keep(self, pool: Pool, asked: Asked, content: BinaryIO, now: datetime) -> DocumentFile | Refused:
        """The document, once it is durable."""
        kept = await self._kept(pool, asked, content, now)
        self._count(_outcome(kept))
        return kept

    def without_room(self) -> Refused:
        """The refusal where the folder for temporary files is full; counted."""
        _log.error("no room for documents", where="temporary files")
        self._count(UploadOutcome.FULL)
        return STORE_FULL

    async def _kept(self, pool: Pool, asked: Asked, content: BinaryIO, now: datetime) -> DocumentFile | Refused:
        try:
            kind = await self._inspector.type_of(content)
            await self._scanner.check(content)
        except ScannerAwayError:
            return SCANNER_AWAY
        except RefusedFileError as error:
            _log.info("refused document", code=error.code, round=asked.round)
            reason = Reason(pointer="", code=error.code, detail=str(error), fix=error.fix)
            return unfit("document-refused", "This document can't be accepted.", (reason,))
        if fault := ending_fault(asked.name, kind):
            return unfit("invalid-fields", "Some fields can't be accepted.", (fault,))
        sha256, size = await asyncio.to_thread(_hashed, content)
        file = DocumentFile(kind=asked.kind, sha256=sha256, bytes=size, media_type=kind.media_type, name=asked.name)
        try:
            return await self._stored(pool, asked, file, content, now)
        except StoreAwayError:
            return STORE_AWAY
        except StoreFullError:
            _log.error("no room for documents", where="object store")
            return STORE_FULL

    async def _stored(
        self, pool: Pool, asked: Asked, file: DocumentFile, content: BinaryIO, now: datetime
    ) -> DocumentFile | Refused:
        for _ in range(_ATTEMPTS):
            async with connected(pool) as connection:
                held = await documents.object_of(connection, file.sha256)
            written = None
            if held is None:
                written = f"{file.sha256[:2]}/{file.sha256}.{secrets.token_hex(8)}"
                await self.store.put(written, content)
            elif not await self.store.has(held):  # the store lost it
                _log.error("puts a document back that the object store lost", sha256=file.sha256)
                await self.store.put(held, content)
            async with connected(pool) as connection, connection.transaction():
                refused = await self.refusal(connection, asked, file.bytes, now)
                done = not refused and await self._taken_down(connection, asked, file, written, now)
                kept = await documents.object_of(connection, file.sha256)
            if written is not None and written != kept:  # refused, or another replica was quicker
                with suppress(StoreAwayError):  # then the sweep deletes it
                    await self.store.delete(written)
            if refused is not None:
                return refused
            if done:
                _log.info("took document", round=asked.round, bytes=file.bytes, media_type=file.media_type)
                return file
        return BUSY

    async def _taken_down(
        self, connection: Connection, asked: Asked, file: DocumentFile, written: str | None, now: datetime
    ) -> bool:
        if written is not None:
            await documents.hold(connection, HeldContent(file.sha256, written, file.bytes, file.media_type), now)
        document = UploadedDocument(
            round=asked.round,
            key_hash=asked.key_hash,
            file=file,
            network=asked.network,
            trusted=asked.trusted,
            uploaded_at=now,
        )
        return await documents.uploaded(connection, document)


def _hashed(content: BinaryIO) -> tuple[str, int]:
    """SHA-256 and bytes."""
    content.seek(0)
    digest = hashlib.sha256()
    while piece := content.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest(), content.tell()


async def taking(connection: Connection, addressed: str, now: datetime, *, closed_too: bool) -> RoundWindow | Refused:
    """The round, or the cut of a series, that takes documents now. `closed_too`: also after its close, for staff and
    for appeals, until it is final."""
    window = (await rounds.windows(connection, [addressed])).get(addressed)
    if window is None:
        cuts = (await rounds.cuts(connection, [addressed])).get(addressed, ())
        window = cut_at([cut.window for cut in cuts], now)
    if window is None:
        return refused_entry(Refusal.UNKNOWN_ROUND)
    if closed_too and window.status not in (RoundStatus.FINAL, RoundStatus.VOID):
        return window
    closed = window.refusal(window.time_map.programme(now))
    return window if closed is None else refused_entry(Refusal(closed.value))


async def network_name(connection: Connection, network: str | None) -> str | None:
    """The network as it is stored: under a keyed hash."""
    return named(network, await tokens.secret(connection, tokens.NETWORKS))

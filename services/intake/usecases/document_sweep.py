"""Deletes documents that nobody needs: those that no application named in time, and those of erased persons.

A row is deleted before its object. What stays in the store between the two, or after a failure, has no row, and goes
once it is a day old: by then no upload can be about to name it.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from services.intake.adapters.documents.port import ObjectStore, StoreAwayError, StoredObject
from services.intake.domain.documents import KEPT_FOR
from services.intake.domain.rounds import RoundStatus, RoundWindow
from services.intake.storage import document_sweep as sweep
from services.intake.storage import documents
from services.intake.storage.documents import HeldContent
from shared.clock import Clock
from shared.service.postgres import Pool, connected

_log = structlog.get_logger()


async def sweep_documents(pool: Pool, store: ObjectStore, clock: Clock) -> None:
    """A periodic job: forgets, and deletes what nobody names any more."""
    now = clock.now()
    async with connected(pool) as connection, connection.transaction():
        trusted = await sweep.trusted_rounds(connection, now - KEPT_FOR)
        over = [window.round for window in trusted if _over(window, now)]
        forgotten = await sweep.forget_uploads(connection, now - KEPT_FOR, over)
        await sweep.forget_drafts(connection)
        await sweep.forget_erased(connection)
    deleted = 0
    while True:
        async with connected(pool) as connection, connection.transaction():
            unused = await sweep.delete_unused(connection)
        if not unused:
            break
        deleted += len(unused)
        await _delete(store, unused)
    if forgotten or deleted:
        _log.info("swept documents", uploads=forgotten, contents=deleted)


async def sweep_objects(pool: Pool, store: ObjectStore, clock: Clock) -> None:
    """A periodic job: deletes objects that no row names, takes down again those that applications name, and tidies up
    after broken writes."""
    before = clock.now() - KEPT_FOR
    batch: list[StoredObject] = []
    try:
        await store.tidy(before)
        async for each in store.objects():
            if each.modified_at < before:
                batch.append(each)
            if len(batch) == sweep.BATCH:
                await _settle(pool, store, batch, clock)
                batch = []
        await _settle(pool, store, batch, clock)
    except StoreAwayError:
        _log.warning("can't look through documents: the object store is away")


async def _settle(pool: Pool, store: ObjectStore, batch: Sequence[StoredObject], clock: Clock) -> None:
    async with connected(pool) as connection:
        unknown = await sweep.unknown_objects(connection, [each.name for each in batch])
        by_content = {sha256_of(name): name for name in unknown}
        lost = {each.sha256: each for each in await sweep.lost_contents(connection, by_content)}
        for sha256, content in lost.items():
            held = HeldContent(sha256, by_content[sha256], content.bytes, content.media_type)
            await documents.hold(connection, held, clock.now())
    strays = [name for name in unknown if sha256_of(name) not in lost]
    await _delete(store, strays)
    if unknown:
        _log.info("settled objects without a row", deleted=len(strays), taken_down=len(lost))


def sha256_of(name: str) -> str:
    """The content of an object, by its name."""
    return name.rpartition("/")[2].partition(".")[0]


def _over(window: RoundWindow, now: datetime) -> bool:
    ended = window.status in (RoundStatus.VOID, RoundStatus.FINAL)
    return ended or window.time_map.real(window.closes_at) + KEPT_FOR < now


async def _delete(store: ObjectStore, names: Sequence[str]) -> None:
    for name in names:
        try:
            await store.delete(name)
        except StoreAwayError:
            _log.warning("can't delete a document yet: the object store is away")

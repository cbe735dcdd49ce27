"""Repair on `repairs.v1`: drops what intake's lists rule out, and answers requests for verdicts, which eligibility
owns."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
from pydantic_core import from_json

from services.eligibility.domain.completion import VerdictLeaf
from services.eligibility.domain.soundness import sound
from services.eligibility.storage import pending, rounds, verdicts
from services.eligibility.storage.verdicts import StoredVerdict
from services.eligibility.usecases.judging import published
from shared.contracts.events import BucketListed, BucketRequested, RepairSubject
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Event
from shared.kafka.step import Incoming
from shared.proof.merkle import bucket_of
from shared.service.postgres import Connection
from shared.service.repairs import is_bucket_of, listed, request_buckets, surplus

_CHECKED_AT_ONCE: Final = 1000
_log = structlog.get_logger()


class Repairs:
    """The handler of `repairs.v1`."""

    def __init__(self, now: Callable[[], datetime], pause_seconds: float) -> None:
        self._now = now
        self._pause_seconds = pause_seconds

    async def take(self, connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        """Settles lists of applications, and answers requests for verdicts."""
        answers: list[Outgoing] = []
        for event in batch:
            if not isinstance(event, Event):
                continue
            match event.body:
                case BucketListed(subject=RepairSubject.APPLICATIONS) as listing:
                    await _settle(connection, listing)
                case BucketRequested(subject=RepairSubject.VERDICTS) as asked:
                    answers += await self._answer(connection, asked, event.id)
        return answers

    async def _answer(self, connection: Connection, asked: BucketRequested, request_id: str) -> Sequence[Outgoing]:
        """Lists the bucket as it was completed. A bucket that has changed since is mended first, and the asker asks
        again."""
        completed = await rounds.completed(connection, asked.round, asked.epoch)
        frozen = await rounds.frozen(connection, asked.round)
        if completed is None or frozen is None or frozen.epoch != asked.epoch:
            return ()  # of a past epoch: whoever still needs it asks in the new one
        current = await verdicts.current(connection, asked.round)
        leaves = [leaf for leaf in current if bucket_of(leaf.application) == asked.bucket]
        where = {"round": asked.round, "epoch": asked.epoch, "bucket": asked.bucket}
        unsound = await drop_unsound(connection, asked.round, leaves)
        if unsound or not is_bucket_of(completed, asked.bucket, leaves):
            _log.error("mends bucket before listing it", **where, requested_by=asked.requested_by)
            return await request_buckets(
                connection,
                "eligibility",
                asked.round,
                asked.epoch,
                RepairSubject.APPLICATIONS,
                [asked.bucket],
                self._now(),
                self._pause_seconds,
            )
        _log.info("listed bucket", **where, subject="verdicts", leaves=len(leaves), requested_by=asked.requested_by)
        rows = await verdicts.stored(connection, [(leaf.application, leaf.version, leaf.epoch) for leaf in leaves])
        return [listed(asked, request_id, leaves, self._now()), *(published(verdict, None) for verdict in rows)]


async def _settle(connection: Connection, listing: BucketListed) -> None:
    """Drops verdicts and withdrawals of the bucket that intake does not list."""
    frozen = await rounds.frozen(connection, listing.round)
    if frozen is None or not is_bucket_of(frozen.applications, listing.bucket, listing.leaves):
        return
    judged = await verdicts.bucket(connection, listing.round, listing.bucket)
    rows = [*judged, *await pending.bucket(connection, listing.round, listing.bucket)]
    standing = {str(leaf[0]) for leaf in listing.leaves}
    withdrawn = await verdicts.withdrawn(connection, standing | {row[0] for row in rows})
    dropped = surplus(rows, withdrawn, listing.leaves, lambda row: (row[1],))
    await verdicts.drop_elsewhere(connection, listing.round, standing)
    if dropped:
        await verdicts.drop(connection, [(row[0], row[1]) for row in dropped.rows], dropped.withdrawals)
        await pending.drop(connection, [(row[0], row[1]) for row in dropped.rows])
        _log.warning(
            "dropped what is not listed",
            round=listing.round,
            bucket=listing.bucket,
            verdicts=[row[0] for row in dropped.rows],
            withdrawals=list(dropped.withdrawals),
        )


async def drop_unsound(connection: Connection, round_id: str, current: Sequence[VerdictLeaf]) -> int:
    """Removes verdicts that differ from what was published, so that they are judged anew; returns how many."""
    unsound: list[StoredVerdict] = []
    by_key = {(leaf.application, leaf.version, leaf.epoch): leaf for leaf in current}
    keys = list(by_key)
    for start in range(0, len(keys), _CHECKED_AT_ONCE):
        rows = await verdicts.stored(connection, keys[start : start + _CHECKED_AT_ONCE])
        unsound += await asyncio.to_thread(_unsound, rows, by_key)
    if unsound:
        await verdicts.drop(connection, [(each.application, each.version) for each in unsound])
        _log.error(
            "dropped verdicts that were altered", round=round_id, verdicts=[each.application for each in unsound]
        )
    return len(unsound)


def _unsound(rows: Sequence[StoredVerdict], leaves: dict[tuple[str, int, int], VerdictLeaf]) -> list[StoredVerdict]:
    return [row for row in rows if not _is_sound(row, leaves[row.application, row.version, row.epoch])]


def _is_sound(row: StoredVerdict, leaf: VerdictLeaf) -> bool:
    try:
        return sound(from_json(row.body), leaf)
    except (ValueError, KeyError, TypeError):
        return False

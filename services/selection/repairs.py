"""Repair on `repairs.v1`: drops what the owners' lists say can't stand; what is missing they publish again."""

from collections.abc import Sequence
from typing import Any

import structlog

from services.selection.storage import drawn, repairs
from services.selection.storage.drawn import KnownRound
from shared.contracts.events import BucketListed, Manifest, RepairSubject
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import events_of
from shared.kafka.step import Incoming
from shared.postgres import Connection
from shared.repairs import is_bucket_of, surplus

_log = structlog.get_logger()


async def settle_lists(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    for event in events_of(batch, BucketListed):
        said = event.body
        known = await drawn.known(connection, said.round)
        if known is None:
            continue
        wanted = _wanted(known, said.subject)
        if wanted is None or not is_bucket_of(wanted, said.bucket, said.leaves):
            continue
        dropped = await _settle(connection, said)
        if dropped:
            where = {"round": said.round, "subject": said.subject.value, "bucket": said.bucket}
            _log.warning("dropped what is not listed", **where, ids=dropped)
    return ()


def _wanted(known: KnownRound, subject: RepairSubject) -> Manifest | None:
    match subject:
        case RepairSubject.APPLICATIONS:
            return known.applications
        case RepairSubject.REQUESTS:
            return known.requests
        case RepairSubject.VERDICTS:
            return known.verdicts


async def _settle(connection: Connection, said: BucketListed) -> list[str]:
    """The ids that lost a row."""
    leaves: Any = said.leaves
    standing = {leaf[0] for leaf in leaves}
    match said.subject:
        case RepairSubject.APPLICATIONS:
            return await repairs.drop_facts(connection, said.round, leaves)
        case RepairSubject.REQUESTS:
            requests, withdrawn = await repairs.requests(connection, said.round, said.bucket)
            over = surplus(requests, withdrawn, leaves, lambda row: (row[1],))
            gone = [row[0] for row in over.rows]
            await repairs.drop_requests(connection, said.round, gone, standing)
            return gone
        case RepairSubject.VERDICTS:
            verdicts = await repairs.verdicts(connection, said.round, said.bucket)
            known = await repairs.withdrawn(connection, standing | {row[0] for row in verdicts})
            over = surplus(verdicts, known, leaves, lambda row: (row[1], row[3]))
            await repairs.drop_verdicts(
                connection, said.round, [(*row,) for row in over.rows], over.withdrawals, standing
            )
            return [*(row[0] for row in over.rows), *over.withdrawals]

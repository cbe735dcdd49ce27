"""Repairs by lists on `repairs.v1`: deletes rows that owners do not list; owners publish missing rows again."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from services.selection.storage import repairs, rounds
from services.selection.storage.current_inputs import Current
from services.selection.storage.repairs import StatedFacts, StoredFindings
from services.selection.storage.rounds import KnownRound
from shared.contracts.events import BucketListed, Manifest, RepairSubject
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import events_of
from shared.kafka.step import Incoming
from shared.service.postgres import Connection
from shared.service.repairs import is_bucket_of, surplus

_CHECKED_AT_ONCE: Final = 1000
_log = structlog.get_logger()


async def settle_lists(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Deletes what listed buckets do not contain, if the list matches the published manifest."""
    for event in events_of(batch, BucketListed):
        listed = event.body
        known = await rounds.known(connection, listed.round)
        if known is None:
            continue
        wanted = _wanted(known, listed.subject)
        if wanted is None or not is_bucket_of(wanted, listed.bucket, listed.leaves):
            continue
        dropped = await _settle(connection, listed)
        if dropped:
            where = {"round": listed.round, "subject": listed.subject.value, "bucket": listed.bucket}
            _log.warning("deleted unlisted rows", **where, ids=dropped)
    return ()


def _wanted(known: KnownRound, subject: RepairSubject) -> Manifest | None:
    match subject:
        case RepairSubject.APPLICATIONS:
            return known.applications
        case RepairSubject.REQUESTS:
            return known.requests
        case RepairSubject.VERDICTS:
            return known.verdicts


async def _settle(connection: Connection, listed: BucketListed) -> list[str]:
    """Deletes unlisted rows; returns the ids that lost one."""
    leaves: Any = listed.leaves
    standing = {leaf[0] for leaf in leaves}
    match listed.subject:
        case RepairSubject.APPLICATIONS:
            return await repairs.drop_facts(connection, listed.round, leaves)
        case RepairSubject.REQUESTS:
            requests, withdrawn = await repairs.requests(connection, listed.round, listed.bucket)
            over = surplus(requests, withdrawn, leaves, lambda row: (row[1],))
            gone = [row[0] for row in over.rows]
            await repairs.drop_requests(connection, listed.round, gone, standing)
            return gone
        case RepairSubject.VERDICTS:
            verdicts = await repairs.verdicts(connection, listed.round, listed.bucket)
            known = await repairs.withdrawn(connection, standing | {verdict.application for verdict in verdicts})
            over = surplus(verdicts, known, leaves, lambda row: (row[1], row[3]))
            dropped = [Current(*row) for row in over.rows]
            await repairs.drop_verdicts(connection, listed.round, dropped, over.withdrawals, standing)
            return [*(verdict.application for verdict in dropped), *over.withdrawals]


async def drop_altered(connection: Connection, known: KnownRound, current: Sequence[Current]) -> int:
    """Deletes findings and facts that no longer match their hashes; returns how many.

    What is missing then is requested from its owner.
    """
    versions = [(leaf.application, leaf.version) for leaf in current]
    return (
        await _drop_altered_findings(connection, known, current)
        + await drop_altered_facts(connection, known, versions)
        + await _drop_altered_requests(connection, known)
    )


async def drop_altered_facts(connection: Connection, known: KnownRound, versions: Sequence[tuple[str, int]]) -> int:
    """Deletes altered facts of applications, given as (id, version); returns how many."""
    dropped: list[tuple[str, int]] = []
    for start in range(0, len(versions), _CHECKED_AT_ONCE):
        stored = await repairs.facts(connection, versions[start : start + _CHECKED_AT_ONCE])
        dropped += [(each.id, each.version) for each in await asyncio.to_thread(_altered, stored)]
    if dropped:
        await repairs.drop_altered_facts(connection, dropped)
        _log.error("deleted altered facts", round=known.round, applications=[each[0] for each in dropped])
    return len(dropped)


async def _drop_altered_requests(connection: Connection, known: KnownRound) -> int:
    stored = await repairs.request_facts(connection, known.round)
    dropped = [each.id for each in await asyncio.to_thread(_altered, stored)]
    if dropped:
        await repairs.drop_requests(connection, known.round, dropped, ())
        _log.error("deleted altered requests", round=known.round, requests=dropped)
    return len(dropped)


def _altered(stored: Sequence[StatedFacts]) -> list[StatedFacts]:
    return [each for each in stored if each.altered]


async def _drop_altered_findings(connection: Connection, known: KnownRound, current: Sequence[Current]) -> int:
    if known.policy is None:
        return 0
    hashed_with = {"as_of": known.policy.as_of.isoformat(), "policy_hash": known.policy_hash}

    def altered(rows: Sequence[StoredFindings]) -> set[tuple[str, int, int]]:
        return {(row.application, row.version, row.epoch) for row in rows if row.altered(hashed_with)}

    dropped: list[Current] = []
    for start in range(0, len(current), _CHECKED_AT_ONCE):
        leaves = current[start : start + _CHECKED_AT_ONCE]
        gone = await asyncio.to_thread(altered, await repairs.findings(connection, leaves))
        dropped += [leaf for leaf in leaves if leaf.judgement in gone]
    if dropped:
        await repairs.drop_verdicts(connection, known.round, dropped, (), ())
        _log.error("deleted altered verdicts", round=known.round, verdicts=[leaf.application for leaf in dropped])
    return len(dropped)

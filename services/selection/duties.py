"""What is looked at again and again: rounds to commit, to propose, to publish. Each step happens once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from services.selection.domain.commitment import Commitment, Entry, entries_digest, pledges_root
from services.selection.domain.completeness import Completeness, completeness
from services.selection.domain.draw import seed_of
from services.selection.domain.matching import Result
from services.selection.domain.proposal import propose
from services.selection.domain.score import Mark, score
from services.selection.domain.tickets import standing_of, tickets
from services.selection.repairs import drop_altered
from services.selection.storage import drawn, results
from services.selection.storage.drawn import Current, Judged, KnownRound
from shared import audit
from shared.certificates import AcceptedKinds
from shared.clock import Clock
from shared.contracts import topics
from shared.contracts.events import (
    Award,
    InputsCommitted,
    NotSelectedReason,
    ProductNotSelected,
    ProductReserved,
    ProductSelected,
    RepairSubject,
    SelectionProposed,
)
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Policy
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.outbox import OutboxPublisher
from shared.postgres import Connection, Pool, connected
from shared.repairs import forget_requests, request_buckets

PUBLISHED_AT_ONCE: Final = 2000
_log = structlog.get_logger()


async def commit_rounds(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    """Fixes everything that decides, as soon as the inputs are complete and before chance enters."""
    async with connected(pool) as connection:
        rounds = await drawn.to_commit(connection)
    for known in rounds:
        async with outbox.transaction(pool) as (connection, events):
            await drawn.one_snapshot(connection)
            verdicts = await drawn.current(connection, known.round)
            complete = (await inputs_of(connection, known, verdicts)).complete
            if complete and not await drop_altered(connection, known, verdicts):
                now = known.time_map.programme(clock.now())
                events += await _commit(connection, known, verdicts, now)
                events += await audit.record_decisions(connection, "selection", clock.now(), events)


async def ask_for_repair(pool: Pool, outbox: OutboxPublisher, clock: Clock, seconds: float) -> None:
    """Asks the owners for buckets that still differ this long after the judging."""
    now = clock.now()
    async with connected(pool) as connection:
        rounds = await drawn.to_commit(connection)
    for known in rounds:
        if known.judged_at is not None and known.judged_at > now - timedelta(seconds=seconds):
            continue
        async with outbox.transaction(pool) as (connection, events):
            state = await inputs_of(connection, known, await drawn.current(connection, known.round))
            for subject, buckets in (
                (RepairSubject.VERDICTS, state.verdicts),
                (RepairSubject.REQUESTS, state.requests),
                (RepairSubject.APPLICATIONS, state.applications),
            ):
                await forget_requests(connection, known.round, known.epoch, subject, buckets)
                events += await request_buckets(
                    connection, "selection", known.round, known.epoch, subject, buckets, now, seconds
                )


async def inputs_of(connection: Connection, known: KnownRound, verdicts: Sequence[Current]) -> Completeness:
    """How far `verdicts`, the current ones, and what goes with them are from what was judged and frozen."""
    if known.verdicts is None:
        raise LookupError(f"round {known.round} is not judged")
    return completeness(
        verdicts,
        known.verdicts,
        await drawn.request_leaves(connection, known.round),
        known.requests,
        await drawn.without_facts(connection, verdicts),
    )


async def _commit(
    connection: Connection, known: KnownRound, verdicts: Sequence[Current], now: datetime
) -> list[Outgoing]:
    if known.policy is None or known.verdicts is None or known.judged_root != known.applications.root:
        return []
    marks = await drawn.marks(connection, known.round)
    judged = await drawn.judged(connection, verdicts)
    if sorted((each.application, each.version, each.outcome) for each in judged) != sorted(
        (leaf[0], leaf[1], leaf[4]) for leaf in verdicts
    ):
        return []  # a repair took a row away meanwhile
    entries = [(entry_of(item, known.policy, marks.get(item.application, [])), item.version) for item in judged]
    commitment = Commitment(
        round=known.round,
        epoch=known.epoch,
        applications_root=known.applications.root,
        requests_root=known.requests.root,
        verdicts_root=known.verdicts.root,
        entries_root=entries_digest(entry for entry, _ in entries).root,
        pledges_root=pledges_root(await drawn.pledges(connection, known.round)),
        policy_hash=known.policy_hash,
    )
    event = InputsCommitted(
        round=known.round,
        epoch=known.epoch,
        applications_root=commitment.applications_root,
        requests_root=commitment.requests_root,
        verdicts_root=commitment.verdicts_root,
        entries_root=commitment.entries_root,
        pledges_root=commitment.pledges_root,
        policy_hash=commitment.policy_hash,
        commitment_root=commitment.root,
        entries=len(entries),
        committed_at=now,
    )
    body = event.model_dump(mode="json")
    if not await drawn.save_commitment(connection, known.round, known.epoch, body, entries):
        return []
    _log.info("committed inputs", round=known.round, epoch=known.epoch, commitment_root=commitment.root)
    identifier = event_id("inputs-committed", known.round, known.epoch)
    return [outgoing(topics.MILESTONES.name, known.round, event, event_id=identifier, time=now)]


def entry_of(judged: Judged, policy: Policy, marks: list[Mark]) -> Entry:
    """An application as it is committed; one that is not eligible has no tickets and no score."""
    if judged.outcome is not VerdictOutcome.ELIGIBLE:
        return Entry(judged.application, judged.outcome, 0)
    count = tickets(standing_of(judged.findings, judged.record), policy)
    points = score(marks, judged.record, policy.scoring) if policy.scoring else None
    return Entry(judged.application, judged.outcome, count, points)


async def propose_rounds(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    """Draws and matches once the seed is known. The computation runs beside the event loop."""
    async with connected(pool) as connection:
        rounds = await drawn.to_propose(connection)
    for known, commitment in rounds:
        async with outbox.transaction(pool) as (connection, events):
            events += await _propose(connection, known, commitment, known.time_map.programme(clock.now()))
            events += await audit.record_decisions(connection, "selection", clock.now(), events)


async def _propose(
    connection: Connection, known: KnownRound, commitment: dict[str, Any], now: datetime
) -> list[Outgoing]:
    epoch, root = commitment["epoch"], commitment["commitment_root"]
    policy, source = known.policy, known.source_value
    if policy is None or source is None:
        return []
    entries = await drawn.entries(connection, known.round, epoch)
    accepted = AcceptedKinds.compile(policy.as_of, policy.certificates)
    named = await drawn.offers(connection, known.round, epoch, accepted)
    pledges, demands = await drawn.committed(connection, known.round, epoch)
    seed = seed_of(root, source)
    offers = {application: item.offer for application, item in named.items()}
    proposal = await asyncio.to_thread(propose, policy, seed, entries, offers, demands, pledges)
    event = SelectionProposed(
        round=known.round,
        epoch=epoch,
        commitment_root=root,
        seed=seed,
        selection_root=proposal.selection_root,
        selected=proposal.count(Result.SELECTED),
        reserve=proposal.count(Result.RESERVE),
        not_selected=proposal.count(Result.NOT_SELECTED),
        proposed_at=now,
    )
    counts = {entry.application: entry.tickets for entry in entries}
    body = event.model_dump(mode="json")
    if not await results.save_proposal(connection, known.round, epoch, body, proposal, named, counts):
        return []
    _log.info("proposed selection", round=known.round, epoch=epoch, selection_root=proposal.selection_root)
    identifier = event_id("selection-proposed", known.round, epoch)
    return [outgoing(topics.MILESTONES.name, known.round, event, event_id=identifier, time=now)]


async def publish_rounds(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    """Publishes the results of confirmed proposals, line by line in batches; each batch once."""
    async with connected(pool) as connection:
        confirmed = await results.to_publish(connection)
    for round_id, epoch, proposal, done in confirmed:
        async with outbox.transaction(pool) as (connection, events):
            rows = await results.lines(connection, round_id, epoch, done, PUBLISHED_AT_ONCE)
            if not rows or not await results.published(connection, round_id, epoch, done, rows[-1]["line"]):
                continue
            root, now = proposal["selection_root"], clock.now()
            events += [_result_event(round_id, epoch, root, row, now) for row in rows]
        _log.info("published results", round=round_id, epoch=epoch, lines=rows[-1]["line"])


def _result_event(round_id: str, epoch: int, root: str, row: dict[str, Any], now: datetime) -> Outgoing:
    told = {
        "round": round_id,
        "application": row["application"],
        "party": row["party"],
        "epoch": epoch,
        "selection_root": root,
    }
    event: ProductSelected | ProductReserved | ProductNotSelected
    match Result(row["result"]):
        case Result.SELECTED:
            event = ProductSelected(
                **told,
                product=row["product"],
                position=row["position"],
                tickets=row["tickets"],
                awards=tuple(Award.model_validate(award) for award in row["awards"]),
            )
        case Result.RESERVE:
            event = ProductReserved(
                **told,
                position=row["position"],
                reserve_position=row["reserve_position"],
                tickets=row["tickets"],
            )
        case Result.NOT_SELECTED:
            event = ProductNotSelected(**told, reason=NotSelectedReason(row["reason"]), position=row["position"])
    identifier = event_id("result", row["application"], epoch, root)
    return outgoing(topics.SELECTIONS.name, row["application"], event, event_id=identifier, time=now)

"""Periodic jobs: judging applications that waited for their round or for registries, and completing rounds."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from services.eligibility.domain.completion import (
    FIRST_EPOCH,
    VerdictLeaf,
    completed,
    differing,
    parked,
    to_judge_again,
    with_pending,
)
from services.eligibility.storage import pending, rounds, verdicts
from services.eligibility.storage.rounds import FrozenRound
from services.eligibility.usecases.judging import Judge
from services.eligibility.usecases.repairs import drop_unsound
from shared.clock import Clock, not_before
from shared.contracts import topics
from shared.contracts.events import RepairSubject
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.kafka.own import OwnTopic
from shared.service import audit
from shared.service.by_round import ByRound
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool, connected
from shared.service.repairs import forget_requests, request_buckets

_log = structlog.get_logger()


async def judge_waiting(pool: Pool, judge: Judge, outbox: OutboxPublisher) -> None:
    """Judges applications whose round has opened meanwhile."""
    async with outbox.transaction(pool) as (connection, events):
        events += await judge.take_waiting(connection)
    if events:
        _log.info("judged waiting applications", applications=len(events))


async def judge_answered(pool: Pool, judge: Judge, outbox: OutboxPublisher) -> None:
    """Judges applications whose questions to registries are all answered, with the answers published."""
    async with outbox.transaction(pool) as (connection, events):
        events += await judge.take_answered(connection)
    if events:
        _log.info("judged answered applications", applications=len(events))


async def complete_rounds(
    pool: Pool,
    outbox: OutboxPublisher,
    clock: Clock,
    own: OwnTopic,
    by_round: ByRound,
    differ: Callable[[str, int], None] = lambda round_id, buckets: None,
) -> None:
    """Completes rounds whose verdicts are exactly the manifest's applications; once per (round, epoch). `differ` is
    told how many buckets differ, whenever that was looked at."""
    if not await own.read_back(pool):
        return

    async def complete_one(frozen: FrozenRound) -> None:
        async with connected(pool) as connection:
            if await verdicts.waiting(connection, frozen.round) or await verdicts.is_parked(connection, frozen.round):
                return
            if await pending.is_pending(connection, frozen.round):
                return
            current = await verdicts.current(connection, frozen.round)
            buckets = differing(current, frozen.applications, frozen.judged_in)
            differ(frozen.round, len(buckets))
            if parked(current) or buckets:
                return
            if await drop_unsound(connection, frozen.round, current):
                return
        async with outbox.transaction(pool) as (connection, events):
            now = not_before(frozen.time_map.programme(clock.now()), frozen.fixed_at)
            events += await _complete(connection, frozen, current, now)
            events += await audit.record_decisions(connection, "eligibility", clock.now(), events)

    async with connected(pool) as connection:
        frozen_rounds = await rounds.incomplete(connection)
    await by_round.each(frozen_rounds, lambda frozen: frozen.round, complete_one)


async def _complete(
    connection: Connection, frozen: FrozenRound, checked: Sequence[VerdictLeaf], now: datetime
) -> Sequence[Outgoing]:
    """Completes unless verdicts moved since they were `checked`, or another root was published before."""
    current = await verdicts.current(connection, frozen.round)
    if current != checked:
        return ()
    before = await rounds.published_completion(connection, frozen.round, frozen.epoch)
    event = completed(frozen.round, frozen.epoch, frozen.applications.root, current, before[1] if before else now)
    if before is not None and before[0] != event.verdicts.root:
        _log.error(
            "does not complete round: it published another root before",
            round=frozen.round,
            epoch=frozen.epoch,
            published_root=before[0],
        )
        return ()
    if not await rounds.complete(connection, frozen.round, frozen.epoch, event.completed_at, event.verdicts):
        return ()
    _log.info(
        "completed round", round=frozen.round, epoch=frozen.epoch, verdicts=len(current), root=event.verdicts.root
    )
    identifier = event_id("eligibility-completed", frozen.round, frozen.epoch)
    return [outgoing(topics.MILESTONES.name, frozen.round, event, event_id=identifier, time=event.completed_at)]


async def ask_for_repair(pool: Pool, outbox: OutboxPublisher, clock: Clock, seconds: float, by_round: ByRound) -> None:
    """Asks intake for buckets that still differ this long after the freeze, and at once for those to be judged again.

    Applications that wait for a registry are here, and are not asked for.
    """
    now = clock.now()

    async def ask_for_one(frozen: FrozenRound) -> None:
        overdue = frozen.heard_at is None or frozen.heard_at <= now - timedelta(seconds=seconds)
        if not overdue and frozen.epoch == FIRST_EPOCH:
            return
        async with outbox.transaction(pool) as (connection, events):
            here = with_pending(
                await verdicts.current(connection, frozen.round), await pending.leaves(connection, frozen.round)
            )
            buckets = sorted(to_judge_again(here, frozen.judged_in))
            if overdue:
                buckets = differing(here, frozen.applications, frozen.judged_in)
            subject = RepairSubject.APPLICATIONS
            await forget_requests(connection, frozen.round, frozen.epoch, subject, buckets)
            events += await request_buckets(
                connection, "eligibility", frozen.round, frozen.epoch, subject, buckets, now, seconds
            )

    async with connected(pool) as connection:
        frozen_rounds = await rounds.incomplete(connection)
    await by_round.each(frozen_rounds, lambda frozen: frozen.round, ask_for_one)

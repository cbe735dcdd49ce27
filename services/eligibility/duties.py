"""What is looked at again and again: applications that wait for their round, and rounds that may be complete."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from services.eligibility import storage
from services.eligibility.domain.completion import Current, completed, differing
from services.eligibility.handlers import Judge
from services.eligibility.repairs import drop_unsound
from services.eligibility.storage import FrozenRound
from shared import audit
from shared.clock import Clock
from shared.contracts import topics
from shared.contracts.events import RepairSubject
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.outbox import OutboxPublisher
from shared.postgres import Connection, Pool, connected
from shared.repairs import forget_requests, request_buckets

_log = structlog.get_logger()


async def judge_waiting(pool: Pool, judge: Judge, outbox: OutboxPublisher) -> None:
    async with outbox.transaction(pool) as (connection, events):
        events += await judge.take_waiting(connection)
    if events:
        _log.info("judged what waited", applications=len(events))


async def complete_rounds(pool: Pool, outbox: OutboxPublisher, clock: Clock) -> None:
    """Completes rounds whose verdicts are exactly the manifest's applications; once per (round, epoch)."""
    async with connected(pool) as connection:
        frozen_rounds = await storage.incomplete(connection)
    for frozen in frozen_rounds:
        async with connected(pool) as connection:
            if await storage.waiting(connection, frozen.round):
                continue
            current = await storage.current(connection, frozen.round)
            if len(current) != frozen.applications.count or differing(current, frozen.applications):
                continue
            if await drop_unsound(connection, frozen.round, current):
                continue
        async with outbox.transaction(pool) as (connection, events):
            events += await _complete(connection, frozen, current, frozen.time_map.programme(clock.now()))
            events += await audit.record_decisions(connection, "eligibility", clock.now(), events)


async def _complete(
    connection: Connection, frozen: FrozenRound, checked: Sequence[Current], now: datetime
) -> Sequence[Outgoing]:
    current: list[Current] = await storage.current(connection, frozen.round)
    if current != checked:
        return ()
    event = completed(frozen.round, frozen.epoch, frozen.applications.root, current, now)
    if not await storage.complete(connection, frozen.round, frozen.epoch, now, event.verdicts):
        return ()
    _log.info(
        "completed round", round=frozen.round, epoch=frozen.epoch, verdicts=len(current), root=event.verdicts.root
    )
    identifier = event_id("eligibility-completed", frozen.round, frozen.epoch)
    return [outgoing(topics.MILESTONES.name, frozen.round, event, event_id=identifier, time=now)]


async def ask_for_repair(pool: Pool, outbox: OutboxPublisher, clock: Clock, seconds: float) -> None:
    """Asks intake for buckets that still differ this long after the freeze."""
    now = clock.now()
    async with connected(pool) as connection:
        frozen_rounds = await storage.incomplete(connection, now - timedelta(seconds=seconds))
    for frozen in frozen_rounds:
        async with outbox.transaction(pool) as (connection, events):
            buckets = differing(await storage.current(connection, frozen.round), frozen.applications)
            subject = RepairSubject.APPLICATIONS
            await forget_requests(connection, frozen.round, frozen.epoch, subject, buckets)
            events += await request_buckets(
                connection, "eligibility", frozen.round, frozen.epoch, subject, buckets, now, seconds
            )

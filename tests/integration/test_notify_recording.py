"""Recording what attempts came to: many at once in one transaction, and a fault among them stays where it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import prometheus_client
import pytest

from services.notify.adapters.channels import Attempted, OutboxAdapter
from services.notify.domain.attempts import DELIVERED, Ending, Outcome, Persistence
from services.notify.domain.notices import AWARD, Planned
from services.notify.handlers import delivery_id
from services.notify.storage import claims, deliveries, under_way
from services.notify.storage.claims import Claimed
from services.notify.usecases.delivery_metrics import DeliveryMetrics
from services.notify.usecases.recording import Recording
from shared.contracts.events import Channel
from shared.kafka.producer import EventProducer
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected, open_pool
from shared.service.settings import KafkaSettings
from shared.service.telemetry import open_metrics, open_tracing
from tests.conftest import Database
from tests.support.notified import ROUND, ids

NOW = datetime(2018, 9, 18, tzinfo=UTC)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(await database("notify"), 4, "test")
    yield pool
    await pool.close()


@pytest.fixture
def recording() -> Recording:
    producer = EventProducer(KafkaSettings(), "notify", "", open_metrics())  # announces nothing: never started
    way = OutboxAdapter(producer, lambda: NOW, open_tracing("notify", "a", 0.0, "")[0])
    settled = DeliveryMetrics(prometheus_client.CollectorRegistry())
    persistence = Persistence(timedelta(seconds=2), timedelta(hours=1))
    return Recording(way, persistence, OutboxPublisher(producer), lambda: NOW, lambda: 0.5, asyncio.Event(), settled)


async def claimed(pool: Pool, number: int, channel: Channel = Channel.OUTBOX) -> list[Claimed]:
    planned = [
        Planned(
            round=ROUND,
            kind=AWARD,
            subject=one,
            occasion="epoch-1",
            recipient="kwater",
            channel=channel,
            facts={},
        )
        for one in ids(number)
    ]
    async with connected(pool) as connection:
        await deliveries.insert(connection, [(delivery_id(one), one) for one in planned])
        return await claims.claim(connection, channel, number, "a", timedelta(minutes=1))


def delivered(claimed: Sequence[Claimed]) -> list[Attempted]:
    return [(one, DELIVERED) for one in claimed]


async def states(pool: Pool) -> dict[str, int]:
    async with connected(pool) as connection:
        rows = await connection.fetch("SELECT state, count(*) AS number FROM deliveries GROUP BY state")
    return {row["state"]: row["number"] for row in rows}


async def batches(pool: Pool) -> list[int]:
    async with connected(pool) as connection:
        rows: Any = await connection.fetch("SELECT cardinality(ids) AS events FROM outbox ORDER BY batch")
    return [row["events"] for row in rows]


async def test_what_ends_while_a_transaction_is_under_way_shares_the_next(pool: Pool, recording: Recording) -> None:
    groups = await claimed(pool, 40)
    await asyncio.gather(*(recording.record(pool, delivered(groups[start : start + 4])) for start in range(0, 40, 4)))
    assert await states(pool) == {"sent": 40}
    first, *others = await batches(pool)
    assert len(others) <= 2
    assert first + sum(others) == 40


async def test_a_group_that_cannot_be_recorded_leaves_the_others_recorded(pool: Pool, recording: Recording) -> None:
    first, *rest, last = await claimed(pool, 6)
    unreadable = replace(last, delivery=replace(last.delivery, id="no uuid"))
    groups = [delivered([first]), delivered(rest), [(unreadable, DELIVERED)]]
    faults = await asyncio.gather(*(recording.record(pool, group) for group in groups), return_exceptions=True)
    assert [type(fault).__name__ for fault in faults] == ["NoneType", "NoneType", "DataError"]
    assert await states(pool) == {"sent": 5, "pending": 1}
    await recording.record(pool, [(last, Outcome(Ending.LATER, "busy"))])
    assert await states(pool) == {"sent": 5, "pending": 1}
    assert sum(await batches(pool)) == 5


async def test_what_a_kill_left_is_known_by_how_far_it_came(pool: Pool) -> None:
    """Of four: one did not begin, one began, one was taken, and of one nothing is known."""
    one, begun, taken, unknown = (each.delivery.id for each in await claimed(pool, 4, Channel.WEBHOOK))
    async with connected(pool) as connection:
        await under_way.note(connection, [begun, taken], [])
        await under_way.note(connection, [], [taken])
        await connection.execute("DELETE FROM under_way WHERE delivery = $1", unknown)
        await claims.resume(connection, "a", Channel.WEBHOOK)
        again = await claims.claim(connection, Channel.WEBHOOK, 4, "b", timedelta(minutes=1))
        rows = await connection.fetch("SELECT delivery::text, doubts, attempts FROM deliveries")
    assert [each.delivery.id for each in again if each.taken] == [taken]
    left = {row["delivery"]: (row["doubts"], row["attempts"]) for row in rows}
    assert left == {one: (0, 1), begun: (1, 2), taken: (0, 1), unknown: (1, 2)}


async def test_a_notice_to_an_outbox_topic_that_was_claimed_is_a_doubt(pool: Pool) -> None:
    """How far it came is not noted."""
    await claimed(pool, 3)
    async with connected(pool) as connection:
        await claims.resume(connection, "a", Channel.OUTBOX)
        await claims.claim(connection, Channel.OUTBOX, 3, "b", timedelta(minutes=1))
        rows = await connection.fetch("SELECT doubts, attempts FROM deliveries")
        noted = await connection.fetchval("SELECT count(*) FROM under_way")
    assert [(row["doubts"], row["attempts"]) for row in rows] == [(1, 2)] * 3
    assert noted == 0

"""What counts as progress while a batch is worked on, so that a slow one is not taken for a stuck consumer."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

import pytest

from shared.contracts import topics
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Decoder, Faulty
from shared.kafka.step import Incoming, Step
from shared.service.postgres import Connection, Pool, connected, open_pool
from shared.service.telemetry import open_metrics
from tests.conftest import Database
from tests.support.consuming import changed


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(await database("eligibility"), 2, "test")
    yield pool
    await pool.close()


def record(offset: int, code: str | None) -> SimpleNamespace:
    """An event of the institution `code`, or what nobody can read."""
    value = changed(code).body if code else b"no json"
    headers = [("ce_type", b"kr.firstbuy.InstitutionChanged.v1"), ("ce_id", b"%d" % offset)]
    place = {"topic": topics.INSTITUTIONS.name, "partition": 0, "offset": offset}
    return SimpleNamespace(**place, key=b"k", value=value, headers=headers, timestamp=0)


async def test_records_parked_together_and_each_part_of_a_halved_batch_are_progress(pool: Pool) -> None:
    progress: list[float] = []
    dead: list[list[int]] = []

    async def dead_letter(records: Sequence[Faulty]) -> None:
        progress.append(step.progressed_at)
        dead.append([each.record.offset for each in records])

    async def one_at_a_time(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        if len(batch) > 1:
            raise ValueError("too many")
        progress.append(step.progressed_at)
        return ()

    decoder = Decoder(topics.INSTITUTIONS)
    step = Step(lambda: pool, decoder, one_at_a_time, dead_letter, open_metrics(), asyncio.Event())
    unreadable = [offset for offset in range(40) if offset % 10]
    batch = [record(offset, None if offset in unreadable else f"c{offset}") for offset in range(40)]
    await step.take(batch, {})
    assert dead == [unreadable]
    assert len(progress) == 1 + 4
    assert all(earlier < later for earlier, later in itertools.pairwise([*progress, step.progressed_at]))
    async with connected(pool) as connection:
        assert await connection.fetchval("SELECT next_offset FROM consumer_offsets") == 40
        parked = await connection.fetch('SELECT "offset", attempts FROM parked_records ORDER BY 1')
    assert [tuple(row) for row in parked] == [(offset, 1) for offset in unreadable]

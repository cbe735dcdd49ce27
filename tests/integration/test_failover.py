"""Intake's database is lost in a rush and its synchronous standby takes over: what was acknowledged is there."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import asyncpg
import httpx2
import pytest

from deploy.local.postgres import PostgresKind, PostgresServer
from deploy.local.state import State
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map
from tests.support.standby import Pair, synchronous_pair

FIRMS = 8
BEFORE, AFTER = 150, 100
"""Applications acknowledged before the fail-over, and more of them after it."""


@pytest.fixture
async def pair(state: State) -> AsyncIterator[Pair]:
    with State.temporary() as temporary:
        async with synchronous_pair(replace(temporary, cache=state.cache)) as made:
            yield made


@dataclass
class Rush:
    """Firms that apply one after another, each again under the same key until it is acknowledged."""

    client: httpx2.AsyncClient
    round_id: str
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def firm(self, first: int) -> None:
        number = first
        while not self.enough.is_set():
            receipt = await self.entered(number)
            self.acknowledged[receipt["application"]] = number
            number += FIRMS

    async def entered(self, number: int) -> dict[str, str]:
        while True:
            answer = await self.client.post(
                f"/rounds/{self.round_id}/applications",
                json=application(number),
                headers={"Idempotency-Key": f"key-{number}"},
            )
            if answer.status_code in (200, 201):
                receipt: dict[str, str] = answer.json()
                return receipt
            assert answer.status_code == 503, answer.text
            self.refused += 1
            await asyncio.sleep(0.2)

    async def reached(self, count: int) -> None:
        async with asyncio.timeout(90):
            while len(self.acknowledged) < count:
                await asyncio.sleep(0.05)


async def test_a_standby_takes_over_in_a_rush_and_nothing_acknowledged_is_lost(
    start_stack: StartStack, pair: Pair
) -> None:
    own = PostgresServer(PostgresKind.EMBEDDED, "", pair.administrator, "with a synchronous standby")
    stack = await start_stack(services=("intake",), postgres=own, databases={})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        rush = Rush(client, round_id)
        async with asyncio.TaskGroup() as firms:
            for first in range(1, FIRMS + 1):
                firms.create_task(rush.firm(first))
            await rush.reached(BEFORE)
            await pair.fail_over()
            confirmed = len(rush.acknowledged)
            await rush.reached(confirmed + AFTER)
            rush.enough.set()

        connection = await asyncpg.connect(stack.database_url("intake"))
        kept = {str(row["application"]) for row in await connection.fetch("SELECT application FROM applications")}
        await connection.close()
        assert set(rush.acknowledged) - kept == set()
        assert rush.refused > 0

        async def published() -> bool:
            records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}applications.v1")
            return {record.key.decode() for record in records} >= set(rush.acknowledged)

        await until(published, "every acknowledged application in its topic")

"""Connections to the database: nobody takes a second one while holding one, and the wait for one is bounded."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import httpx2
import pytest

from shared.service.outbox import OutboxPublisher
from shared.service.postgres import DatabaseAwayError, NestedConnectionError, Pool, connected, open_pool, session_of
from tests.conftest import Database, StartStack

CONNECTIONS = 2
FEWEST = 6
"""That intake takes."""


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(await database(), CONNECTIONS, "test", 0.3)
    yield opened
    await opened.close()


async def test_a_second_connection_is_refused_while_one_is_held(pool: Pool) -> None:
    async with connected(pool):
        with pytest.raises(NestedConnectionError):
            async with connected(pool):
                pass
        with pytest.raises(NestedConnectionError):
            async with OutboxPublisher(None).transaction(pool):  # type: ignore[arg-type]
                pass
    async with connected(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1, "one after the other"


async def test_it_is_refused_to_what_the_holder_waits_for_too(pool: Pool) -> None:
    async def take() -> None:
        async with connected(pool):
            pass

    async with connected(pool):
        (refused,) = await asyncio.gather(take(), return_exceptions=True)
    assert isinstance(refused, NestedConnectionError)


async def test_a_task_that_outlives_the_holder_may_take_one(pool: Pool) -> None:
    given_back = asyncio.Event()

    async def take() -> int:
        await given_back.wait()
        async with connected(pool) as connection:
            return int(await connection.fetchval("SELECT 1"))

    async with connected(pool):
        later = asyncio.create_task(take())
    given_back.set()
    assert await later == 1


async def test_one_of_another_pool_and_one_for_a_sessions_locks_stand_beside_it(pool: Pool, database: Database) -> None:
    other = await open_pool(await database(), 1, "test")
    async with session_of(pool) as session, connected(pool) as one, connected(other) as another:
        pids = {await each.fetchval("SELECT pg_backend_pid()") for each in (session, one, another)}
    assert len(pids) == 3
    await other.close()


async def test_a_sessions_locks_end_with_a_fault_and_with_the_block(pool: Pool) -> None:
    lock = "SELECT pg_try_advisory_lock(7)"

    async def fail() -> None:
        async with session_of(pool) as session:
            assert await session.fetchval(lock)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with session_of(pool) as session:
        while not await session.fetchval(lock):
            await asyncio.sleep(0.02)
    async with session_of(pool) as session:
        while not await session.fetchval(lock):
            await asyncio.sleep(0.02)


async def test_who_finds_none_free_is_told_after_a_while(pool: Pool) -> None:
    free = asyncio.Event()

    async def hold() -> None:
        async with connected(pool):
            await free.wait()

    holders = [asyncio.create_task(hold()) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.1)
    with pytest.raises(DatabaseAwayError):
        async with connected(pool):
            pass
    free.set()
    await asyncio.gather(*holders)


async def test_wrong_tokens_take_no_connection_from_anybody(start_stack: StartStack) -> None:
    """Sixteen of them stopped intake for a quarter of a minute: each held a connection and waited for another."""
    stack = await start_stack(services=("intake",), environment={"FIRSTBUY_INTAKE_DATABASE_CONNECTIONS": str(FEWEST)})
    wrong = {"Authorization": "Bearer nobody's"}
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        asked = [
            client.request(method, f"/applications/{uuid.uuid4()}{part}", headers=wrong)
            for method, part in (("GET", ""), ("GET", "/status"), ("GET", "/receipt"), ("DELETE", "/contact"))
            for _ in range(16)
        ]
        answers = {answer.status_code for answer in await asyncio.gather(*asked)}
    assert answers <= {401, 404}, answers


async def test_a_request_that_finds_no_connection_is_answered_503_with_when_to_come_again(
    start_stack: StartStack,
) -> None:
    few = {"FIRSTBUY_INTAKE_DATABASE_CONNECTIONS": str(FEWEST), "FIRSTBUY_INTAKE_DATABASE_WAIT_SECONDS": "0.5"}
    stack = await start_stack(services=("intake",), environment=few)
    async with AsyncExitStack() as held:
        database = await asyncpg.connect(stack.database_url("intake"))
        held.push_async_callback(database.close)
        client = await held.enter_async_context(httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60))
        async with database.transaction():
            await database.execute("LOCK TABLE rounds IN ACCESS EXCLUSIVE MODE")
            waiting = [asyncio.create_task(client.get("/rounds")) for _ in range(4 * FEWEST)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused = done.pop().result()
            assert refused.status_code == 503
            assert refused.headers["retry-after"]
            assert refused.json()["type"].endswith("storage-away")
        await asyncio.gather(*waiting)
        assert (await client.get("/rounds")).status_code == 200

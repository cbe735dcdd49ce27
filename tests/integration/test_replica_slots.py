"""Replicas that choose their slots by themselves, on a real PostgreSQL."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from deploy.local.stack import Stack
from shared.service.postgres import Connection
from shared.service.slots import AUTO, LOCK, Slot
from tests.conftest import Database, StartStack
from tests.support.consuming import until


@pytest.fixture
async def url(database: Database) -> str:
    return await database(None)


@pytest.fixture
def held() -> Iterator[list[Slot]]:
    slots: list[Slot] = []
    yield slots
    for slot in slots:
        slot.release()


async def claimed(url: str, held: list[Slot], lost: threading.Event | None = None) -> tuple[Slot, int]:
    slot = Slot(lambda: url, "a slot of a test", (lost or threading.Event()).set)
    held.append(slot)
    return slot, await asyncio.to_thread(slot.claim)


async def test_each_takes_the_lowest_free_slot(url: str, held: list[Slot]) -> None:
    slots = [await claimed(url, held) for _ in range(3)]
    assert [number for _, number in slots] == [0, 1, 2]
    await asyncio.to_thread(slots[1][0].release)
    held.remove(slots[1][0])
    assert (await claimed(url, held))[1] == 1


async def test_those_that_come_at_once_never_share_one(url: str, held: list[Slot]) -> None:
    slots = await asyncio.gather(*(claimed(url, held) for _ in range(12)))
    assert sorted(number for _, number in slots) == list(range(12))


async def holder(watcher: Connection) -> int | None:
    pid: int | None = await watcher.fetchval(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = $1",
        await watcher.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()"),
    )
    return pid


@pytest.fixture
async def watcher(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def test_a_slot_whose_connection_was_cut_is_taken_again(url: str, held: list[Slot], watcher: Connection) -> None:
    _, first = await claimed(url, held)
    cut = await holder(watcher)
    await watcher.execute("SELECT pg_terminate_backend($1)", cut)

    async def taken_again() -> bool:
        return await holder(watcher) not in {None, cut}

    await until(taken_again, "the slot is held by another connection")
    assert (first, (await claimed(url, held))[1]) == (0, 1)


async def test_who_finds_its_slot_taken_is_told(url: str, held: list[Slot], watcher: Connection) -> None:
    lost = threading.Event()
    await claimed(url, held, lost)
    cut = await holder(watcher)
    # Another process that waits for the lock gets it before the first can come back.
    other = asyncio.create_task(watcher.execute("SELECT pg_advisory_lock($1, 0)", LOCK))
    killer = await asyncpg.connect(url)
    await killer.execute("SELECT pg_terminate_backend($1)", cut)
    await killer.close()
    await other
    assert await asyncio.to_thread(lost.wait, 30)


async def test_replicas_of_a_service_come_without_a_slot(start_stack: StartStack) -> None:
    """Three with the same environment: each is a member of its own of every group, and takes partitions."""
    stack = await start_stack(
        services=["eligibility"], environment={"FIRSTBUY_ELIGIBILITY_REPLICA": AUTO}, replicas={"eligibility": 3}
    )
    names = {line["replica"] for slot in range(3) for line in log_of(stack, slot) if line["event"] == "started"}
    assert names == {"0", "1", "2"}
    await stack.restart("eligibility", 1)
    await stack.wait_ready("eligibility", 1)
    assert names == {line["replica"] for slot in range(3) for line in log_of(stack, slot) if line["event"] == "started"}


def log_of(stack: Stack, slot: int) -> list[dict[str, str]]:
    lines = stack.log("eligibility", slot).read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]

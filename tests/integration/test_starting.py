"""A service's port opens first: health answers while database and Kafka are waited for, and nothing else is taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx2
import pytest

from deploy.local.kafka import KafkaServer
from deploy.local.ports import LOOPBACK, free_port, release_port
from deploy.local.postgres import PostgresServer
from deploy.local.process import Child, Command, Launch
from deploy.local.replicas import module_command, provision_kafka
from deploy.local.state import PROJECT, State
from services.eligibility.app import MIGRATIONS
from services.portal import app as portal
from services.portal.settings import PortalSettings
from shared.service.database import Database as OwnDatabase
from shared.service.migrate import migrate
from shared.service.postgres import DatabaseAwayError
from tests.conftest import Database

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A child, and how it is asked."""

    child: Child
    client: httpx2.AsyncClient

    async def answer(self, path: str, status: int) -> httpx2.Response:
        """The first answer with this status, once the process listens."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    found = await self.client.get(path)
                except httpx2.ConnectError:
                    assert self.child.running(), self.child.last_lines()
                else:
                    if found.status_code == status:
                        return found
                await asyncio.sleep(0.05)


Start = Callable[[str], AbstractAsyncContextManager[Asked]]


@pytest.fixture
async def eligibility(state: State, kafka_server: KafkaServer, topic_prefix: str, launch: Launch) -> Start:
    """Starts it on the database of that address."""
    await provision_kafka(kafka_server, topic_prefix)

    @asynccontextmanager
    async def started(url: str) -> AsyncIterator[Asked]:
        name, port = url.rsplit("/", 1)[1], free_port()
        environment = {
            **kafka_server.settings.as_environment(),
            "FIRSTBUY_TOPIC_PREFIX": topic_prefix,
            "FIRSTBUY_ELIGIBILITY_DATABASE_URL": url,
            "FIRSTBUY_ELIGIBILITY_HTTP_PORT": str(port),
        }
        log = state.logs / f"{name}.log"
        child = Child(name, Command(module_command("eligibility"), log, environment, PROJECT), state.records, launch)
        async with httpx2.AsyncClient(base_url=f"http://{LOOPBACK}:{port}") as client:
            yield Asked(child, client)
        await child.stop(30)
        release_port(port)

    return started


@dataclass(frozen=True, slots=True)
class Door:
    """A database that lets nobody in."""

    url: str
    admin: asyncpg.Connection

    async def let_in(self, allowed: bool) -> None:
        name = self.url.rsplit("/", 1)[1]
        await self.admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {allowed}')


@pytest.fixture
async def door(postgres_server: PostgresServer, database: Database) -> AsyncIterator[Door]:
    admin = await asyncpg.connect(postgres_server.url)
    closed = Door(await database("eligibility"), admin)
    await closed.let_in(False)
    yield closed
    await closed.let_in(True)
    await admin.close()


async def test_health_says_what_is_waited_for_until_the_service_is_open(eligibility: Start, door: Door) -> None:
    async with eligibility(door.url) as service:
        assert (await service.answer("/health/live", 200)).json() == {"stuck": {}}
        assert (await service.client.get("/health/ready")).json() == {"missing": {"start": "waits for the database"}}
        assert (await service.client.get("/metrics")).status_code == 200
        closed = await service.client.get("/rounds/none/completeness")
        assert (closed.status_code, closed.json()["type"]) == (503, "urn:firstbuy:problem:starting")
        assert closed.headers["retry-after"] == "2"
        await door.let_in(True)
        assert (await service.answer("/health/ready", 200)).json() == {"missing": {}}
        assert (await service.client.get("/rounds/none/completeness")).status_code == 404


async def test_a_service_that_still_waits_stops_cleanly(eligibility: Start, door: Door) -> None:
    async with eligibility(door.url) as service:
        await service.answer("/health/ready", 503)
        assert await service.child.stop(30) == 0


async def test_a_new_version_waits_for_its_migrations(eligibility: Start, database: Database) -> None:
    url = await database()
    async with eligibility(url) as service:
        waiting = (await service.answer("/health/ready", 503)).json()["missing"]["start"]
        while "migrations" not in waiting:
            waiting = (await service.answer("/health/ready", 503)).json()["missing"]["start"]
        assert waiting.startswith("waits for migrations of its database, from shared/")
        assert (await service.client.get("/health/live")).status_code == 200
        await migrate(url, MIGRATIONS)
        assert (await service.answer("/health/ready", 200)).json() == {"missing": {}}


async def test_a_database_lost_while_its_schema_is_waited_for_is_waited_for_again(
    database: Database, postgres_server: PostgresServer
) -> None:
    url = await database()
    settings = PortalSettings.model_validate({"database_url": url, "database_wait_seconds": 1})
    waiting = OwnDatabase(settings, portal.SERVICE, portal.MIGRATIONS)
    admin = await asyncpg.connect(postgres_server.url)
    door = Door(url, admin)
    async with waiting.opened(), asyncio.timeout(PATIENCE):
        await _until_told(waiting, "migrations")
        await door.let_in(False)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", url.rsplit("/", 1)[1]
        )
        await _until_told(waiting, "waits for the database")
        await door.let_in(True)
        await migrate(url, portal.MIGRATIONS)
        while True:
            try:
                assert await waiting.pool.fetchval("SELECT 1") == 1
                break
            except DatabaseAwayError:
                await asyncio.sleep(0.05)
    await admin.close()


async def _until_told(waiting: OwnDatabase, words: str) -> None:
    while True:
        with pytest.raises(DatabaseAwayError) as told:
            assert waiting.pool
        if words in str(told.value):
            return
        await asyncio.sleep(0.05)

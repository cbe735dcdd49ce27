"""A service's port opens first: health answers while database and Kafka are waited for, and nothing else is taken."""

import asyncio
from collections.abc import AsyncIterator
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
from tests.conftest import Database

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Eligibility as a process, in front of a database that lets nobody in."""

    child: Child
    client: httpx2.AsyncClient
    admin: asyncpg.Connection
    database: str

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


@pytest.fixture
async def waiting(
    state: State,
    kafka_server: KafkaServer,
    postgres_server: PostgresServer,
    database: Database,
    topic_prefix: str,
    launch: Launch,
) -> AsyncIterator[Waiting]:
    url, port = await database("eligibility"), free_port()
    name = url.rsplit("/", 1)[1]
    admin = await asyncpg.connect(postgres_server.url)
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await provision_kafka(kafka_server, topic_prefix)
    environment = {
        **kafka_server.settings.as_environment(),
        "FIRSTBUY_TOPIC_PREFIX": topic_prefix,
        "FIRSTBUY_ELIGIBILITY_DATABASE_URL": url,
        "FIRSTBUY_ELIGIBILITY_HTTP_PORT": str(port),
    }
    log = state.logs / f"{name}.log"
    child = Child(name, Command(module_command("eligibility"), log, environment, PROJECT), state.records, launch)
    async with httpx2.AsyncClient(base_url=f"http://{LOOPBACK}:{port}") as client:
        yield Waiting(child, client, admin, name)
    await child.stop(30)
    release_port(port)
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await admin.close()


async def test_health_says_what_is_waited_for_until_the_service_is_open(waiting: Waiting) -> None:
    assert (await waiting.answer("/health/live", 200)).json() == {"stuck": {}}
    assert (await waiting.client.get("/health/ready")).json() == {"missing": {"start": "waits for the database"}}
    assert (await waiting.client.get("/metrics")).status_code == 200
    closed = await waiting.client.get("/rounds/none/completeness")
    assert (closed.status_code, closed.json()["type"]) == (503, "urn:firstbuy:problem:starting")
    assert closed.headers["retry-after"] == "2"
    await waiting.admin.execute(f'ALTER DATABASE "{waiting.database}" ALLOW_CONNECTIONS true')
    assert (await waiting.answer("/health/ready", 200)).json() == {"missing": {}}
    assert (await waiting.client.get("/rounds/none/completeness")).status_code == 404


async def test_a_service_that_still_waits_stops_cleanly(waiting: Waiting) -> None:
    await waiting.answer("/health/ready", 503)
    assert await waiting.child.stop(30) == 0

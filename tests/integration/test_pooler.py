"""PgBouncer between services and their databases: in session mode all is as without it; in transaction mode two
sessions hold one lock, which `firstbuy doctor` says."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest

from deploy.local.kafka_choice import required
from deploy.local.postgres import PostgresServer
from deploy.local.state import State
from firstbuy.diagnosis.asking.databases import databases
from firstbuy.diagnosis.check import State as Outcome
from firstbuy.diagnosis.databases import compare_databases
from shared.service.postgres import TIMEOUTS
from tests.conftest import Database, StartStack
from tests.support import pgbouncer
from tests.support.consuming import records_of, until
from tests.support.debian import NoPackageError
from tests.support.rounds import Office, application, clock_map
from tests.support.told import Section, tell


@pytest.fixture
def program(state: State, request: pytest.FixtureRequest) -> tuple[Path, dict[str, str]]:
    try:
        return pgbouncer.find(state.cache, os.environ)
    except NoPackageError as error:
        if required("pgbouncer", os.environ):
            raise
        tell(request.config, Section.WITHOUT_PGBOUNCER, f"{request.node.nodeid}: {error}")
        pytest.skip(str(error))


async def with_timeouts(url: str, timeouts: dict[str, str]) -> None:
    """As docs/operators.md has the operator set them; of the database here, since the role is every test's."""
    connection = await asyncpg.connect(url)
    for name, value in timeouts.items():
        await connection.execute(f"ALTER DATABASE {urlsplit(url).path.strip('/')} SET {name} = '{value}'")
    await connection.close()


async def said_of_poolers(url: str) -> list[str]:
    """What doctor finds wrong with what stands in front of the database."""
    checks = compare_databases(await databases({"intake": url}), {})
    return [check.found for check in checks if check.state is Outcome.WRONG and "pooler" in check.subject]


async def test_in_session_mode_all_is_as_without_it(
    start_stack: StartStack,
    database: Database,
    postgres_server: PostgresServer,
    program: tuple[Path, dict[str, str]],
) -> None:
    direct = {service: await database(service) for service in ("intake", "eligibility")}
    for url in direct.values():
        await with_timeouts(url, TIMEOUTS)
    async with pgbouncer.pooled(program, postgres_server.url, "session") as through:
        host = urlsplit(through).netloc
        pooled = {service: url.replace(urlsplit(url).netloc, host) for service, url in direct.items()}
        automatic = {f"FIRSTBUY_{service.upper()}_REPLICA": "auto" for service in direct}
        stack = await start_stack(
            services=tuple(direct), databases=pooled, replicas={"eligibility": 2}, environment=automatic
        )
        async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
            office = await Office.of(stack, client)
            round_id = await office.announce(rehearsal=clock_map(3600))
            await office.status(round_id, "open")
            sent = (client.post(f"/rounds/{round_id}/applications", json=application(number)) for number in range(40))
            assert {answer.status_code for answer in await asyncio.gather(*sent)} == {201}

        async def judged() -> bool:
            return len(await records_of(stack.kafka.settings, f"{stack.topic_prefix}verdicts.v1")) >= 40

        await until(judged, "a verdict of each")
        assert await said_of_poolers(pooled["intake"]) == []


async def test_in_transaction_mode_doctor_names_the_lock_that_two_sessions_hold(
    database: Database, postgres_server: PostgresServer, program: tuple[Path, dict[str, str]]
) -> None:
    url = await database("intake")
    async with pgbouncer.pooled(program, postgres_server.url, "transaction") as through:
        pooled = url.replace(urlsplit(url).netloc, urlsplit(through).netloc)
        locks, timeouts = await said_of_poolers(pooled)
    assert "two sessions hold one lock" in locks
    assert "no statement_timeout, idle_in_transaction_session_timeout, lock_timeout of ours" in timeouts

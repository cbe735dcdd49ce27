"""Real servers for the tests, started once a session by the code that starts `firstbuy up`.

Each test gets databases of its own, cloned from a template, and a topic prefix of its own. The servers die with the
test run, even with kill -9 (see deploy/local/process.py).
"""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from deploy.local.kafka import KafkaServer, running_kafka
from deploy.local.kafka_choice import apache_required, required
from deploy.local.postgres import PostgresServer, create_database, drop_database, running_postgres
from deploy.local.process import Launch, executed
from deploy.local.replicas import SERVICES, Plan, migrate, module_command
from deploy.local.stack import Stack
from deploy.local.state import State
from shared.contracts.events import Language
from shared.kafka.provision import remove
from shared.wording.spoken import speak
from tests.support import ocds_validator
from tests.support.examples import load_profile
from tests.support.lives import hold_to_life
from tests.support.ocds_validator import Validator
from tests.support.preloaded import preloaded
from tests.support.told import Section, tell

pytest_plugins = [f"tests.support.{name}" for name in ("told", "workers", "stacks", "browser", "cli", "offices")]

load_profile()
# A test run's broker never earns back what a JVM spends on optimising it.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")

Database = Callable[..., Awaitable[str]]
StartStack = Callable[..., Awaitable[Stack]]


@pytest.fixture(scope="session")
def state() -> Iterator[State]:
    """Temporary, but with the user's own cache of jars and binaries."""
    with State.temporary() as temporary:
        yield temporary


@pytest.fixture(scope="session")
async def kafka_server(state: State, pytestconfig: pytest.Config) -> AsyncIterator[KafkaServer]:
    async with running_kafka(state, fresh=True, say=lambda line: tell(pytestconfig, Section.SERVERS, line)) as server:
        yield server


@pytest.fixture(scope="session")
async def postgres_server(state: State, pytestconfig: pytest.Config) -> AsyncIterator[PostgresServer]:
    async with running_postgres(state, fresh=True) as server:
        tell(pytestconfig, Section.SERVERS, str(server))
        yield server


@pytest.fixture(scope="session")
def forked(state: State) -> Iterator[Launch]:
    """Starts service processes as forks of one that has imported them; where forks are not safe, as new programs."""
    if sys.platform != "linux":
        yield executed
        return
    with preloaded(state.logs / "preloaded.log") as parent:
        yield parent.launch


@pytest.fixture
def launch(forked: Launch) -> Launch:
    """How `start_stack` starts processes; a module about processes as they are run for real has one of its own."""
    return forked


@pytest.fixture(autouse=True)
def nobody_asks_for_korean() -> None:
    """A command that a test before ran may have."""
    speak(Language.EN)


@pytest.fixture(autouse=True)
def apache_kafka_or_not_run(request: pytest.FixtureRequest) -> None:
    """`@pytest.mark.apache_kafka`: not run on the stand-in, and listed."""
    if request.node.get_closest_marker("apache_kafka") is None:
        return
    server: KafkaServer = request.getfixturevalue("kafka_server")
    if not server.real:
        not_run(request, "needs Apache Kafka; here is only the stand-in")


def not_run(request: pytest.FixtureRequest, why: str) -> NoReturn:
    """Skips the test and lists it."""
    tell(request.config, Section.WITHOUT_KAFKA, request.node.nodeid)
    pytest.skip(why)


@pytest.fixture
def own_users(request: pytest.FixtureRequest, kafka_server: KafkaServer) -> None:
    """For tests of users and rights, which are ours to make on a Kafka of our own alone."""
    if kafka_server.own_users:
        return
    if apache_required(os.environ):
        pytest.fail("needs a Kafka whose users and rights are ours to make: unset KAFKA_BOOTSTRAP_SERVERS")
    not_run(request, "needs a Kafka whose users and rights are ours to make")


@pytest.fixture(scope="session")
def ocds_installed(state: State) -> Path:
    return ocds_validator.installed(state.cache)


@pytest.fixture
def validator_if_there(request: pytest.FixtureRequest) -> Validator | None:
    """The official validator of OCDS; where its archive is not beside the project, the test is listed as not run."""
    archive = ocds_validator.ARCHIVE
    if archive.exists():
        return Validator(request.getfixturevalue("ocds_installed"), archive)
    if required("ocds", os.environ):
        raise FileNotFoundError(archive)
    tell(request.config, Section.WITHOUT_ARCHIVE, request.node.nodeid)
    return None


@pytest.fixture
def validator(validator_if_there: Validator | None) -> Validator:
    """For tests that hold nothing without it."""
    if validator_if_there is None:
        pytest.skip(f"needs {ocds_validator.ARCHIVE.name} in {ocds_validator.ARCHIVE.parent}")
    return validator_if_there


@pytest.fixture
async def topic_prefix(kafka_server: KafkaServer) -> AsyncIterator[str]:
    """Of this test's topics, which go when it ends: a broker that keeps a thousand tests' slows down for the last."""
    prefix = f"t{secrets.token_hex(5)}."
    yield prefix
    await remove(kafka_server.settings, prefix)


@pytest.fixture(scope="session")
async def templates(
    state: State, forked: Launch, postgres_server: PostgresServer
) -> AsyncIterator[Callable[[str | None], Awaitable[str]]]:
    """The name of a database to clone: a service's, migrated once a session, or an empty one."""
    ready: dict[str | None, str] = {}
    session = secrets.token_hex(4)
    # A migration reads all settings of its service, and uses the database alone.
    unused = {"FIRSTBUY_NOTIFY_SMTP_URL": "smtp://127.0.0.1:25", "FIRSTBUY_INTAKE_OPERATOR_TOKEN_HASH": "0" * 64}

    async def template(service: str | None) -> str:
        if service not in ready:
            name = f"template_{session}_{service or 'empty'}"
            url = await create_database(postgres_server.url, name)
            if service is not None:
                plan = Plan((), {}, {}, "", False, module_command, launch=forked)
                await migrate(state, plan, {service: url}, unused, service)
            ready[service] = name
        return ready[service]

    yield template
    for name in ready.values():
        await drop_database(postgres_server.url, name)


@pytest.fixture
async def database(
    postgres_server: PostgresServer, templates: Callable[[str | None], Awaitable[str]]
) -> AsyncIterator[Database]:
    """Fresh databases by their addresses: a migrated one of the service that is named, or an empty one."""
    made: list[str] = []

    async def clone(service: str | None = None) -> str:
        name = f"t{secrets.token_hex(6)}_{service or 'empty'}"
        url = await create_database(postgres_server.url, name, template=await templates(service))
        made.append(name)
        return url

    yield clone
    for name in made:
        await drop_database(postgres_server.url, name)


@pytest.fixture
async def start_stack(
    request: pytest.FixtureRequest,
    state: State,
    kafka_server: KafkaServer,
    postgres_server: PostgresServer,
    database: Database,
    topic_prefix: str,
    launch: Launch,
    tmp_path: Path,
) -> AsyncIterator[StartStack]:
    """Starts services as processes, on this test's databases and topics, for the length of the test:
    `await start_stack(services=…, replicas=…, environment=…)`."""
    async with AsyncExitStack() as held:

        async def start(**options: Any) -> Stack:
            services = options.pop("services", SERVICES)
            databases = options.pop("databases", None)
            if databases is None:
                databases = {service: await database(service) for service in services}
            own = State(tmp_path / f"stack-{secrets.token_hex(3)}", state.cache)
            own.folder.mkdir()
            defaults = {"state": own, "services": services, "databases": databases, "topic_prefix": topic_prefix}
            defaults |= {"registries": False, "launch": launch}
            servers = {"kafka": kafka_server, "postgres": postgres_server}
            held.enter_context(own.locked())
            stack = await held.enter_async_context(Stack.started(**(defaults | servers | options)))
            if "intake" in services and request.node.get_closest_marker("altered_by_hand") is None:
                held.push_async_callback(hold_to_life, stack)
            return stack

        yield start

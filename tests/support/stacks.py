"""A stack for more than one test: for the tests of a file that each have a round of their own, or only look at one."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from deploy.local.kafka import KafkaServer
from deploy.local.postgres import PostgresServer, create_database, drop_database
from deploy.local.process import Launch
from deploy.local.replicas import PORTAL
from deploy.local.stack import Stack
from deploy.local.state import State
from shared.kafka.provision import remove
from tests.support.lives import hold_to_life

LastingStack = Callable[..., AbstractAsyncContextManager[Stack]]


@pytest.fixture(scope="session")
def lasting_stack(
    state: State,
    kafka_server: KafkaServer,
    postgres_server: PostgresServer,
    templates: Callable[[str | None], Awaitable[str]],
    forked: Launch,
    tmp_path_factory: pytest.TempPathFactory,
) -> LastingStack:
    """Starts services for a module, on databases and topics of its own:
    `async with lasting_stack(services=…, replicas=…, environment=…)`."""

    @asynccontextmanager
    async def lasting(services: Sequence[str], **options: Any) -> AsyncIterator[Stack]:
        run = f"t{secrets.token_hex(5)}"
        named = [*services, *([PORTAL] if options.get("portals") else [])]
        databases = {
            name: await create_database(postgres_server.url, f"{run}_{name}", template=await templates(name))
            for name in named
        }
        own = State(tmp_path_factory.mktemp("stack"), state.cache)
        with own.locked():
            async with Stack.started(
                state=own,
                services=services,
                databases=databases,
                topic_prefix=f"{run}.",
                kafka=kafka_server,
                postgres=postgres_server,
                registries=False,
                launch=forked,
                **options,
            ) as started:
                yield started
                if "intake" in services:
                    await hold_to_life(started)
        await remove(kafka_server.settings, f"{run}.")
        for name in named:
            await drop_database(postgres_server.url, f"{run}_{name}")

    return lasting

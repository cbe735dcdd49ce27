"""The stack a demo runs on: one of its own that ends with it, or, to be kept, one that stays up without it."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.local.databases import drop_database
from deploy.local.description import described, kafka_settings
from deploy.local.process import last_lines
from deploy.local.stack import ANNOUNCING, Stack
from deploy.local.state import PROJECT, State
from shared.kafka.provision import remove
from shared.service.settings import KafkaSettings

START_TIMEOUT: Final = 300.0
TWO_OFFICERS: Final = {ANNOUNCING: "2"}
"""A demo announces as a deployment does."""


class DemoFailedError(Exception):
    """The demo could not be run, or not to its end; the message says why and what to do."""

    code = "demo-failed"


class TooSlowError(DemoFailedError):
    """This machine could not answer in the window what was sent; a longer one may do."""

    code = "demo-too-slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the demo's stack answers, and the tokens to act on it."""

    urls: Mapping[str, str]
    client: KafkaSettings
    """How Kafka is reached by whoever sees everything there."""
    own_users: bool
    """Whether each service and institution is a user of its own there."""
    topic_prefix: str
    operator_token: str
    mail_folder: Path
    logs: Path
    kafka: Mapping[str, str]
    postgres: Mapping[str, str]
    registries_url: str
    portal_url: str | None = None
    """Of the pages for people, while the stack runs."""
    kept: bool = False


@asynccontextmanager
async def own_stack(replicas: Mapping[str, int], report: Callable[[str], None]) -> AsyncIterator[Target]:
    """Fresh servers in a temporary state. On a Kafka or PostgreSQL of the user's, names of this run alone, which are
    removed afterwards."""
    run = secrets.token_hex(4)
    prefix = f"firstbuy-demo-{run}." if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") else "firstbuy."
    databases = f"firstbuy_demo_{run}_" if os.environ.get("DATABASE_URL") else "firstbuy_"
    with State.temporary() as state:
        stack = None
        try:
            async with Stack.started(
                state=state,
                replicas=replicas,
                environment=TWO_OFFICERS,
                topic_prefix=prefix,
                database_prefix=databases,
                portals=1,
                report=report,
            ) as stack:
                yield of_stack(stack)
                if prefix != "firstbuy.":
                    await remove(stack.kafka.settings, prefix)
        finally:
            if stack is not None and databases != "firstbuy_":
                for name in stack.databases:
                    await drop_database(stack.postgres.url, databases + name)


def of_stack(stack: Stack) -> Target:
    """Of a stack that runs on this machine."""
    return Target(
        urls={service: stack.url(service) for service in stack.services},
        client=stack.kafka.settings,
        own_users=stack.kafka.own_users,
        topic_prefix=stack.topic_prefix,
        operator_token=stack.operator_token,
        mail_folder=stack.mail_folder,
        logs=stack.state.logs,
        kafka={"kind": str(stack.kafka.kind), "version": stack.kafka.version},
        postgres={"kind": str(stack.postgres.kind), "version": stack.postgres.version},
        registries_url=str(stack.registries_url),
        portal_url=stack.portal_url,
    )


@asynccontextmanager
async def kept_stack(replicas: Mapping[str, int], report: Callable[[str], None]) -> AsyncIterator[Target]:
    """`firstbuy up --fresh` in the background, left running afterwards."""
    state = State.opened()
    if described(state) is not None:
        raise DemoFailedError(f"a stack runs already on {state.folder}: stop it first with `firstbuy down`")
    argv = [sys.executable, "-m", "firstbuy.cli", "up", "--fresh"]
    argv += [part for service, count in replicas.items() for part in ("--replicas", f"{service}={count}")]
    log = state.logs / "up.log"
    with log.open("wb") as file:
        supervisor = subprocess.Popen(  # noqa: ASYNC220, S603 -- it returns at once
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=PROJECT,
            env={**os.environ, **TWO_OFFICERS},
        )
    report(f"starting the stack in the background (its output is in {log})")
    deadline = time.monotonic() + START_TIMEOUT
    while (running := described(state)) is None or running["portal"] is None:
        if supervisor.poll() is not None or time.monotonic() > deadline:
            supervisor.terminate()
            raise DemoFailedError(f"the stack did not start; {log} ends with:\n{last_lines(log, 30)}")
        await asyncio.sleep(0.1)
    yield of_description(running, state)


def of_description(running: Mapping[str, Any], state: State) -> Target:
    """From what a running stack says of itself."""
    kafka, postgres = running["kafka"], running["postgres"]
    return Target(
        urls={service: ones[0]["url"] for service, ones in running["services"].items()},
        client=kafka_settings(running),
        own_users=bool(kafka["own_users"]),
        topic_prefix=running["topic_prefix"],
        operator_token=state.secret("operator-token"),
        mail_folder=Path(running["mail_folder"]),
        logs=Path(running["logs"]),
        kafka={"kind": kafka["kind"], "version": kafka["version"]},
        postgres={"kind": postgres["kind"], "version": postgres["version"]},
        registries_url=str(running["registries"]),
        portal_url=running["portal"],
        kept=True,
    )

"""A Kafka for the local stack: chosen, said in one line, started, and stopped with the block."""

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.local.kafka_apache import FromMaven
from deploy.local.kafka_choice import (
    KafkaFailedError,
    KafkaKind,
    KafkaRequiredError,
    KafkaServer,
    Road,
    RunningKafka,
    UnavailableError,
    apache_required,
    choose,
)
from deploy.local.kafka_docker import FromDocker
from deploy.local.kafka_standin import StandIn
from deploy.local.kept import Report, silent
from deploy.local.ports import accepts
from deploy.local.state import State
from shared.service.settings import KafkaSettings

__all__ = ["KafkaFailedError", "KafkaKind", "KafkaRequiredError", "KafkaServer", "roads", "running_kafka"]

STAND_IN_WARNING = (
    "Warning: this is a stand-in, not Apache Kafka. It keeps everything in memory, and on disk only when it ends "
    "cleanly; it has no access control, no encryption, no replication. For a look around, never for durability "
    "or production. Java 17 with Maven, or Docker, gives the real one."
)


def roads(state: State, environment: Mapping[str, str]) -> Sequence[Road]:
    return (
        Named(environment.get("KAFKA_BOOTSTRAP_SERVERS"), environment),
        FromDocker(),
        FromMaven(state.cache, environment),
        StandIn(),
    )


@asynccontextmanager
async def running_kafka(
    state: State,
    *,
    fresh: bool = False,
    environment: Mapping[str, str] | None = None,
    report: Report = silent,
    say: Report = lambda line: print(line, file=sys.stderr),  # noqa: T201 - the one line promised
) -> AsyncIterator[KafkaServer]:
    """A Kafka for the block. `fresh` starts it empty; an external one is left as it is."""
    environment = os.environ if environment is None else environment
    choice = await choose(roads(state, environment), apache_required=apache_required(environment))
    why = "; ".join([choice.why, *choice.passed_over])
    started = await choice.road.start(state, fresh=fresh, report=report)
    try:
        server = KafkaServer(choice.road.kind, started.version, started.settings, why, started.process)
        say(str(server))
        if not server.real:
            say(STAND_IN_WARNING)
        yield server
    finally:
        await started.stop()


@dataclass(frozen=True, slots=True)
class Named:
    """A Kafka somebody else runs, reached as `FIRSTBUY_KAFKA_…` says: by everybody as the same user."""

    bootstrap_servers: str | None
    environment: Mapping[str, str] = field(default_factory=dict)
    kind: KafkaKind = KafkaKind.EXTERNAL

    async def open(self) -> str:
        if not self.bootstrap_servers:
            raise UnavailableError("KAFKA_BOOTSTRAP_SERVERS is not set")
        return "named by KAFKA_BOOTSTRAP_SERVERS"

    async def start(self, state: State, *, fresh: bool, report: Report) -> RunningKafka:
        servers = self.bootstrap_servers or ""
        if not any([await accepts(server.strip()) for server in servers.split(",")]):
            raise KafkaFailedError(f"KAFKA_BOOTSTRAP_SERVERS={servers}: none of them accepts a connection")
        settings = KafkaSettings.from_environment({**self.environment, "FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS": servers})
        return RunningKafka(settings, "version unknown", _nothing_to_stop)


async def _nothing_to_stop() -> None:
    return

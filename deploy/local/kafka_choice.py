"""Which Kafka the local stack uses, and why.

In order: the one `KAFKA_BOOTSTRAP_SERVERS` names, Docker, Apache Kafka from Maven on this machine's Java, the
stand-in. A road that is closed says so by `UnavailableError`; a road that is open and then fails is an error, never a
reason to fall back in silence.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from deploy.local.kept import Kept, Report
from deploy.local.state import State
from shared.service.settings import KafkaSettings

KAFKA_VERSION = "4.3.1"
"""The same in pom.xml and for the Docker image; a test compares."""


class KafkaKind(StrEnum):
    EXTERNAL = "external"
    DOCKER = "docker"
    APACHE = "apache-kafka"
    STAND_IN = "stand-in"


class UnavailableError(Exception):
    """This road to a Kafka is closed here; the message says what opens it."""

    code = "kafka-road-closed"


class KafkaRequiredError(Exception):
    code = "apache-kafka-required"


class KafkaFailedError(Exception):
    code = "kafka-failed"


@dataclass(frozen=True, slots=True)
class RunningKafka:
    settings: KafkaSettings
    """How it is reached by whoever may do everything there."""
    version: str
    stop: Callable[[], Awaitable[None]]
    process: Kept | None = None
    """None when it is not a process of ours."""


class Road(Protocol):
    """One way to come by a Kafka."""

    @property
    def kind(self) -> KafkaKind: ...

    async def open(self) -> str:
        """Fetch what it needs and say why it is taken, or raise UnavailableError."""
        ...

    async def start(self, state: State, *, fresh: bool, report: Report) -> RunningKafka: ...


@dataclass(frozen=True, slots=True)
class KafkaServer:
    kind: KafkaKind
    version: str
    settings: KafkaSettings
    """How it is reached by whoever may do everything there."""
    why: str
    process: Kept | None = None

    @property
    def bootstrap_servers(self) -> str:
        return self.settings.bootstrap_servers

    @property
    def real(self) -> bool:
        return self.kind is not KafkaKind.STAND_IN

    @property
    def own_users(self) -> bool:
        """Whether every service and institution gets a user of its own: on others' clusters that is theirs to say."""
        return self.settings.secured and self.kind is not KafkaKind.EXTERNAL

    def __str__(self) -> str:
        security = f"{self.settings.security_protocol} with ACLs" if self.own_users else "security off"
        if self.kind is KafkaKind.EXTERNAL:
            security = str(self.settings.security_protocol)
        return f"Kafka: {self.kind} {self.version} at {self.bootstrap_servers}, {security} ({self.why})"


@dataclass(frozen=True, slots=True)
class Choice:
    road: Road
    why: str
    passed_over: tuple[str, ...]


async def choose(roads: Sequence[Road], *, apache_required: bool = False) -> Choice:
    """The first open road. `apache_required` refuses the stand-in instead of taking it."""
    passed_over: list[str] = []
    for road in roads:
        if apache_required and road.kind is KafkaKind.STAND_IN:
            break
        try:
            why = await road.open()
        except UnavailableError as closed:
            passed_over.append(str(closed))
            continue
        return Choice(road, why, tuple(passed_over))
    found = "; ".join(passed_over)
    if apache_required:
        raise KafkaRequiredError(
            "FIRSTBUY_REQUIRE=apache-kafka, but there is none here. Install Java 17 or newer and Maven "
            "(apt-get install openjdk-17-jre-headless maven), or start Docker, or set KAFKA_BOOTSTRAP_SERVERS. "
            f"Tried: {found}"
        )
    raise KafkaRequiredError(f"no Kafka can be had here. Tried: {found}")


def apache_required(environment: Mapping[str, str]) -> bool:
    return required(KafkaKind.APACHE, environment)


def required(what: str, environment: Mapping[str, str]) -> bool:
    """Whether the absence of `what` is an error, by FIRSTBUY_REQUIRE."""
    return what in environment.get("FIRSTBUY_REQUIRE", "").replace(",", " ").split()

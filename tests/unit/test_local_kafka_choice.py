"""Which Kafka is taken, and what is said when none is."""

import stat
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors  # type: ignore[import-untyped]
import pytest
import requests
import testcontainers.core.container
import testcontainers.core.docker_client

from deploy.local import kafka_docker
from deploy.local.kafka import Named, roads
from deploy.local.kafka_apache import (
    POM,
    FromMaven,
    Ports,
    configure,
    find_java,
    jars,
    java_version,
    refuse_open_storage,
)
from deploy.local.kafka_choice import (
    KAFKA_VERSION,
    KafkaFailedError,
    KafkaKind,
    KafkaRequiredError,
    KafkaServer,
    RunningKafka,
    UnavailableError,
    apache_required,
    choose,
)
from deploy.local.kafka_docker import FromDocker, container_files, have_image
from deploy.local.kafka_settings import admin_settings
from deploy.local.kept import Report
from deploy.local.state import State

EXTERNAL, DOCKER, APACHE, STAND_IN = KafkaKind
ALL = frozenset(KafkaKind)


@dataclass(frozen=True)
class FakeRoad:
    kind: KafkaKind
    is_open: bool

    async def open(self) -> str:
        if not self.is_open:
            raise UnavailableError(f"{self.kind} is closed")
        return f"{self.kind} is open"

    async def start(self, state: State, *, fresh: bool, report: Report) -> RunningKafka:
        raise AssertionError("choosing starts nothing")


def test_roads_stand_in_the_order_promised(tmp_path: Path) -> None:
    assert [road.kind for road in roads(State(tmp_path, tmp_path), {})] == [EXTERNAL, DOCKER, APACHE, STAND_IN]


@pytest.mark.parametrize(
    ("opened", "required", "expected"),
    [
        (ALL, False, EXTERNAL),
        (ALL - {EXTERNAL}, False, DOCKER),
        ({APACHE, STAND_IN}, False, APACHE),
        ({STAND_IN}, False, STAND_IN),
        ({EXTERNAL, STAND_IN}, False, EXTERNAL),
        ({EXTERNAL, STAND_IN}, True, EXTERNAL),
        ({DOCKER, STAND_IN}, True, DOCKER),
        ({APACHE, STAND_IN}, True, APACHE),
        ({STAND_IN}, True, None),
        (frozenset(), False, None),
    ],
)
async def test_the_first_open_road_is_taken(
    opened: frozenset[KafkaKind], required: bool, expected: KafkaKind | None
) -> None:
    candidates = [FakeRoad(kind, kind in opened) for kind in KafkaKind]
    if expected is None:
        with pytest.raises(KafkaRequiredError, match="apache-kafka is closed"):
            await choose(candidates, apache_required=required)
        return
    choice = await choose(candidates, apache_required=required)
    assert choice.road.kind is expected
    assert choice.why == f"{expected} is open"


async def test_the_refusal_of_the_stand_in_says_what_to_install() -> None:
    with pytest.raises(KafkaRequiredError, match=r"openjdk-17-jre-headless maven.*Docker.*KAFKA_BOOTSTRAP_SERVERS"):
        await choose([FakeRoad(STAND_IN, is_open=True)], apache_required=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, False), ("", False), ("apache-kafka", True), ("x, apache-kafka", True), ("docker", False)],
)
def test_what_is_required_is_read_from_the_environment(value: str | None, expected: bool) -> None:
    assert apache_required({} if value is None else {"FIRSTBUY_REQUIRE": value}) is expected


@pytest.mark.parametrize("value", [None, ""])
async def test_an_unset_address_is_a_closed_road(value: str | None) -> None:
    with pytest.raises(UnavailableError, match="is not set"):
        await Named(value).open()


class Daemon:
    """A Docker client that answers as told."""

    def __init__(self, *, answers: Exception | None = None, has: set[str] | None = None, pull: Exception | None = None):
        self.pulled: list[str] = []
        self.images = self
        self._answers, self._has, self._pull = answers, has or set(), pull

    def ping(self) -> None:
        if self._answers:
            raise self._answers

    def get(self, name: str) -> None:
        if name not in self._has:
            raise docker.errors.ImageNotFound(f"No such image: {name}")

    def pull(self, name: str) -> None:
        if self._pull:
            raise self._pull
        self.pulled.append(name)

    def close(self) -> None:
        return


@pytest.fixture
def docker_client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install what testcontainers' DockerClient() does: give a client or raise."""

    def install(daemon: Daemon | Exception) -> None:
        def connect() -> Any:
            if isinstance(daemon, Exception):
                raise daemon
            return SimpleNamespace(client=daemon)

        monkeypatch.setattr(testcontainers.core.docker_client, "DockerClient", connect)

    return install


@pytest.mark.parametrize(
    "daemon",
    [
        docker.errors.DockerException("Error while fetching server API version"),
        Daemon(answers=docker.errors.APIError("500 Server Error")),
        Daemon(answers=requests.ConnectionError("refused")),
        Daemon(answers=requests.ReadTimeout("silent")),
        Daemon(answers=PermissionError(13, "Permission denied")),
    ],
    ids=["no daemon", "error", "refused", "silent", "not allowed"],
)
async def test_a_daemon_that_does_not_answer_closes_the_docker_road(docker_client: Any, daemon: Any) -> None:
    docker_client(daemon)
    with pytest.raises(UnavailableError, match="no Docker daemon answers"):
        await FromDocker().open()


@pytest.mark.parametrize(
    "fault",
    [
        docker.errors.ImageNotFound("manifest unknown"),
        docker.errors.APIError("429 Too Many Requests"),
        requests.ReadTimeout("registry is silent"),
    ],
)
async def test_an_image_that_cannot_be_had_closes_the_docker_road(docker_client: Any, fault: Exception) -> None:
    docker_client(Daemon(pull=fault))
    with pytest.raises(UnavailableError, match="cannot be had"):
        await FromDocker().open()


def test_an_image_the_daemon_lacks_is_pulled_with_the_reaper_s(docker_client: Any) -> None:
    daemon = Daemon()
    docker_client(daemon)
    have_image("apache/kafka:x")
    assert daemon.pulled[0] == "apache/kafka:x"
    assert "ryuk" in daemon.pulled[1]


async def test_docker_is_taken_when_it_answers_and_has_the_image(docker_client: Any, tmp_path: Path) -> None:
    docker_client(Daemon())
    choice = await choose(roads(State(tmp_path, tmp_path), {"PATH": "/nonexistent"}))
    assert choice.road.kind is DOCKER


async def test_without_docker_and_java_the_stand_in_is_taken(docker_client: Any, tmp_path: Path) -> None:
    docker_client(docker.errors.DockerException("no daemon"))
    choice = await choose(roads(State(tmp_path, tmp_path), {"PATH": "/nonexistent"}))
    assert choice.road.kind is STAND_IN
    assert "no Java here" in choice.passed_over[2]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return container_files(State(tmp_path, tmp_path), "localhost:32768", "firstbuy-kafka-1")


def test_the_container_gets_the_settings_of_the_local_broker(files: dict[str, str]) -> None:
    lines = files[kafka_docker.PROPERTIES].splitlines()
    assert "auto.create.topics.enable=false" in lines
    assert "offsets.topic.replication.factor=1" in lines
    assert "log.dirs=/var/lib/kafka/data" in lines


def test_the_container_formats_for_a_stable_cluster_id(files: dict[str, str], tmp_path: Path) -> None:
    again = container_files(State(tmp_path, tmp_path), "localhost:32768", "firstbuy-kafka-1")
    other = container_files(State(tmp_path, tmp_path), "localhost:32768", "firstbuy-kafka-2")
    cluster = next(line for line in files[kafka_docker.FORMAT].splitlines() if "--cluster-id" in line)
    assert len(cluster.strip('"').removeprefix("--cluster-id=")) == 22
    assert cluster in again[kafka_docker.FORMAT]
    assert cluster not in other[kafka_docker.FORMAT]


def test_the_container_advertises_the_address_it_got(files: dict[str, str]) -> None:
    assert "advertised.listeners=CLIENT://localhost:32768,BROKER://localhost:9093" in files[kafka_docker.PROPERTIES]


def test_the_container_starts_when_its_last_file_is_there(files: dict[str, str]) -> None:
    assert list(files)[-1] == kafka_docker.WHOLE


def test_no_listener_of_either_broker_lets_anyone_in_without_a_password(files: dict[str, str], tmp_path: Path) -> None:
    local = configure(State(tmp_path, tmp_path), tmp_path, Ports(21000, 21001)).read_text(encoding="utf-8")
    for listeners, text in (("BROKER", local), ("CLIENT,BROKER", files[kafka_docker.PROPERTIES])):
        settings = dict(line.split("=", 1) for line in text.splitlines())
        protocols = ",".join(f"{name}:SASL_PLAINTEXT" for name in ("CONTROLLER", *listeners.split(",")))
        assert settings["listener.security.protocol.map"] == protocols
        assert settings["authorizer.class.name"].endswith(".StandardAuthorizer")
        assert settings["allow.everyone.if.no.acl.found"] == "false"
        assert settings["super.users"] == "User:admin;User:controller"


def test_the_password_is_in_files_of_the_owner_and_the_same_at_the_next_start(tmp_path: Path) -> None:
    state = State(tmp_path, tmp_path)
    properties = configure(state, tmp_path, Ports(21000, 21001))
    admin = admin_settings(state, "127.0.0.1:21000")
    assert f'password="{admin.sasl_password.get_secret_value()}"' in properties.read_text(encoding="utf-8")
    assert stat.S_IMODE(properties.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets" / "kafka-admin").stat().st_mode) == 0o600
    assert admin == admin_settings(state, "127.0.0.1:21000")


def test_storage_from_before_there_were_users_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").touch()
    with pytest.raises(KafkaFailedError, match="firstbuy up --fresh"):
        refuse_open_storage(State(tmp_path, tmp_path), tmp_path)
    State(tmp_path, tmp_path).secret("kafka-admin")
    refuse_open_storage(State(tmp_path, tmp_path), tmp_path)


async def test_a_named_kafka_is_reached_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(server: str) -> bool:
        return True

    monkeypatch.setattr("deploy.local.kafka.accepts", answers)
    user = {"FIRSTBUY_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "FIRSTBUY_KAFKA_SASL_USERNAME": "us"}
    for environment, secured in (({}, False), (user, True)):
        named = Named("kafka:9092", environment)
        running = await named.start(State(Path(), Path()), fresh=False, report=lambda line: None)
        server = KafkaServer(named.kind, running.version, running.settings, "named")
        assert (server.settings.secured, server.own_users) == (secured, False)
        assert server.bootstrap_servers == "kafka:9092"


def test_a_container_waits_for_its_script_and_keeps_its_data_in_the_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testcontainers.core.container, "DockerClient", lambda **_: None)
    container = kafka_docker.new_container("apache/kafka:x", "firstbuy-kafka-1")
    assert container.ports == {"9092": None}
    assert container.volumes == {"firstbuy-kafka-1": {"bind": "/var/lib/kafka/data", "mode": "rw"}}
    assert container._command[:2] == ["sh", "-c"]
    assert container._command[2].endswith("exec bash /tmp/firstbuy-start.sh")


def test_pom_and_image_are_of_one_version() -> None:
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    dependency = next(
        found
        for found in ET.parse(POM).iterfind(".//m:dependency", space)  # noqa: S314 - our own file
        if found.findtext("m:artifactId", namespaces=space) == "kafka_2.13"
    )
    assert dependency.findtext("m:version", namespaces=space) == KAFKA_VERSION
    assert kafka_docker.IMAGE.endswith(f":{KAFKA_VERSION}")


@pytest.mark.parametrize(
    ("told", "accepted"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "21" 2023-09-19', True),
        ('openjdk version "11.0.2" 2019-01-15', False),
        ('java version "1.8.0_442"', False),
        ("what?", False),
    ],
)
def test_an_old_java_closes_the_road(tmp_path: Path, told: str, accepted: bool) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho '{told}' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    if accepted:
        assert java_version(java) in told
    else:
        with pytest.raises(UnavailableError, match="17 or newer"):
            java_version(java)


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    assert find_java({"JAVA_HOME": str(tmp_path), "PATH": "/usr/bin"}) == tmp_path / "bin" / "java"


def test_no_maven_closes_the_road_only_while_no_jars_are_cached(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no Maven"):
        jars(tmp_path, {"PATH": "/nonexistent"})
    (tmp_path / f"kafka-{KAFKA_VERSION}").mkdir()
    assert jars(tmp_path, {"PATH": "/nonexistent"}).is_dir()


async def test_maven_that_cannot_reach_its_repository_closes_the_road_and_leaves_no_half_cache(tmp_path: Path) -> None:
    programs, cache = tmp_path / "bin", tmp_path / "cache"
    programs.mkdir()
    cache.mkdir()
    for name, text in {
        "mvn": "echo '[ERROR] Could not transfer artifact'\nexit 1",
        "java": "echo 'openjdk version \"17.0.1\"' >&2",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    with pytest.raises(UnavailableError, match="Could not transfer"):
        await FromMaven(cache, {"PATH": f"{programs}:/usr/bin:/bin"}).open()
    assert [path.name for path in cache.iterdir()] == [f".kafka-{KAFKA_VERSION}.lock"]


def test_a_broker_is_configured_as_one_combined_node(tmp_path: Path) -> None:
    lines = configure(State(tmp_path, tmp_path), tmp_path, Ports(21000, 21001)).read_text(encoding="utf-8").splitlines()
    assert "process.roles=broker,controller" in lines
    assert "auto.create.topics.enable=false" in lines
    assert "group.initial.rebalance.delay.ms=0" in lines
    assert "advertised.listeners=BROKER://127.0.0.1:21000" in lines

"""Apache Kafka from its Maven artefacts, run with this machine's Java. No download once its jars are cached."""

import asyncio
import base64
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from deploy.local.certificate import Certificate
from deploy.local.kafka_choice import KAFKA_VERSION, KafkaFailedError, KafkaKind, RunningKafka, UnavailableError
from deploy.local.kafka_settings import (
    BROKER_SETTINGS,
    HEAP,
    admin_settings,
    as_properties,
    format_arguments,
    over_tls,
    security_settings,
)
from deploy.local.kept import Kept, NeverReadyError, Patience, Report
from deploy.local.ports import LOOPBACK, free_port, speaks_kafka
from deploy.local.process import Command, write_atomically
from deploy.local.state import State, cached

OLDEST_JAVA = 17
POM = Path(__file__).with_name("pom.xml")
JARS = f"kafka-{KAFKA_VERSION}"
PATIENCE = Patience(start=90.0, grace=20.0, failures=1)
MAVEN_TIMEOUT = 600.0
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class FromMaven:
    cache: Path
    environment: Mapping[str, str]
    kind: KafkaKind = KafkaKind.APACHE
    certificate: Certificate | None = None
    """With one, clients are served over TLS on a port of their own, as `localhost`."""

    async def open(self) -> str:
        java = find_java(self.environment)
        version = await asyncio.to_thread(java_version, java)
        await asyncio.to_thread(jars, self.cache, self.environment)
        return f"Java {version} is here"

    async def start(self, state: State, *, fresh: bool, report: Report) -> RunningKafka:
        """A port can be lost between the look and the broker's bind, so a broker that ends at once is tried again."""
        folder = state.place("kafka")
        if fresh:
            shutil.rmtree(folder / "data", ignore_errors=True)
        refuse_open_storage(state, folder)
        java, libraries = find_java(self.environment), self.cache / JARS
        for _ in range(ATTEMPTS):
            port = free_port()
            address = f"{LOOPBACK}:{port}"
            encrypted = free_port() if self.certificate else None
            properties = configure(state, folder, Ports(port, free_port(), encrypted), self.certificate)
            await asyncio.to_thread(format_storage, state, java, libraries, properties)
            command = broker_command(java, libraries, properties, state.logs / "kafka.log")
            broker = Kept(
                "kafka", command, state.records, partial(speaks_kafka, address), patience=PATIENCE, report=report
            )
            try:
                await broker.start()
            except NeverReadyError:
                if "Address already in use" in broker.last_lines(200):
                    continue
                raise
            settings = admin_settings(state, address)
            if self.certificate:
                settings = admin_settings(state, f"localhost:{encrypted}", str(self.certificate.authority))
            return RunningKafka(settings, KAFKA_VERSION, broker.stop, broker)
        raise KafkaFailedError(f"Apache Kafka lost {ATTEMPTS} free ports to others")


def find_java(environment: Mapping[str, str]) -> Path:
    home = environment.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return Path(home) / "bin" / "java"
    found = shutil.which("java", path=environment.get("PATH"))
    if found is None:
        raise UnavailableError("no Java here; install a Java runtime, 17 or newer (openjdk-17-jre-headless)")
    return Path(found)


def java_version(java: Path) -> str:
    try:
        argv = [str(java), "-XX:-UsePerfData", "-version"]
        told = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"{java} does not run ({error})") from error
    found = re.search(r'version "((\d++)[^"]*+)"', told.stderr + told.stdout)
    if found is None or int(found[2]) < OLDEST_JAVA:
        shown = found[1] if found else "unknown"
        raise UnavailableError(f"{java} is Java {shown}; Kafka {KAFKA_VERSION} needs {OLDEST_JAVA} or newer")
    return found[1]


def jars(cache: Path, environment: Mapping[str, str]) -> Path:
    """The folder of jars, fetched once per user."""
    if (cache / JARS).is_dir():
        return cache / JARS
    maven = shutil.which("mvn", path=environment.get("PATH"))
    if maven is None:
        raise UnavailableError("no Maven here to fetch Kafka's jars with; install it (maven) for the first run")

    def fetch(folder: Path) -> None:
        # A repository of its own: Maven's usual one is outside the state folder, and may not be writable.
        repository = folder / ".repository"
        goal = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"
        argv = [maven, "-q", "-B", "-f", str(POM), f"-Dmaven.repo.local={repository}"]
        argv += [goal, f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
        quiet = dict(environment) | {"MAVEN_OPTS": f"{environment.get('MAVEN_OPTS', '')} -XX:-UsePerfData"}
        try:
            done = subprocess.run(  # noqa: S603
                argv, capture_output=True, text=True, timeout=MAVEN_TIMEOUT, env=quiet, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"Maven did not finish in {MAVEN_TIMEOUT:.0f} s") from error
        if done.returncode != 0:
            told = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip())
            raise UnavailableError(f"Maven cannot fetch Kafka's jars: {told[:300]}")
        shutil.rmtree(repository, ignore_errors=True)

    return cached(cache, JARS, fetch)


def refuse_open_storage(state: State, folder: Path) -> None:
    """Storage that was formatted without users has no admin, and only a broker without security could make one."""
    if (folder / "data" / "meta.properties").exists() and not state.has_secret("kafka-admin"):
        raise KafkaFailedError(
            f"what Kafka stored in {folder} is from before it had users, or their passwords were deleted: "
            "`firstbuy up --fresh` begins anew"
        )


class Ports(NamedTuple):
    """They change with every start; the data does not know them."""

    broker: int
    controller: int
    encrypted: int | None = None


def configure(state: State, folder: Path, ports: Ports, certificate: Certificate | None = None) -> Path:
    """The broker's file of properties."""
    settings = BROKER_SETTINGS | {
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports.controller}",
        "listeners": f"BROKER://{LOOPBACK}:{ports.broker},CONTROLLER://{LOOPBACK}:{ports.controller}",
        "advertised.listeners": f"BROKER://{LOOPBACK}:{ports.broker}",
        "log.dirs": str(folder / "data"),
        **security_settings(state, ["BROKER", *(["ENCRYPTED"] if certificate else [])]),
    }
    if certificate:
        settings["listeners"] += f",ENCRYPTED://{LOOPBACK}:{ports.encrypted}"
        settings["advertised.listeners"] += f",ENCRYPTED://localhost:{ports.encrypted}"
        settings = over_tls(settings, "ENCRYPTED", certificate)
    properties = folder / "server.properties"
    write_atomically(properties, as_properties(settings))
    return properties


def format_storage(state: State, java: Path, libraries: Path, properties: Path) -> None:
    folder = properties.parent
    if (folder / "data" / "meta.properties").exists():
        return
    cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    argv = [str(java), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *stay_inside(folder)]
    arguments = folder / "format.arguments"
    write_atomically(arguments, format_arguments(state, f"{libraries}/*", cluster, str(properties)))
    try:
        done = subprocess.run(  # noqa: S603
            [*argv, f"@{arguments}"], capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        arguments.unlink()
    if done.returncode != 0:
        raise KafkaFailedError(f"Kafka's storage cannot be formatted: {done.stderr.strip() or done.stdout.strip()}")


def broker_command(java: Path, libraries: Path, properties: Path, log: Path) -> Command:
    argv = [str(java), HEAP, "-XX:+UseSerialGC", *stay_inside(properties.parent)]
    argv += ["-Dorg.apache.logging.log4j.level=WARN"]
    argv += ["-cp", f"{libraries}/*", "kafka.Kafka", str(properties)]
    return Command(argv, log, environment=os.environ, folder=properties.parent)


def stay_inside(folder: Path) -> list[str]:
    """A JVM writes to /tmp of its own accord: performance data, and libraries its jars unpack."""
    return ["-XX:-UsePerfData", f"-Djava.io.tmpdir={folder}"]

"""Apache Kafka's own image through testcontainers, whose reaper removes the container when we are killed.

testcontainers' KafkaContainer knows Confluent's image only. The broker must be told its advertised address, which
exists once the container runs: so it waits for its configuration, formats its storage if that is new, and then starts.
The image's own start would format without an admin.
"""

import asyncio
import base64
import hashlib
import importlib
import time
from dataclasses import dataclass
from typing import Any

from deploy.local.kafka_choice import KAFKA_VERSION, KafkaFailedError, KafkaKind, RunningKafka, UnavailableError
from deploy.local.kafka_settings import (
    BROKER_SETTINGS,
    HEAP,
    admin_settings,
    as_properties,
    format_arguments,
    security_settings,
)
from deploy.local.kept import Report
from deploy.local.ports import speaks_kafka
from deploy.local.state import State

IMAGE = f"apache/kafka:{KAFKA_VERSION}"
PORT = 9092
DATA = "/var/lib/kafka/data"
FILES = "/tmp/firstbuy"  # noqa: S108 - inside the container
SCRIPT, PROPERTIES, FORMAT = f"{FILES}-start.sh", f"{FILES}-server.properties", f"{FILES}-format.arguments"
WHOLE = f"{FILES}-whole"
"""The last file to come: the broker must not read one that is still being copied."""
START_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class FromDocker:
    image: str = IMAGE
    kind: KafkaKind = KafkaKind.DOCKER

    async def open(self) -> str:
        await asyncio.to_thread(have_image, self.image)
        return f"a Docker daemon answers and has {self.image}"

    async def start(self, state: State, *, fresh: bool, report: Report) -> RunningKafka:
        volume = None if fresh else volume_of(state)
        container, address = await asyncio.to_thread(start_container, self.image, state, volume)

        async def stop() -> None:
            await asyncio.to_thread(container.stop)

        deadline = time.monotonic() + START_TIMEOUT
        while not await speaks_kafka(address):
            if time.monotonic() > deadline:
                told = b"".join(await asyncio.to_thread(container.get_logs)).decode("utf-8", "replace")
                await stop()
                raise KafkaFailedError(f"{self.image} did not start:\n" + "\n".join(told.splitlines()[-20:]))
            await asyncio.sleep(0.1)
        return RunningKafka(admin_settings(state, address), KAFKA_VERSION, stop)


def daemon() -> Any:
    """Testcontainers' own client of a daemon that answers: a `docker` on the path says nothing."""
    try:
        errors = importlib.import_module("docker.errors")
        requests = importlib.import_module("requests")
        module = importlib.import_module("testcontainers.core.docker_client")
    except ModuleNotFoundError as error:
        raise UnavailableError(f"{error.name} is not installed") from None
    try:
        client = module.DockerClient().client
        client.ping()
    except (errors.DockerException, requests.RequestException, OSError) as error:
        hint = " (its socket is not ours to use)" if "Permission denied" in str(error) else ""
        raise UnavailableError(f"no Docker daemon answers{hint}") from error
    return client


def have_image(image: str) -> None:
    """Pulled if the daemon lacks it, and with it the image of testcontainers' reaper."""
    client = daemon()
    errors, requests = importlib.import_module("docker.errors"), importlib.import_module("requests")
    settings = importlib.import_module("testcontainers.core.config").testcontainers_config
    wanted = [image] if settings.ryuk_disabled else [image, settings.ryuk_image]
    try:
        for name in wanted:
            try:
                client.images.get(name)
            except errors.ImageNotFound:
                client.images.pull(name)
    except (errors.DockerException, requests.RequestException, OSError) as error:
        raise UnavailableError(f"Docker answers, but {name} cannot be had ({_first_line(error)})") from error
    finally:
        client.close()


def start_container(image: str, state: State, volume: str | None) -> tuple[Any, str]:
    container = new_container(image, volume).start()
    try:
        address = f"{container.get_container_host_ip()}:{container.get_exposed_port(PORT)}"
        for path, text in container_files(state, address, cluster=volume or "firstbuy").items():
            container.copy_into_container(text.encode(), path, 0o644)  # the image's user is not the one that copies
    except BaseException:
        container.stop()
        raise
    return container, address


def new_container(image: str, volume: str | None) -> Any:
    container = importlib.import_module("testcontainers.core.container").DockerContainer(image)
    container.with_exposed_ports(PORT).with_envs(KAFKA_HEAP_OPTS=HEAP)
    # A list: nothing is left for the image's entry point to split.
    container.with_command(["sh", "-c", f"until [ -f {WHOLE} ]; do sleep 0.1; done; exec bash {SCRIPT}"])
    if volume is not None:
        container.with_volume_mapping(volume, DATA, "rw")
    return container


def container_files(state: State, address: str, cluster: str) -> dict[str, str]:
    """By path, in the order they are to come."""
    listeners = f"CLIENT://0.0.0.0:{PORT},BROKER://localhost:9093,CONTROLLER://localhost:9094"
    settings = BROKER_SETTINGS | {
        "listeners": listeners,
        "advertised.listeners": f"CLIENT://{address},BROKER://localhost:9093",
        "controller.quorum.voters": "1@localhost:9094",
        "log.dirs": DATA,
        **security_settings(state, ["CLIENT", "BROKER"]),
    }
    # The same for the same volume: data formatted for one cluster id is refused by another.
    identifier = base64.urlsafe_b64encode(hashlib.sha256(cluster.encode()).digest()[:16]).decode().rstrip("=")
    return {
        PROPERTIES: as_properties(settings),
        FORMAT: format_arguments(state, "/opt/kafka/libs/*", identifier, PROPERTIES),
        SCRIPT: START,
        WHOLE: "",
    }


START = f"""#!/bin/bash
set -e
[ -f {DATA}/meta.properties ] || java @{FORMAT}
exec /opt/kafka/bin/kafka-server-start.sh {PROPERTIES}
"""


def volume_of(state: State) -> str:
    """Docker keeps the data of a lasting stack, under a name that tells whose it is. Data whose admin's password was
    lost is of no use: another password, another volume."""
    owner = f"{state.folder} {state.secret('kafka-admin')}"
    return f"firstbuy-kafka-{hashlib.sha256(owner.encode()).hexdigest()[:12]}"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]

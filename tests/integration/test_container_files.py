"""What a container would be given, tried where there is no Docker: its files, moved, on this machine's Java."""

import asyncio
import time
from pathlib import Path

import pytest

from deploy.local import kafka_docker
from deploy.local.kafka import KafkaKind, KafkaServer
from deploy.local.kafka_apache import JARS
from deploy.local.kafka_settings import admin_settings
from deploy.local.ports import free_port, speaks_kafka
from deploy.local.process import Child, Command
from deploy.local.state import State
from shared.contracts.access import SERVICES
from shared.kafka.access import Access
from shared.kafka.provision import provision_access
from tests.conftest import not_run
from tests.support.kafka_users import logs_in


@pytest.mark.apache_kafka
async def test_the_containers_files_start_a_broker_with_an_admin_and_rights(
    request: pytest.FixtureRequest, kafka_server: KafkaServer
) -> None:
    if kafka_server.kind is not KafkaKind.APACHE:
        not_run(request, "a Kafka without jars of our own")
    with State.temporary() as own:
        address = f"127.0.0.1:{free_port()}"
        libraries = own.cache / JARS
        places = {
            f"{kafka_docker.FILES}-": f"{own.folder}/container-",
            f"0.0.0.0:{kafka_docker.PORT}": address,
            "localhost:9093": f"localhost:{free_port()}",
            "localhost:9094": f"localhost:{free_port()}",
            kafka_docker.DATA: f"{own.folder}/data",
            "/opt/kafka/bin/kafka-server-start.sh": f"java -Xmx512m -cp '{libraries}/*' kafka.Kafka",
            "/opt/kafka/libs": str(libraries),
        }

        def moved(text: str) -> str:
            for there, here in places.items():
                text = text.replace(there, here)
            return text

        for path, text in kafka_docker.container_files(own, address, "a-volume").items():
            Path(moved(path)).write_text(moved(text), encoding="utf-8")
        start = Command(["bash", moved(kafka_docker.SCRIPT)], own.logs / "container.log", folder=own.folder)
        broker = Child("container", start, own.records)
        try:
            deadline = time.monotonic() + 90
            while not await speaks_kafka(address):
                assert broker.running(), broker.last_lines()
                assert time.monotonic() < deadline
                await asyncio.sleep(0.2)
            admin = admin_settings(own, address)
            await provision_access(admin, "p.", dict.fromkeys(SERVICES, "a password"))
            assert set(await Access(admin).users()) == {"admin", *(f"p.{service}" for service in SERVICES)}
            assert await logs_in(admin.as_user("p.intake", "a password"))
            assert not await logs_in(admin.as_user("p.intake", "another"))
        finally:
            await broker.stop(20)

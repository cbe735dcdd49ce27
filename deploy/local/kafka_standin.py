"""noida-db: a small program from PyPI that speaks Kafka, for a machine without Java or Docker."""

import asyncio
import importlib.metadata
import importlib.resources
import shutil
from dataclasses import dataclass
from pathlib import Path

from deploy.local.kafka_choice import KafkaKind, RunningKafka, UnavailableError
from deploy.local.kept import Kept, Patience, Report
from deploy.local.ports import LOOPBACK, free_port, speaks_kafka
from deploy.local.process import Command
from deploy.local.state import State, cached
from shared.service.settings import KafkaSettings, SecurityProtocol

PATIENCE = Patience(start=20.0, grace=10.0, failures=3)


@dataclass(frozen=True, slots=True)
class StandIn:
    kind: KafkaKind = KafkaKind.STAND_IN

    async def open(self) -> str:
        _wheel_binary()
        return "it is all there is"

    async def start(self, state: State, *, fresh: bool, report: Report) -> RunningKafka:
        version = importlib.metadata.version("noida-db")
        binary = await asyncio.to_thread(_executable, state.cache, version)
        folder = state.place("stand-in")
        if fresh:
            shutil.rmtree(folder / "data", ignore_errors=True)
        port = free_port()
        argv = [str(binary), "start", "--only", "kafka", "--kafka-port", str(port), "--data-dir", str(folder / "data")]
        address = f"{LOOPBACK}:{port}"
        program = Kept(
            "kafka",
            Command(argv, state.logs / "kafka.log", folder=folder),
            state.records,
            lambda: speaks_kafka(address, 1.0),
            patience=PATIENCE,
            report=report,
        )
        await program.start()
        plain = KafkaSettings(bootstrap_servers=address, security_protocol=SecurityProtocol.PLAINTEXT, ssl_ca_file="")
        return RunningKafka(plain, f"noida-db {version}", program.stop, program)


def _wheel_binary() -> Path:
    try:
        return Path(str(importlib.resources.files("noida_db") / "noida-db"))
    except ModuleNotFoundError:
        raise UnavailableError("noida-db is not installed (pip install 'firstbuy[local]')") from None


def _executable(cache: Path, version: str) -> Path:
    """A copy of our own: the wheel's binary has no execute bit, and setting it would write outside the state folder."""

    def fill(folder: Path) -> None:
        shutil.copyfile(_wheel_binary(), folder / "noida-db")
        (folder / "noida-db").chmod(0o755)

    return cached(cache, f"noida-db-{version}", fill) / "noida-db"

"""`deploy/compose.yaml` for real: up, a small round to its end with three replicas of eligibility, down.

The tests stand in the order of a deployment's life and share it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.state import PROJECT
from shared.contracts.access import SERVICES
from tests.ops.engine import Engine

JVM_TERMINATED = 143
"""How a JVM ends that stops in order on SIGTERM."""


class Deployment:
    """A copy of `deploy/` with secrets of its own, under a project name of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        shutil.copytree(PROJECT / "deploy", folder, ignore=shutil.ignore_patterns("secrets", "__pycache__"))
        (folder / "monitoring").mkdir(exist_ok=True)
        self.secrets = folder / "secrets"
        subprocess.run([sys.executable, "-m", "deploy.machine_secrets", self.secrets], cwd=PROJECT, check=True)

    def compose(self, *words: str) -> str:
        file = str(self.folder / "compose.yaml")
        return self.engine.run(str(self.engine.compose), "--project-name", "firstbuy-ops", "--file", file, *words)

    def containers(self) -> list[dict[str, Any]]:
        """Each with what `docker inspect` says."""
        found = self.engine.run("docker", "ps", "-aq", "--filter", "label=com.docker.compose.project=firstbuy-ops")
        inspected: list[dict[str, Any]] = json.loads(self.engine.run("docker", "inspect", *found.split()))
        return inspected


def service_of(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def log_of(deployment: Deployment, container: dict[str, Any]) -> list[dict[str, Any]]:
    lines = deployment.engine.run("sh", "-c", f"docker logs {container['Id']} 2>&1").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture(scope="module")
def deployment(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    started = Deployment(engine, tmp_path_factory.mktemp("machine") / "deploy")
    try:
        started.compose("up", "--detach", "--wait")
        yield started
    finally:
        started.compose("down", "--volumes", "--timeout", "20")


def test_everything_comes_up_and_is_well(deployment: Deployment) -> None:
    states = {service_of(each): each["State"] for each in deployment.containers()}
    healthy = {name for name, state in states.items() if state.get("Health", {}).get("Status") == "healthy"}
    assert healthy == {*SERVICES, "portal", "kafka", "postgres", "mail"}
    jobs = {name: state["ExitCode"] for name, state in states.items() if name not in healthy}
    assert jobs == {"provision": 0, **{f"migrate-{service}": 0 for service in SERVICES}}


def test_no_container_may_write_its_root_or_has_a_capability(deployment: Deployment) -> None:
    for container in deployment.containers():
        host, name = container["HostConfig"], service_of(container)
        assert host["ReadonlyRootfs"], name
        assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None), name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0, name
        assert container["Config"]["User"] not in {"", "0", "root"}, name


def test_no_secret_is_in_an_environment_or_a_command(deployment: Deployment) -> None:
    kept = [path.read_text().strip() for path in deployment.secrets.iterdir() if path.suffix != ".pem"]
    shown = json.dumps(deployment.containers())
    assert not [secret for secret in kept if secret in shown]


def test_a_service_needs_no_shell(deployment: Deployment) -> None:
    """Of the same image, with nothing in place of each shell."""
    hidden = [word for shell in ("/bin/sh", "/bin/bash", "/bin/dash") for word in ("-v", f"/dev/null:{shell}:ro")]
    image = ["docker", "run", "--rm", "--read-only", "--network", "none", *hidden, "firstbuy:latest"]
    assert "round" in deployment.engine.run(*image, "-m", "firstbuy.cli", "--help")
    assert "usage" in deployment.engine.run(*image, "-m", "shared.kafka.provision", "--help")


def test_three_replicas_take_slots_and_hold_a_round_to_its_end(deployment: Deployment) -> None:
    deployment.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "eligibility=3")
    told = deployment.engine.run("inside", sys.executable, "-m", "tests.ops.small_round", str(deployment.secrets))
    account = json.loads(told.splitlines()[-1])
    assert account["not as expected"] == []
    assert account["dead letters"] == 0
    assert account["frozen"] == account["judged"] == sum(account["results"].values()) > 0
    assert account["results"]["ProductSelected"] > 0
    replicas = [each for each in deployment.containers() if service_of(each) == "eligibility"]
    slots = {line["replica"] for each in replicas for line in log_of(deployment, each) if line["event"] == "started"}
    assert slots == {"0", "1", "2"}


def test_everything_stops_in_order(deployment: Deployment) -> None:
    deployment.compose("stop")
    codes = {(service_of(each), each["State"]["ExitCode"]) for each in deployment.containers()}
    assert codes - {("kafka", JVM_TERMINATED)} == {(name, 0) for name, _ in codes - {("kafka", JVM_TERMINATED)}}
    assert not [each for each in deployment.containers() if each["State"]["OOMKilled"]]

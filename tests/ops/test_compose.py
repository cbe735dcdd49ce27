"""`deploy/compose.yaml` for real: small, then full, a small round to its end with three replicas of eligibility, what
Prometheus, Alertmanager and the collector of traces saw of it, down.

The tests stand in the order of a deployment's life and share it.
"""

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.local.state import PROJECT
from shared.contracts.access import SERVICES, consumer_group
from shared.contracts.topics import APPLICATIONS
from tests.ops import registry
from tests.ops.engine import Engine
from tests.ops.waiting import eventually

JVM_TERMINATED = 143
"""How a JVM ends that stops in order on SIGTERM."""
WATCHING: Final = {"prometheus", "alertmanager", "otel-collector"}
PROMETHEUS: Final = "http://127.0.0.1:9090/api/v1"
ALERTMANAGER: Final = "http://127.0.0.1:9094/api/v2"
MAIL: Final = "http://127.0.0.1:8025/api/v1"
UNREADABLE: Final = 500
"""Records, more than the rules take for a flood."""
FLOODED: Final = "FirstbuyDeadLetterFlood"
SPAN: Final = re.compile(r"service\.name: Str\((?P<service>.+)\)|Trace ID +: (?P<trace>\w+)|^ +Name +: (?P<name>.+)$")
ENTRY: Final = {("firstbuy-intake", "POST application"), ("firstbuy-eligibility", "judge"), ("firstbuy-notify", "mail")}
"""Spans of one entry."""


class Deployment:
    """A copy of `deploy/` with secrets of its own, under a project name of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.given: dict[str, str] = {}
        shutil.copytree(PROJECT / "deploy", folder, ignore=shutil.ignore_patterns("secrets", "__pycache__"))
        (folder / "monitoring").mkdir(exist_ok=True)
        self.secrets = folder / "secrets"
        subprocess.run([sys.executable, "-m", "deploy.machine_secrets", self.secrets], cwd=PROJECT, check=True)

    def compose(self, *words: str) -> str:
        file = str(self.folder / "compose.yaml")
        given = (f"{name}={value}" for name, value in self.given.items())
        compose = (str(self.engine.compose), "--project-name", "firstbuy-ops", "--file", file)
        return self.engine.run("env", *given, *compose, *words)

    def answer(self, url: str) -> Any:
        """Of a port that is published."""
        return json.loads(self.engine.run("inside", "curl", "--silent", "--show-error", "--fail", url))

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


def test_the_image_says_which_base_it_was_built_on(engine: Engine) -> None:
    (told,) = json.loads(engine.run("docker", "image", "inspect", "firstbuy:latest"))
    labels = told["Config"]["Labels"]
    assert labels["org.opencontainers.image.base.name"] == f"{registry.ADDRESS}/python:3.11-slim-bookworm"
    assert re.fullmatch("sha256:[0-9a-f]{64}", labels["org.opencontainers.image.base.digest"])


def test_everything_comes_up_and_is_well(deployment: Deployment) -> None:
    states = {service_of(each): each["State"] for each in deployment.containers()}
    healthy = {name for name, state in states.items() if state.get("Health", {}).get("Status") == "healthy"}
    assert healthy == {*SERVICES, "portal", "kafka", "postgres", "mail"}
    jobs = {name: state["ExitCode"] for name, state in states.items() if name not in healthy}
    assert jobs == {"provision": 0, "documents": 0, **{f"migrate-{name}": 0 for name in (*SERVICES, "portal")}}


@pytest.fixture(scope="module")
def full(deployment: Deployment) -> Deployment:
    """With all that watches it, and each request traced."""
    collector = deployment.folder / "monitoring" / "otel-collector.yaml"
    collector.write_text(collector.read_text().replace("verbosity: basic", "verbosity: detailed"))
    deployment.given = {
        "COMPOSE_PROFILES": "full",
        "FIRSTBUY_TRACES": "http://otel-collector:4318/v1/traces",
        "FIRSTBUY_TRACES_SHARE": "1",
    }
    deployment.compose("up", "--detach", "--wait")
    return deployment


def test_what_watches_it_comes_up_beside_it(full: Deployment) -> None:
    states = {service_of(each): each["State"] for each in full.containers()}
    assert {name for name in WATCHING if states[name]["Running"] and not states[name]["Restarting"]} == WATCHING
    assert {states[service]["Health"]["Status"] for service in (*SERVICES, "portal")} == {"healthy"}


def test_no_container_may_write_its_root_or_has_a_capability(full: Deployment) -> None:
    """One has one: it gives a new volume to intake's user, has no network and ends."""
    for container in full.containers():
        host, name = container["HostConfig"], service_of(container)
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0, name
        if name == "documents":
            assert (host["CapAdd"], host["NetworkMode"]) in ((["CHOWN"], "none"), (["CAP_CHOWN"], "none"))
            continue
        assert host["CapAdd"] is None, name
        assert container["Config"]["User"] not in {"", "0", "root"}, name


def test_no_secret_is_in_an_environment_or_a_command(full: Deployment) -> None:
    kept = [path.read_text().strip() for path in full.secrets.iterdir() if path.suffix != ".pem"]
    shown = json.dumps(full.containers())
    assert not [secret for secret in kept if secret in shown]


def test_a_service_needs_no_shell(full: Deployment) -> None:
    """Of the same image, with nothing in place of each shell."""
    hidden = [word for shell in ("/bin/sh", "/bin/bash", "/bin/dash") for word in ("-v", f"/dev/null:{shell}:ro")]
    image = ["docker", "run", "--rm", "--read-only", "--network", "none", *hidden, "firstbuy:latest"]
    assert "round" in full.engine.run(*image, "-m", "firstbuy.cli", "--help")
    assert "usage" in full.engine.run(*image, "-m", "shared.kafka.provision", "--help")


def test_three_replicas_take_slots_and_hold_a_round_to_its_end(full: Deployment) -> None:
    full.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "eligibility=3")
    told = full.engine.run("inside", sys.executable, "-m", "tests.ops.small_round", str(full.secrets))
    account = json.loads(told.splitlines()[-1])
    assert account["not as expected"] == []
    assert account["dead letters"] == 0
    assert account["frozen"] == account["judged"] == sum(account["results"].values()) > 0
    assert account["results"]["ProductSelected"] > 0
    replicas = [each for each in full.containers() if service_of(each) == "eligibility"]
    slots = {line["replica"] for each in replicas for line in log_of(full, each) if line["event"] == "started"}
    assert slots == {"0", "1", "2"}


def test_prometheus_finds_each_replica_by_its_name_and_takes_the_rules(full: Deployment) -> None:
    wanted = {**dict.fromkeys((*SERVICES, "portal"), 1), "eligibility": 3}

    def all_answer() -> bool:
        told = full.answer(f"{PROMETHEUS}/targets")["data"]["activeTargets"]
        up = [target["labels"]["job"] for target in told if target["health"] == "up"]
        return {job: up.count(job) for job in up} == wanted and len(up) == len(told)

    eventually(all_answer, f"targets up {wanted}")
    groups = full.answer(f"{PROMETHEUS}/rules")["data"]["groups"]
    files = [yaml.safe_load(path.read_text()) for path in (full.folder / "monitoring" / "rules").glob("*.yaml")]
    declared = [
        rule.get("alert") or rule["record"] for file in files for group in file["groups"] for rule in group["rules"]
    ]
    assert sorted(rule["name"] for group in groups for rule in group["rules"]) == sorted(declared)
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}


def test_the_collector_has_entries_whole_from_the_request_to_the_mail(full: Deployment) -> None:
    (collector,) = (each for each in full.containers() if service_of(each) == "otel-collector")

    def whole() -> int:
        traces: dict[str, set[tuple[str, str]]] = defaultdict(set)
        service = trace = ""
        for line in full.engine.run("sh", "-c", f"docker logs {collector['Id']} 2>&1").splitlines():
            if found := SPAN.search(line):
                service, trace = found["service"] or service, found["trace"] or trace
                if found["name"]:
                    traces[trace].add((service, found["name"]))
        return sum(spans >= ENTRY for spans in traces.values())

    eventually(lambda: whole() > 0, "a trace with each of its spans")


def test_an_alert_goes_by_mail_to_who_operates_it(full: Deployment) -> None:
    """Records that nobody can read, by the rules as they are."""
    kafka = {
        "BOOTSTRAP_SERVERS": "localhost:9093",
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_USERNAME": "admin",
        "SASL_PASSWORD_FILE": f"{full.secrets}/kafka-admin-password",
        "SSL_CA_FILE": f"{full.secrets}/authority.pem",
    }
    given = (f"FIRSTBUY_KAFKA_{name}={value}" for name, value in kafka.items())
    group = consumer_group("firstbuy.", "eligibility", APPLICATIONS)
    flood = ("-m", "tests.ops.flood", f"firstbuy.{APPLICATIONS.name}", str(UNREADABLE), group)
    full.engine.run("inside", "env", *given, sys.executable, *flood)

    def alerted() -> bool:
        alerts = full.answer(f"{ALERTMANAGER}/alerts")
        return any(alert["labels"]["alertname"] == FLOODED for alert in alerts)

    def mailed() -> bool:
        found = full.answer(f"{MAIL}/search?query=to:operators@firstbuy.example")["messages"]
        return any(FLOODED in mail["Subject"] for mail in found)

    eventually(alerted, f"{FLOODED} at Alertmanager")
    eventually(mailed, f"a mail about {FLOODED}")


def test_everything_stops_in_order(full: Deployment) -> None:
    full.compose("stop")
    codes = {(service_of(each), each["State"]["ExitCode"]) for each in full.containers()}
    assert codes - {("kafka", JVM_TERMINATED)} == {(name, 0) for name, _ in codes - {("kafka", JVM_TERMINATED)}}
    assert not [each for each in full.containers() if each["State"]["OOMKilled"]]

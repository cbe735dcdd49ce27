"""`deploy/kubernetes` on a real node: a round to its end through a rolling restart, a drain and a flood of unreadable
records, in the roots of an undisturbed one.

The tests stand in the order of a deployment's life and share it. Operators that make Kafka and PostgreSQL of their
resources are played by `tests/ops/node_servers.py`, since no registry of images is reached.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.local.stack import ANNOUNCING
from deploy.local.state import PROJECT, State
from firstbuy.demo.target import of_stack
from shared.contracts.access import SERVICES, consumer_group
from shared.contracts.topics import APPLICATIONS, CONSUMED
from tests.ops import kubernetes_programs, node_servers, small_round
from tests.ops import node as nodes
from tests.ops.engine import Engine, make_stand_in
from tests.ops.node import Node
from tests.ops.node_servers import Servers
from tests.ops.small_round import Course
from tests.support.manifests import Manifest
from tests.support.stacks import LastingStack
from tests.support.told import Section, tell

NAMESPACE: Final = "firstbuy-rehearsal"
OURS: Final = "app.kubernetes.io/name=firstbuy"
COURSE: Final[dict[str, Any]] = {
    "entries": 50,
    "window": 200.0,
    "entering": 150.0,
    "patience": 1500.0,
    "partitions": 48,
}
"""So many entries that no mail waits: a domain gets 200 an hour at most."""
FLOOD: Final = 100_000
IMAGE: Final = f"firstbuy:{version('firstbuy')}"
"""As the manifests name it."""


@dataclass
class Cluster:
    """A deployment of `rehearsal`, in which nothing has been done yet."""

    node: Node
    servers: Servers
    facts: dict[str, Any] = field(default_factory=dict)

    def kubectl(self, *words: str, check: bool = True) -> str:
        return self.node.plane.kubectl(f"--namespace={NAMESPACE}", *words, check=check, timeout=1200)

    def pods(self) -> dict[str, Manifest]:
        """Of services, by name."""
        found = self.node.objects("pods", f"--namespace={NAMESPACE}", f"--selector={OURS}")
        label = "app.kubernetes.io/component"
        return {pod["metadata"]["name"]: pod for pod in found if pod["metadata"]["labels"].get(label) in SERVICES}

    def settled(self) -> None:
        """Every replica of every service is there and ready, as docs/kubernetes.md has it."""
        for kind in ("statefulset", "deployment"):
            self.kubectl("rollout", "status", kind, f"--selector={OURS}", "--timeout=15m")


def ready(pod: Manifest) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def restarts(pods: dict[str, Manifest]) -> dict[str, int]:
    return {name: each["restartCount"] for name, pod in pods.items() for each in pod["status"]["containerStatuses"]}


def ids(pods: dict[str, Manifest]) -> dict[str, str]:
    return {name: pod["metadata"]["uid"] for name, pod in pods.items()}


@pytest.fixture(scope="module")
def archive(built_with: Engine, parts: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The image that `make image` builds, and the one that holds a pod's namespaces, as `docker save` writes them."""
    path = tmp_path_factory.mktemp("images") / "images.tar"
    with built_with.building():
        make_stand_in(built_with, nodes.PAUSE, "pause", {"pause": kubernetes_programs.pause(parts.cache)})
        built_with.run("docker", "tag", "firstbuy:latest", IMAGE)
        built_with.run("docker", "save", "--output", str(path), IMAGE, nodes.PAUSE)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def cluster(
    archive: Path, parts: State, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Cluster]:
    with nodes.opened(parts, tmp_path_factory.mktemp("node")) as node:
        tell(pytestconfig, Section.SERVERS, f"a node of Kubernetes {kubernetes_programs.VERSION}, built here")
        tell(pytestconfig, Section.STAND_INS, "on the node: operators of Strimzi and CloudNativePG are played")
        node.take(archive)
        servers = node_servers.started(node, parts, NAMESPACE)
        node.plane.kubectl("create", "namespace", NAMESPACE)
        node.plane.apply(node_servers.secrets_of_operators(servers))
        overlay = node_servers.overlay(servers, tmp_path_factory.mktemp("overlay"))
        node.plane.apply(yaml.safe_load_all(node.plane.kubectl("kustomize", str(overlay))))
        node_servers.kafka_as_declared(servers)
        yield Cluster(node, servers)


def test_migrations_end_and_every_replica_becomes_ready(cluster: Cluster) -> None:
    prepare = "--selector=app.kubernetes.io/component=prepare"
    cluster.kubectl("wait", "--for=condition=complete", "job", prepare, "--timeout=15m")
    cluster.settled()
    pods = cluster.pods()
    assert len(pods) == 2 * len(SERVICES)
    assert all(map(ready, pods.values()))


def test_a_replica_takes_the_slot_of_its_ordinal(cluster: Cluster) -> None:
    for name in cluster.pods():
        lines = [json.loads(line) for line in cluster.kubectl("logs", name).splitlines() if line.startswith("{")]
        (slot,) = {line["replica"] for line in lines if line["event"] == "started"}
        assert slot == name.rpartition("-")[2]


def test_an_operator_reaches_intake_through_a_tunnel(cluster: Cluster) -> None:
    sandbox, plane = cluster.node.plane.sandbox, cluster.node.plane
    url = "http://127.0.0.1:8001"
    words = ("port-forward", "service/intake", "8001:8001", f"--namespace={NAMESPACE}")
    sandbox.start("tunnel", *plane.command(*words))
    sandbox.wait_for(["curl", "--silent", "--write-out", "%{http_code}", f"{url}/health/live"], "200")
    given = {"FIRSTBUY_URL": url, "FIRSTBUY_TOKEN": (cluster.servers.secrets / "operator-token").read_text()}
    named = (f"{name}={value}" for name, value in given.items())
    cli = ["env", f"--chdir={PROJECT}", *named, sys.executable, "-m", "firstbuy.cli"]
    assert "fb_officer_" in sandbox.run(*cli, "token", "create", "--role", "officer", "--name", "officer-an", "--json")
    assert "officer-an" in sandbox.run(*cli, "token", "list")


@pytest.fixture(scope="module")
def disturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A round, and what befell it: facts by name."""
    urls = {
        service["metadata"]["name"]: f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}"
        for service in cluster.node.objects("services", f"--namespace={NAMESPACE}", f"--selector={OURS}")
    }
    kafka = {"bootstrap_servers": f"{node_servers.KAFKA}:9093", "sasl_mechanism": "SCRAM-SHA-512", "partitions": 48}
    reached = tmp_path_factory.mktemp("reached") / "reached.json"
    reached.write_text(json.dumps({"urls": urls, "kafka": kafka}))
    words = [str(cluster.servers.secrets), "ops-1", "--reached", str(reached), "--course", json.dumps(COURSE)]
    sandbox = cluster.node.plane.sandbox
    argv = sandbox.inside(*cluster.servers.module("tests.ops.small_round", *words))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdout is not None
            if driver.stdout.readline().strip() != small_round.OPEN:
                pytest.fail(driver.communicate()[1])
            facts = befall(cluster)
            told, complaint = driver.communicate(timeout=1800)
        finally:
            driver.kill()
    assert driver.returncode == 0, complaint
    return {**facts, "account": json.loads(told.splitlines()[-1]), "at the end": cluster.pods()}


def befall(cluster: Cluster) -> dict[str, Any]:
    """All replicas restarted one by one, the node drained, the flood, while firms enter; what was seen."""
    facts: dict[str, Any] = {"at first": cluster.pods()}
    for service in SERVICES:
        cluster.kubectl("rollout", "restart", f"statefulset/{service}")
    cluster.settled()
    facts["restarted"] = cluster.pods()
    words = ("drain", nodes.NAME, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=30s")
    drained = cluster.node.plane.sandbox.tried(*cluster.node.plane.command(*words))
    facts["drain"] = drained.stdout + drained.stderr
    facts["drained"] = cluster.pods()
    cluster.kubectl("uncordon", nodes.NAME)
    cluster.settled()
    facts["before the flood"] = cluster.pods()
    groups = [consumer_group("firstbuy.", each, APPLICATIONS) for each in SERVICES if APPLICATIONS in CONSUMED[each]]
    topic = f"firstbuy.{APPLICATIONS.name}"
    flood = cluster.servers.module("tests.ops.flood", topic, str(FLOOD), *groups)
    facts["flood"] = cluster.node.plane.sandbox.run(*flood, timeout=1800)
    facts["after the flood"] = cluster.pods()
    return facts


def test_a_round_under_restarts_answers_every_firm(disturbed: dict[str, Any]) -> None:
    account = disturbed["account"]
    assert account["not as expected"] == []
    assert account["frozen"] == account["judged"] == sum(account["results"].values()) > 0
    assert account["results"]["ProductSelected"] > 0


def test_every_replica_was_replaced(disturbed: dict[str, Any]) -> None:
    first, restarted = ids(disturbed["at first"]), ids(disturbed["restarted"])
    assert first.keys() == restarted.keys()
    assert not [name for name in first if first[name] == restarted[name]]
    assert set(restarts(disturbed["restarted"]).values()) == {0}


def test_a_drain_leaves_each_service_a_replica(disturbed: dict[str, Any]) -> None:
    assert "Cannot evict pod as it would violate the pod's disruption budget" in disturbed["drain"]
    serving = {name.rpartition("-")[0] for name, pod in disturbed["drained"].items() if ready(pod)}
    assert serving == set(SERVICES)


def test_nothing_is_restarted_in_a_flood(disturbed: dict[str, Any], pytestconfig: pytest.Config) -> None:
    tell(pytestconfig, Section.SERVERS, f"flood: {disturbed['flood'].splitlines()[-1]}")
    assert ids(disturbed["before the flood"]) == ids(disturbed["after the flood"]) == ids(disturbed["at the end"])
    assert set(restarts(disturbed["at the end"]).values()) == {0}


@pytest.fixture(scope="module")
async def undisturbed(lasting_stack: LastingStack) -> AsyncIterator[dict[str, Any]]:
    """The same round, by itself, on services of this checkout."""
    async with lasting_stack(SERVICES, environment={ANNOUNCING: "2"}) as stack:
        course = Course(**{**COURSE, "partitions": 0, "window": 45.0, "entering": 20.0})
        yield await asyncio.wait_for(small_round.hold(of_stack(stack), "ops-1", course), 900)


async def test_it_ends_in_the_roots_of_an_undisturbed_one(
    disturbed: dict[str, Any], undisturbed: dict[str, Any]
) -> None:
    assert disturbed["account"]["roots"] == undisturbed["roots"]
    assert disturbed["account"]["results"] == undisturbed["results"]

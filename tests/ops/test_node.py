"""`deploy/kubernetes` on a real node: a round to its end through a rolling restart, a drain and a flood of unreadable
records, in the roots of an undisturbed one.

Prometheus takes each replica's metrics by the ServiceMonitor, with rules ten times as fast. What this course of things
can bring is told there: a flood, parked records, a service that hangs, an intake that is away around a close. The other
alerts, and the end of one on 100,000 parked records, `test_prometheus.py` brings on services of this machine: nothing
here loses a database, a certificate, a registry or a mail server, or makes a round wait.

The tests stand in the order of a deployment's life and share it. Operators that make Kafka and PostgreSQL of their
resources are played by `tests/ops/node_servers.py`, since no registry of images is reached.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.local.stack import ANNOUNCING
from deploy.local.state import PROJECT, State
from firstbuy.demo.target import of_stack
from shared.contracts.access import SERVICES, consumer_group
from shared.contracts.topics import APPLICATIONS, CONSUMED
from tests.ops import kubernetes_programs, node_servers, on_node, small_round, watching
from tests.ops import node as nodes
from tests.ops.on_node import NAMESPACE, OURS, Cluster
from tests.ops.small_round import Course
from tests.ops.waiting import eventually
from tests.ops.watching import Watched
from tests.support.manifests import Manifest
from tests.support.prometheus import expressions
from tests.support.stacks import LastingStack
from tests.support.told import Section, tell

COURSE: Final[dict[str, Any]] = {
    "entries": 50,
    "window": 200.0,
    "entering": 150.0,
    "patience": 1500.0,
    "partitions": 48,
}
"""So many entries that no mail waits: a domain gets 200 an hour at most."""
FLOOD: Final = 100_000


def ready(pod: Manifest) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def restarts(pods: dict[str, Manifest]) -> dict[str, int]:
    return {name: each["restartCount"] for name, pod in pods.items() for each in pod["status"]["containerStatuses"]}


def ids(pods: dict[str, Manifest]) -> dict[str, str]:
    return {name: pod["metadata"]["uid"] for name, pod in pods.items()}


@pytest.fixture(scope="module")
def cluster(
    archive: Path, parts: State, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Cluster]:
    """A deployment of `rehearsal`, in which nothing has been done yet."""
    with on_node.opened(archive, parts, tmp_path_factory.mktemp("node")) as opened:
        tell(pytestconfig, Section.SERVERS, f"a node of Kubernetes {kubernetes_programs.VERSION}, built here")
        tell(pytestconfig, Section.STAND_INS, on_node.STAND_INS)
        opened.deploy(opened.rendered(tmp_path_factory.mktemp("overlay")))
        yield opened


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


def test_a_person_reads_its_pages_at_the_portal(cluster: Cluster) -> None:
    """They come from intake and selection, which both replicas of the portal ask by name."""
    address = f"http://{node_servers.ADDRESSES['portal']}:8000"
    page = cluster.node.plane.sandbox.run("curl", "--silent", "--show-error", "--fail", f"{address}/rounds.atom")
    assert "<feed" in page


@pytest.fixture(scope="module")
def watched(cluster: Cluster, parts: State, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return watching.started(cluster, parts, tmp_path_factory.mktemp("watched"))


def test_prometheus_finds_each_replica(watched: Watched) -> None:
    wanted = dict.fromkeys((*SERVICES, "portal"), 2)

    def all_answer() -> bool:
        found = watched.query("sum by (job) (up)")
        return {each["metric"]["job"]: int(each["value"][1]) for each in found} == wanted

    eventually(all_answer, f"up: {wanted}")


@pytest.fixture(scope="module")
def disturbed(cluster: Cluster, watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
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


def test_every_expression_of_a_dashboard_returns_a_series(disturbed: dict[str, Any], watched: Watched) -> None:
    left = sorted(set(expressions(SERVICES)))

    def all_return_one() -> bool:
        left[:] = [each for each in left if not watched.seen(each)]
        return not left

    try:
        eventually(all_return_one, "a series for each")
    except AssertionError:
        pytest.fail(f"no series: {left}")


def test_a_flood_is_told_and_ends(disturbed: dict[str, Any], watched: Watched) -> None:
    flooded = {"firing": len([each for each in SERVICES if APPLICATIONS in CONSUMED[each]])}

    def counted(alert: str, *statuses: str) -> bool:
        told = watched.told(alert)
        return len(told) == flooded["firing"] and all(seen == [*statuses] for seen in told.values())

    eventually(lambda: counted("FirstbuyDeadLetterFlood", "firing", "resolved"), "a flood fires once and ends")
    eventually(lambda: counted("FirstbuyRecordsParked", "firing"), "parked records fire once, for they are still there")


def test_an_intake_that_hangs_around_a_close_is_told_and_ends(
    cluster: Cluster, disturbed: dict[str, Any], watched: Watched
) -> None:
    sandbox = cluster.node.plane.sandbox
    alerts = ("FirstbuyServiceDown", "FirstbuyOutageAtClose")

    def all_ended() -> bool:
        return all(seen[-1] == "resolved" for alert in alerts for seen in watched.told(alert).values())

    eventually(all_ended, "what restarts were told about has ended")
    before = {alert: watched.told(alert) for alert in alerts}

    def since(alert: str) -> list[list[str]]:
        news = [seen[len(before[alert].get(labels, ())) :] for labels, seen in watched.told(alert).items()]
        return [each for each in news if each]

    process = sandbox.run("pgrep", "--oldest", "--full", "python -m services.intake")
    sandbox.run("kill", "-STOP", process)
    try:
        eventually(lambda: all(since(alert) == [["firing"]] for alert in alerts), f"each of {alerts} fires once", 45)
    finally:
        sandbox.run("kill", "-CONT", process)
    eventually(lambda: all(since(alert) == [["firing", "resolved"]] for alert in alerts), f"{alerts} end")


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

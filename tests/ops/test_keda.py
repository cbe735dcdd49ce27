"""Scaling on what waits, for real: KEDA's own programs on a node, plans of `firstbuy plan`, lag in Kafka.

Only with `OPS_KEDA=1`: KEDA is built first, twenty minutes of one core, once. Topics spread by key have three
partitions, so no service has more than three replicas, whatever `--most` says. What a plan waits before it takes
replicas away, ten minutes and one minute between two, is fifteen seconds here; all else is as planned. Services but
eligibility stay at one replica: that KEDA may read what waits for them is looked at, by each trigger.

The tests stand in the order in which they happen and share the deployment.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.local.state import State
from shared.contracts.access import SERVICES, consumer_group
from shared.contracts.topics import APPLICATIONS
from shared.programme.working_days import KST
from tests.ops import keda, on_node
from tests.ops.on_node import NAMESPACE, Cluster
from tests.ops.waiting import eventually
from tests.support.told import Section, tell

PARTITIONS: Final = 3
SCALED: Final = "eligibility"
PATIENCE: Final = 15
"""Seconds, in place of a plan's ten minutes and one minute."""
STILL: Final = 4 * PATIENCE
"""Seconds in which replicas would be taken away, were they not to stand still."""
WAITING: Final = 20_000
"""Records that nobody can read, written at once."""
OWN: Final = {
    "StatefulSet",
    "PersistentVolumeClaim",
    "ConfigMap",
    "TriggerAuthentication",
    "Namespace",
    "PriorityClass",
    "ServiceAccount",
}
"""Kinds of the overlay that are needed here, beside jobs."""


@dataclass
class Scaling:
    cluster: Cluster

    def plan(self, *words: str) -> None:
        """Applies what `firstbuy plan scaling` makes: for one service up to the partitions, for the others one."""
        spread = ("scaling", "--partitions", str(PARTITIONS), "--least", "1")
        up_to_partitions = keda.planned(NAMESPACE, *spread, "--most", "24", *words)
        one = keda.planned(NAMESPACE, *spread, "--most", "1")
        wanted = [each for each in up_to_partitions if each["metadata"]["name"] == SCALED]
        wanted += [each for each in one if each["metadata"]["name"] != SCALED]
        self.cluster.node.plane.apply([keda.sooner(each, PATIENCE) for each in wanted])

    def scaled(self) -> list[dict[str, Any]]:
        return self.cluster.node.objects("scaledobjects", f"--namespace={NAMESPACE}")

    def metric(self, scaled: str, name: str) -> int:
        """As an autoscaler reads it: records that wait."""
        selector = f"labelSelector=scaledobject.keda.sh%2Fname%3D{scaled}"
        path = f"/apis/{keda.GROUP}/v1beta1/namespaces/{NAMESPACE}/{name}?{selector}"
        (item,) = json.loads(self.cluster.kubectl("get", "--raw", path))["items"]
        return int(item["value"])

    def wanted(self) -> list[int]:
        """How many replicas it was to have, since the deployment began, each change once."""
        lines = self.cluster.node.plane.sandbox.log("replicas", end=100_000).split()
        numbers = [int(line) for line in lines]
        return [each for place, each in enumerate(numbers) if place == 0 or numbers[place - 1] != each]

    def flood(self, *groups: str) -> None:
        """Writes records that nobody can read, and waits until they are behind each group."""
        words = (f"firstbuy.{APPLICATIONS.name}", str(WAITING), *groups)
        self.cluster.node.plane.sandbox.run(*self.cluster.servers.module("tests.ops.flood", *words), timeout=600)


@pytest.fixture(scope="module")
def scaling(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scaling]:
    if os.environ.get("OPS_KEDA") != "1":
        tell(pytestconfig, Section.WITHOUT_KEDA, "tests/ops/test_keda.py")
        pytest.skip("OPS_KEDA=1 runs it")
    archive: Path = request.getfixturevalue("archive")
    parts: State = request.getfixturevalue("parts")
    with on_node.opened(archive, parts, tmp_path_factory.mktemp("scaled")) as cluster:
        tell(pytestconfig, Section.SERVERS, f"KEDA {keda.VERSION}, built here")
        keda.started(cluster.node.plane, parts)
        rendered = cluster.rendered(tmp_path_factory.mktemp("overlay"), "scaling")
        rendered = [each for each in rendered if each["kind"] in {*OWN, "Job"}]
        cluster.deploy([*rendered, *keda.planned(NAMESPACE, "kafka", "--partitions", str(PARTITIONS))])
        cluster.settled()
        watching = cluster.node.plane.command(f"--namespace={NAMESPACE}", "get", "statefulset", SCALED, "--watch")
        cluster.node.plane.sandbox.start("replicas", *watching, '--output=jsonpath={.spec.replicas}{"\\n"}')
        yield Scaling(cluster)


def test_keda_reads_what_waits_for_every_service(scaling: Scaling) -> None:
    """As the service's own user at Kafka, by the rights that the service has."""
    scaling.plan()
    scaling.cluster.kubectl("wait", "--for=condition=Ready", "scaledobject", "--all", "--timeout=3m")
    read = {
        (each["metadata"]["name"], name): scaling.metric(each["metadata"]["name"], name)
        for each in scaling.scaled()
        for name in each["status"]["externalMetricNames"]
    }
    assert {service for service, _ in read} == set(SERVICES)
    assert set(read.values()) == {0}
    assert scaling.wanted() == [1]


def test_replicas_grow_with_what_waits_up_to_the_partitions(scaling: Scaling) -> None:
    end = time.monotonic() + 240
    while scaling.wanted()[-1] < PARTITIONS:
        assert time.monotonic() < end, f"replicas wanted: {scaling.wanted()}"
        scaling.flood()
    scaling.cluster.settled()
    assert max(scaling.wanted()) == PARTITIONS


def test_they_stand_still_around_a_close_whatever_comes_and_goes(scaling: Scaling) -> None:
    scaling.plan("--close", f"{datetime.now(KST) + timedelta(hours=1):%Y-%m-%dT%H:%M%z}")
    scaling.flood(consumer_group("firstbuy.", SCALED, APPLICATIONS))
    time.sleep(STILL)
    assert scaling.wanted()[-1] == max(scaling.wanted()) == PARTITIONS
    assert scaling.wanted() == sorted(scaling.wanted())


def test_they_go_one_by_one_when_nothing_waits(scaling: Scaling) -> None:
    scaling.plan()
    eventually(lambda: scaling.wanted()[-1] == 1, "one replica again", 180)
    assert scaling.wanted()[-PARTITIONS:] == [3, 2, 1]


def test_they_are_there_before_a_close_while_nothing_waits(scaling: Scaling) -> None:
    scaling.plan("--close", f"{datetime.now(KST) + timedelta(hours=1):%Y-%m-%dT%H:%M%z}")
    eventually(lambda: scaling.wanted()[-1] == PARTITIONS, "all replicas", 90)
    scaling.cluster.settled()

"""A real Prometheus scrapes a real stack: every dashboard's expression returns a series, and alerts fire and end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import yaml
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from deploy.local.kafka_choice import required
from deploy.local.stack import Stack
from deploy.local.state import State
from shared.contracts.access import SERVICES
from tests.support.consuming import until
from tests.support.debian import NoPackageError
from tests.support.prometheus import MONITORING, Prometheus, expressions, prometheus
from tests.support.promql import named
from tests.support.rounds import Office, application, clock_map
from tests.support.stacks import LastingStack
from tests.support.told import Section, tell

pytestmark = pytest.mark.xdist_group("prometheus")
FACTOR: Final = 30
"""By which windows and waiting times are shorter than in `deploy/monitoring/rules`."""
NOTHING_HERE: Final = {"min by (kind) (firstbuy_end_seconds"}
"""Expressions without a series in this stack: it has no certificates."""


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3"}
    async with lasting_stack(SERVICES, environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
async def watched(
    stack: Stack, state: State, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Prometheus]:
    targets = {service: [url.removeprefix("http://") for url in stack.urls(service)] for service in SERVICES}
    try:
        async with prometheus(state, tmp_path_factory.mktemp("watched"), targets, FACTOR) as running:
            yield running
    except NoPackageError as error:
        if required("ops", os.environ):
            raise
        tell(request.config, Section.WITHOUT_PROMTOOL, f"{request.node.nodeid}: {error}")
        pytest.skip(str(error))


async def test_every_expression_of_a_dashboard_returns_a_series(watched: Prometheus, office: Office) -> None:
    await office.institution("kepco")
    round_id = await office.announce(rehearsal=clock_map(6))
    await office.status(round_id, "open")
    for number in range(3):
        answer = await office.client.post(f"/rounds/{round_id}/applications", json=application(number))
        answer.raise_for_status()
    await office.milestone(round_id, "EligibilityCompleted")
    left = sorted({each for each in expressions(SERVICES) if not each.startswith(tuple(NOTHING_HERE))})

    async def all_return_one() -> bool:
        nonlocal left
        left = [each for each in left if not await watched.query(each)]
        return not left

    try:
        await until(all_return_one, "a series for each", 90)
    except AssertionError:
        pytest.fail(f"no series: {left}")


async def test_a_service_that_hangs_fires_once_and_ends(watched: Prometheus, stack: Stack) -> None:
    stack.send("notify", signal.SIGSTOP)
    statuses = watched.told.statuses["FirstbuyServiceDown"]

    async def fired() -> bool:
        return statuses == ["firing"]

    async def ended() -> bool:
        return statuses == ["firing", "resolved"]

    try:
        await until(fired, "it fires", 60)
    finally:
        stack.send("notify", signal.SIGCONT)
    await until(ended, "it ends", 60)


ALERTS: Final = {
    rule["alert"]: rule["expr"]
    for path in sorted((MONITORING / "rules").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def test_every_alert_names_series_of_a_running_stack() -> None:
    assert all(named(expression).series for expression in ALERTS.values())


@contextmanager
def exporting() -> Iterator[tuple[str, dict[str, Gauge]]]:
    """A target whose gauges the test sets: conditions that no small stack can be brought into, as lost certificates."""
    registry = CollectorRegistry()
    wanted = {
        "firstbuy_round_past_close_seconds": ("round",),
        "firstbuy_bucket_mismatches": ("round",),
        "firstbuy_round_parked": ("round",),
        "firstbuy_partition_lag_seconds": ("group", "topic", "partition"),
        "firstbuy_parked_records": (),
        "firstbuy_outbox_age_seconds": (),
        "firstbuy_clock_offset_seconds": (),
        "firstbuy_inboxes_unreadable": ("trouble",),
        "firstbuy_registry_circuit_open": ("registry",),
        "firstbuy_end_seconds": ("kind",),
        "firstbuy_delivery_overdue_seconds": ("channel",),
    }
    gauges = {name: Gauge(name, name, labels, registry=registry) for name, labels in wanted.items()}
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield f"127.0.0.1:{server.server_port}", gauges
    finally:
        server.shutdown()
        thread.join()


CONDITIONS: Final = {
    "FirstbuyRoundStuck": ("firstbuy_round_past_close_seconds", ("r",), 300.0, 0.0),
    "FirstbuyBucketsDiffer": ("firstbuy_bucket_mismatches", ("r",), 3.0, 0.0),
    "FirstbuyApplicationsParked": ("firstbuy_round_parked", ("r",), 2.0, 0.0),
    "FirstbuyLag": ("firstbuy_partition_lag_seconds", ("g", "t", "0"), 300.0, 0.0),
    "FirstbuyRecordsParked": ("firstbuy_parked_records", (), 5.0, 0.0),
    "FirstbuyOutboxStuck": ("firstbuy_outbox_age_seconds", (), 300.0, 0.0),
    "FirstbuyClockOff": ("firstbuy_clock_offset_seconds", (), -2.0, 0.0),
    "FirstbuyInboxUnreadable": ("firstbuy_inboxes_unreadable", ("no-right",), 1.0, 0.0),
    "FirstbuyRegistryAway": ("firstbuy_registry_circuit_open", ("certificates",), 1.0, 0.0),
    "FirstbuyCertificateEnded": ("firstbuy_end_seconds", ("kafka-broker",), -60.0, float("inf")),
    "FirstbuyCertificateEndsSoon": ("firstbuy_end_seconds", ("kafka-broker",), -60.0, float("inf")),
    "FirstbuyNoticesLate": ("firstbuy_delivery_overdue_seconds", ("mail",), 2000.0, 0.0),
}
"""Series, labels, the value at which it fires, the one at which it ends."""


async def test_each_alert_on_a_state_fires_once_and_ends(state: State, tmp_path: Path) -> None:
    with exporting() as (target, gauges):

        def set_to(which: int) -> None:
            for series, labels, *values in CONDITIONS.values():
                (gauges[series].labels(*labels) if labels else gauges[series]).set(values[which])

        set_to(1)
        async with prometheus(state, tmp_path, {"intake": [target]}, FACTOR) as running:
            await asyncio.sleep(3)
            assert {name for name, seen in running.told.statuses.items() if seen} & CONDITIONS.keys() == set()
            for which, statuses in ((0, ["firing"]), (1, ["firing", "resolved"])):
                set_to(which)

                async def all_are(wanted: list[str] = statuses) -> bool:
                    return all(running.told.statuses[name] == wanted for name in CONDITIONS)

                await until(all_are, f"each alert {statuses[-1]}", 120)

"""Alerts and dashboards in Prometheus's own tool: every rule and expression is one, and each alert fires and ends."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.local.kafka_choice import required
from deploy.local.state import PROJECT, State
from tests.support.debian import NoPackageError, unpacked
from tests.support.told import Section, tell

MONITORING = PROJECT / "deploy/monitoring"


async def found(program: str, package: str, state: State, request: pytest.FixtureRequest) -> str:
    """This machine's, or Debian's."""
    if here := shutil.which(program):
        return here
    try:
        return str(await asyncio.to_thread(unpacked, state.cache, package) / "usr/bin" / program)
    except NoPackageError as error:
        if required("ops", os.environ):
            raise
        tell(request.config, Section.WITHOUT_PROMTOOL, f"{request.node.nodeid}: {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="module")
async def promtool(state: State, request: pytest.FixtureRequest) -> str:
    return await found("promtool", "prometheus", state, request)


@pytest.fixture(scope="module")
async def amtool(state: State, request: pytest.FixtureRequest) -> str:
    return await found("amtool", "prometheus-alertmanager", state, request)


def run(*argv: str | Path) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_takes_its_configuration(amtool: str) -> None:
    run(amtool, "check-config", MONITORING / "alertmanager.yaml")


def test_each_alert_fires_and_ends(promtool: str) -> None:
    run(promtool, "test", "rules", *sorted((MONITORING / "tests").glob("*.yaml")))


def test_prometheus_takes_the_configuration_and_its_rules(promtool: str) -> None:
    run(promtool, "check", "config", MONITORING / "prometheus.yaml")
    run(promtool, "check", "rules", "--lint-fatal", *sorted((MONITORING / "rules").glob("*.yaml")))


def test_every_expression_of_a_dashboard_is_one(promtool: str, tmp_path: Path) -> None:
    boards = [json.loads(path.read_text()) for path in sorted((MONITORING / "dashboards").glob("*.json"))]
    expressions = [target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]]
    rules = [{"record": f"shown:{number}", "expr": each} for number, each in enumerate(expressions)]
    (tmp_path / "shown.yaml").write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}))
    run(promtool, "check", "rules", tmp_path / "shown.yaml")

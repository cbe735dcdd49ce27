"""How a test run treats a machine without a real Kafka: run as a test run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.state import PROJECT

TESTS = """
import pytest

@pytest.mark.apache_kafka
async def test_that_needs_the_real_one(kafka_server):
    pass

async def test_that_does_not(kafka_server):
    assert kafka_server.kind == "stand-in"
"""


def run(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    test = tmp_path / "test_inner.py"
    test.write_text(TESTS, encoding="utf-8")
    programs = tmp_path / "bin"  # no java, no docker, no mvn
    programs.mkdir()
    path = os.pathsep.join([str(PROJECT), *filter(None, sys.path)])
    given = {"PATH": str(programs), "HOME": str(tmp_path), "PYTHONPATH": path}
    given |= {"DOCKER_HOST": f"unix://{tmp_path}/no.sock", "FIRSTBUY_STATE": str(tmp_path / "state"), **environment}
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(PROJECT / "pyproject.toml")]
    argv += [f"--rootdir={tmp_path}", "-p", "no:cacheprovider", str(test)]
    return subprocess.run(argv, capture_output=True, text=True, env=given, cwd=tmp_path, check=False)


@pytest.mark.skipif(os.name != "posix", reason="needs a path without programs")
def test_without_apache_kafka_its_tests_are_listed_as_not_run(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    assert "Kafka: stand-in" in done.stdout
    assert "not run: they need Apache Kafka" in done.stdout
    assert "test_that_needs_the_real_one" in done.stdout.partition("not run: they need Apache Kafka")[2]


def test_where_apache_kafka_is_required_its_absence_fails(tmp_path: Path) -> None:
    done = run(tmp_path, FIRSTBUY_REQUIRE="apache-kafka")
    assert done.returncode == 1
    assert "KafkaRequiredError" in done.stdout
    assert "openjdk-17-jre-headless" in done.stdout

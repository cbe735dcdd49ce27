"""The road to Kafka by testcontainers, on a real Docker engine."""

import sys

from tests.ops.engine import Engine


def test_a_broker_by_testcontainers_takes_and_gives_records(engine: Engine) -> None:
    argv = ("env", "TESTCONTAINERS_RYUK_DISABLED=true", sys.executable, "-m", "tests.ops.kafka_by_docker")
    told = engine.run("inside", *argv)
    assert "written True, read True, a wrong password logs in False" in told
    assert not engine.run("docker", "ps", "--all", "--quiet", "--filter", "ancestor=apache/kafka:4.3.1")

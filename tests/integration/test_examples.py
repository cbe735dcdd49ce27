"""The examples for institutions, run as they stand, with a configuration as it is handed over."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.kafka_choice import required
from deploy.local.state import State
from firstbuy.onboarding.client import ClientConfiguration
from firstbuy.onboarding.cluster import Cluster
from tests.conftest import StartStack
from tests.support.rounds import Office, clock_map
from tests.support.told import Section, tell

EXAMPLES = Path(__file__).parents[2] / "docs/examples/institution"
MESSAGES = [
    EXAMPLES / "messages" / f"{name}.json"
    for name in ("submit", "amend", "withdraw", "report-purchase", "report-non-purchase")
]
ROUND = "2018-h2"
UNFETCHED = re.compile(r"Non-resolvable|Could not (transfer|resolve|find) ")


@pytest.fixture
async def handed_over(start_stack: StartStack, tmp_path: Path) -> tuple[Path, Path]:
    """KEPCO has joined and the round is open: its `client.properties`, and the same for librdkafka."""
    stack = await start_stack(services=("intake",))
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco", **{ROUND.replace("-", "_"): 10_000_000_000})
        await office.announce(ROUND, rehearsal=clock_map(3600))
        await office.status(ROUND, "open")
    kafka = stack.kafka
    cluster = Cluster(kafka.settings, stack.topic_prefix, kafka.own_users)
    password = (await cluster.first_passwords(["kepco"])).get("kepco")
    return ClientConfiguration(kafka.settings, stack.topic_prefix, "kepco", password).write(tmp_path / "handed-over")


async def kcat_logs_in() -> bool:
    """Librdkafka before 2.6.1 sends its nonce twice, which Kafka 4 refuses as a wrong password."""
    if shutil.which("kcat") is None:
        return False
    found = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", await ran("kcat", "-V"))
    return found is not None and tuple(map(int, found.groups())) >= (2, 6, 1)


def tool(request: pytest.FixtureRequest, name: str, *programs: str) -> None:
    """Where one of the programs is absent, the test is listed as not run, or fails by FIRSTBUY_REQUIRE."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        not_here(request, name, " and ".join(missing))


def not_here(request: pytest.FixtureRequest, name: str, missing: str) -> None:
    if required(name, os.environ):
        pytest.fail(f"FIRSTBUY_REQUIRE={name}, but there is no {missing} here")
    tell(request.config, Section.WITHOUT_TOOL, request.node.nodeid)
    pytest.skip(f"needs {missing}")


async def ran(*argv: str | Path, cwd: Path | None = None) -> str:
    code, told = await ended(*argv, cwd=cwd)
    assert code == 0, told
    return told


async def ended(*argv: str | Path, cwd: Path | None = None) -> tuple[int | None, str]:
    """Its exit code, and what it printed; its errors too where it failed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, argv), cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, errors = await process.communicate()
    return process.returncode, told.decode() if process.returncode == 0 else f"{told.decode()}\n{errors.decode()}"


def all_answered(told: str) -> None:
    """Each message has its answer, in the order sent: requests are accepted, and what is reported was not awarded."""
    answers: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    sent = [json.loads(path.read_text()) for path in MESSAGES]
    assert [answer["quotes"] for answer in answers] == [message["id"] for message in sent]
    assert [answer["answer"] for answer in answers] == ["accepted"] * 3 + ["rejected"] * 2
    for report in answers[3:]:
        assert "unknown-application" in {reason["code"] for reason in report["reasons"]}
    assert [answer["version"] for answer in answers] == [1, 2, 3, None, None]


async def test_python(handed_over: tuple[Path, Path]) -> None:
    all_answered(await ran(sys.executable, EXAMPLES / "python/send.py", handed_over[1], *MESSAGES))


async def test_kcat(request: pytest.FixtureRequest, handed_over: tuple[Path, Path]) -> None:
    tool(request, "kcat", *([] if await kcat_logs_in() else ["kcat with librdkafka 2.6.1 or newer"]))
    all_answered(await ran("sh", EXAMPLES / "kcat.sh", handed_over[1], *MESSAGES))


async def test_spring(
    request: pytest.FixtureRequest, state: State, handed_over: tuple[Path, Path], tmp_path: Path
) -> None:
    """Maven keeps what it fetched in the user's own cache: the next run builds without a network."""
    tool(request, "java", "java", "mvn")
    project = tmp_path / "java"
    shutil.copytree(EXAMPLES / "java", project, ignore=shutil.ignore_patterns("target"))
    code, said = await ended("mvn", "-q", "-B", f"-Dmaven.repo.local={state.cache / 'maven'}", "package", cwd=project)
    if code != 0 and UNFETCHED.search(said):
        not_here(request, "java", "Maven repository that serves Spring")
    assert code == 0, said
    told = await ran("java", "-jar", project / "target/firstbuy-institution.jar", handed_over[0], *MESSAGES)
    all_answered(told)

"""The supervisor, with a small program in the services' place: what it starts, keeps, replaces and stops."""

import asyncio
import json
import os
import secrets
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.kept import Kept, NeverReadyError, Patience, Status
from deploy.local.postgres import PostgresServer, drop_database
from deploy.local.process import Command, identity
from deploy.local.replicas import JobFailedError
from deploy.local.stack import Stack
from deploy.local.state import PROJECT, State, fingerprint
from tests.conftest import StartStack

PROGRAM = '''
"""Answers /health/ready like a service; tells its environment; obeys FAKE_* variables."""
import http.server, json, os, signal, sys, time

service = sys.argv[1]
prefix = f"FIRSTBUY_{service.upper()}_"
if sys.argv[2:] == ["migrate"]:
    print("migrated", os.environ[prefix + "DATABASE_URL"])
    sys.exit(int(os.environ.get("FAKE_MIGRATION", "0")))
if os.environ.get("FAKE_CRASH") == service:
    print("cannot go on: no reason")
    sys.exit(7)

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({k: v for k, v in os.environ.items() if k.startswith("FIRSTBUY_")} | {"pid": os.getpid()})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True

def end(*_):
    print("ended in order", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, end)
time.sleep(float(os.environ.get("FAKE_START", "0")))
print("serving", flush=True)
Server((os.environ[prefix + "HTTP_HOST"], int(os.environ[prefix + "HTTP_PORT"])), Answer).serve_forever()
'''

Given = dict[str, Any]


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], Sequence[str]]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return lambda service: (sys.executable, str(program), service)


@pytest.fixture
async def start(
    start_stack: StartStack, command: Any, postgres_server: PostgresServer, database_prefix: str
) -> AsyncIterator[StartStack]:
    """`start_stack` with the program in the place of two services."""
    made: set[str] = set()

    async def start(**options: Any) -> Stack:
        services = options.setdefault("services", ("intake", "eligibility"))
        made.update(database_prefix + service for service in services)
        return await start_stack(command=command, databases={}, database_prefix=database_prefix, **options)

    yield start
    for name in made:
        await drop_database(postgres_server.url, name)


@pytest.fixture
def database_prefix() -> str:
    return f"t{secrets.token_hex(6)}_"


def told(url: str) -> Given:
    with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:  # noqa: S310 - our own address
        found: Given = json.load(answer)
        return found


async def test_each_replica_is_a_process_with_its_own_slot_port_and_database(start: StartStack) -> None:
    stack = await start(replicas={"eligibility": 3}, environment={"FIRSTBUY_EXTRA": "yes"})
    answers = [told(url) for url in stack.urls("eligibility")]
    assert [answer["FIRSTBUY_ELIGIBILITY_REPLICA"] for answer in answers] == ["0", "1", "2"]
    assert len({answer["pid"] for answer in answers}) == 3
    first = answers[0]
    assert first["FIRSTBUY_ELIGIBILITY_DATABASE_URL"] == stack.database_url("eligibility")
    assert first["FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS"] == stack.bootstrap_servers
    assert first["FIRSTBUY_TOPIC_PREFIX"] == stack.topic_prefix
    assert first["FIRSTBUY_NOTIFY_SMTP_URL"].startswith("smtp://127.0.0.1:")
    assert first["FIRSTBUY_INTAKE_OPERATOR_TOKEN_HASH"] == fingerprint(stack.operator_token)
    assert first["FIRSTBUY_EXTRA"] == "yes"
    assert "FIRSTBUY_INTAKE_DATABASE_URL" not in first
    connection = await asyncpg.connect(stack.database_url("eligibility"))
    await connection.close()


async def test_a_killed_replica_comes_back_on_its_port_and_never_beside_itself(start: StartStack) -> None:
    stack = await start(replicas={"eligibility": 2})
    before = stack.pid("eligibility", 1)
    assert before is not None
    await stack.kill("eligibility", replica=1)
    assert identity(before) is None
    await stack.wait_ready("eligibility", replica=1)
    after = told(stack.url("eligibility", 1))
    assert after["pid"] not in {before, stack.pid("eligibility", 0)}
    assert after["FIRSTBUY_ELIGIBILITY_REPLICA"] == "1"


async def test_a_replica_killed_by_somebody_else_comes_back_too(start: StartStack) -> None:
    said: list[str] = []
    stack = await start(report=said.append)
    before = stack.pid("intake")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while stack.pid("intake") in {before, None} and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    await stack.wait_ready("intake")
    assert told(stack.url("intake"))["pid"] != before
    assert any("intake-0 was ended by SIGKILL" in line for line in said)


async def test_a_replica_killed_to_stay_down_waits_for_its_restart(start: StartStack) -> None:
    stack = await start()
    await stack.kill("eligibility", stay_down=True)
    await asyncio.sleep(0.6)
    assert stack.pid("eligibility") is None
    await stack.restart("eligibility")
    assert told(stack.url("eligibility"))["pid"] == stack.pid("eligibility")


async def test_a_restart_is_orderly(start: StartStack) -> None:
    stack = await start()
    before = stack.pid("intake")
    await stack.restart("intake")
    assert stack.pid("intake") != before
    log = stack.log("intake").read_text(encoding="utf-8")
    assert log.splitlines() == ["serving", "ended in order", "serving"]


async def test_a_service_that_cannot_start_is_reported_with_its_last_lines(start: StartStack) -> None:
    with pytest.raises(NeverReadyError, match=r"eligibility-0 ends as soon as it starts(.|\n)*no reason"):
        await start(environment={"FAKE_CRASH": "eligibility"})


async def test_a_migration_that_fails_stops_the_start(start: StartStack) -> None:
    with pytest.raises(JobFailedError, match=r"-migrate ended with 3(.|\n)*migrated postgresql"):
        await start(environment={"FAKE_MIGRATION": "3"})


async def test_a_process_that_crashes_later_is_tried_again_with_longer_pauses(tmp_path: Path) -> None:
    said: list[str] = []
    health = tmp_path / "healthy"
    health.touch()
    code = f"import os, time\nwhile os.path.exists({str(health)!r}): time.sleep(0.01)\nprint('unwell')"

    async def healthy() -> bool:
        return health.exists()

    patience = Patience(start=5, grace=1, failures=3, steady=60, first_pause=0.05, longest_pause=0.2)
    command = Command([sys.executable, "-c", code], tmp_path / "x.log")
    kept = Kept("x", command, tmp_path, healthy, patience=patience, report=said.append)
    await kept.start()
    health.unlink()
    deadline = time.monotonic() + 10
    while len(said) < 4 and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert [line.splitlines()[0].rpartition(" in ")[2] for line in said[:4]] == ["0.1 s", "0.1 s", "0.2 s", "0.2 s"]
    assert "crash-looping" in said[2]
    assert "unwell" in said[2]
    health.touch()
    while kept.status is not Status.READY and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert kept.alive()
    await kept.stop()
    assert not kept.alive()


async def test_a_process_stopped_as_its_pause_begins_is_stopped(tmp_path: Path) -> None:
    stopping: list[asyncio.Task[None]] = []

    async def never() -> bool:
        return False

    def stop(_: str) -> None:
        stopping.append(asyncio.ensure_future(kept.stop()))

    kept = Kept("x", Command([sys.executable, "-c", "0"], tmp_path / "x.log"), tmp_path, never, report=stop)
    with pytest.raises(NeverReadyError, match="was stopped"):
        await kept.start()
    _, unfinished = await asyncio.wait(stopping, timeout=10)
    assert not unfinished


async def test_the_description_is_for_its_owner_and_gone_after_the_stop(
    kafka_server: Any, postgres_server: Any, command: Any, topic_prefix: str, database_prefix: str
) -> None:
    with State.temporary() as own:
        async with Stack.started(
            state=own,
            services=("notify",),
            kafka=kafka_server,
            postgres=postgres_server,
            database_prefix=database_prefix,
            topic_prefix=topic_prefix,
            command=command,
        ) as stack:
            assert stat.S_IMODE(own.description.stat().st_mode) == 0o600
            document = json.loads(own.description.read_text(encoding="utf-8"))
            assert document["services"]["notify"][0]["url"] == stack.url("notify")
            pid = stack.pid("notify")
            assert pid is not None
        assert not own.description.exists()
        assert identity(pid) is None
        assert list(own.records.iterdir()) == []
    await drop_database(postgres_server.url, f"{database_prefix}notify")


SUPERVISOR = """
import asyncio, sys
from deploy.local.stack import Stack
from deploy.local.state import State

async def main():
    state = State.opened()
    with state.locked():
        command = lambda service: (sys.executable, sys.argv[1], service)
        async with Stack.started(state=state, services=("intake",), command=command) as stack:
            print(stack.pid("intake"), stack.mail.pid, stack.postgres.process.pid, flush=True)
            await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what is left")
def test_a_stack_starts_again_on_its_state_after_kill_nine(kafka_server: Any, command: Any, tmp_path: Path) -> None:
    with State.temporary() as own:
        environment = {**os.environ, "FIRSTBUY_STATE": str(own.folder / "state")}
        environment |= kafka_server.settings.as_environment()
        environment["KAFKA_BOOTSTRAP_SERVERS"] = kafka_server.bootstrap_servers
        environment.pop("DATABASE_URL", None)
        seen: list[int] = []
        for _ in range(2):
            supervisor = subprocess.Popen(
                [sys.executable, "-c", SUPERVISOR, command("x")[1]],
                stdout=subprocess.PIPE,
                cwd=PROJECT,
                env=environment,
            )
            assert supervisor.stdout is not None
            ids = [int(word) for word in supervisor.stdout.readline().split()]
            assert len(ids) == 3
            assert not set(ids) & set(seen)
            seen += ids
            supervisor.kill()
            supervisor.wait()
            supervisor.stdout.close()
        deadline = time.monotonic() + 15
        while any(identity(pid) for pid in seen) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [pid for pid in seen if identity(pid)] == []

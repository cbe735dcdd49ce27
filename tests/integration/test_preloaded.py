"""A fork of the preloaded parent is what `python -m` would have started."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.process import Child, Command, Launch, executed, identity
from tests.support.preloaded import ParentGoneError, preloaded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere services are executed")
PROGRAM = """
import gc, json, os, random, signal, sys, threading
print(json.dumps({
    "name": __name__,
    "is main": sys.modules["__main__"].__dict__ is globals(),
    "words": sys.argv[1:],
    "program": os.path.basename(sys.argv[0]),
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "leads": os.getsid(0) == os.getpid() == os.getpgid(0),
    "threads": threading.active_count(),
    "collects": gc.isenabled(),
    "open": sorted(int(each) for each in os.listdir("/proc/self/fd") if int(each) < 3),
    "handlers": [str(signal.getsignal(each)) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)],
    "wakes": signal.set_wakeup_fd(-1),
    "input": sys.stdin.read(),
}))
print("to stderr", file=sys.stderr)
if "--chance" in sys.argv:
    print(random.random())
if "--wait" in sys.argv:
    signal.pause()
if "--fault" in sys.argv:
    raise ValueError("as it says")
sys.exit(7)
"""
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", "SAID": "한글"}
Started = Callable[..., Child]


@pytest.fixture(params=["executed", "forked"])
def launch(request: pytest.FixtureRequest) -> Launch:
    if request.param == "executed":
        return executed
    made: Launch = request.getfixturevalue("forked")
    return made


@pytest.fixture
def start(tmp_path: Path) -> Started:
    (tmp_path / "told_program.py").write_text(PROGRAM)

    def started(launch: Launch, *words: str, name: str = "told") -> Child:
        argv = [sys.executable, "-m", "told_program", *words]
        return Child(name, Command(argv, tmp_path / f"{name}.log", ENVIRONMENT, tmp_path), tmp_path, launch)

    return started


def told(child: Child) -> list[str]:
    return child.log.read_text(encoding="utf-8").splitlines()


async def test_it_is_the_same_program_as_if_it_were_executed(launch: Launch, start: Started, tmp_path: Path) -> None:
    child = start(launch, "one", "두 번째")
    assert await child.ended(30) == 7
    line, error = told(child)
    said: dict[str, Any] = json.loads(line)
    assert said == {
        "name": "__main__",
        "is main": True,
        "words": ["one", "두 번째"],
        "program": "told_program.py",
        "environment": ENVIRONMENT,
        "folder": str(tmp_path),
        "leads": True,
        "threads": 1,
        "collects": True,
        "open": [0, 1, 2],
        "handlers": ["0", "<built-in function default_int_handler>", "0"],
        "wakes": -1,
        "input": "",
    }
    assert error == "to stderr"


async def test_a_fault_is_told_in_the_log_and_by_the_exit_code(launch: Launch, start: Started) -> None:
    child = start(launch, "--fault")
    assert await child.ended(30) == 1
    assert told(child)[-1] == "ValueError: as it says"


async def test_it_is_ended_by_signals_and_its_record_goes(launch: Launch, start: Started, tmp_path: Path) -> None:
    child = start(launch, "--wait")
    while not (child.log.exists() and child.log.read_text()):  # a fork opens it itself
        await asyncio.sleep(0.02)
    assert identity(child.pid) is not None
    assert (tmp_path / "told.json").exists()
    assert await child.stop(30) == -signal.SIGTERM
    assert identity(child.pid) is None
    assert not (tmp_path / "told.json").exists()


async def test_two_forks_do_not_share_their_chance(forked: Launch, start: Started) -> None:
    children = [start(forked, "--chance", name=name) for name in ("one", "other")]
    for child in children:
        assert await child.ended(30) == 7
    one, other = (told(child)[-1] for child in children)
    assert one != other


@pytest.fixture
def own_parent(tmp_path: Path) -> Iterator[tuple[Launch, Path]]:
    log = tmp_path / "parent.log"
    with preloaded(log) as parent:
        yield parent.launch, log


async def test_forks_end_with_their_parent_and_that_it_is_gone_is_said(
    own_parent: tuple[Launch, Path], start: Started
) -> None:
    launch, _ = own_parent
    child = start(launch, "--wait")
    while not (child.log.exists() and child.log.read_text()):  # a fork opens it itself
        await asyncio.sleep(0.02)
    parent = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    while identity(child.pid) is not None:
        await asyncio.sleep(0.02)
    with pytest.raises(ParentGoneError):
        child.exit_code()

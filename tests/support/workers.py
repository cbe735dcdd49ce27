"""Tests in several processes: half as many workers again as the machine has cores, since tests of whole rounds wait for
clocks more than they compute; each has servers and ports of its own.

A test that cannot share the machine says so, and why: `@pytest.mark.alone("its window is two seconds")`. Those run at
the end, in one worker, after all others have ended.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.local.ports import keep_to

FEWEST: Final = 2
MEMORY_OF_A_WORKER: Final = 2 * 1024**3
"""Bytes: a broker, a database server, a browser and the services of a test."""
LAST: Final = ("contract", "unit")
"""Parts whose tests are short: at the end of a run they leave no worker waiting for another's long one."""
TURN: Final = pytest.StashKey["Turn"]()
LOCK: Final = pytest.StashKey[Path]()


class Turn:
    """Who uses the machine: all workers together, then, when the others have ended, one by itself."""

    def __init__(self, lock: Path) -> None:
        self._descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        self._alone = False
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def end(self) -> None:
        """The worker's process stays until all have ended, so that its end gives nothing back."""
        os.close(self._descriptor)

    def wait_to_be_alone(self) -> None:
        if not self._alone:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self._alone = True


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or FEWEST
    return max(FEWEST, min(cores + cores // 2, memory // MEMORY_OF_A_WORKER))


def pytest_configure(config: pytest.Config) -> None:
    told = getattr(config, "workerinput", None)
    if told is None:
        return
    config.stash[TURN] = Turn(Path(told["lock"]))
    keep_to(int(told["workerid"].removeprefix("gw")) % told["workercount"], told["workercount"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the run's own process, for each worker."""
    if LOCK not in node.config.stash:
        descriptor, path = tempfile.mkstemp(prefix="firstbuy-alone-")
        os.close(descriptor)
        node.config.stash[LOCK] = Path(path)
    node.workerinput["lock"] = str(node.config.stash[LOCK])


def pytest_unconfigure(config: pytest.Config) -> None:
    if TURN in config.stash:
        config.stash[TURN].end()
    if LOCK in config.stash:
        config.stash[LOCK].unlink(missing_ok=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        mark = item.get_closest_marker("alone")
        if mark is None:
            continue
        if not mark.args:
            raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.alone says why it can't share the machine")
        item.add_marker(pytest.mark.xdist_group("alone"))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.get_closest_marker("alone") is not None:
        return len(LAST) + 1
    part = item.path.parent.name
    return LAST.index(part) + 1 if part in LAST else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    if item.get_closest_marker("alone") is not None and TURN in item.config.stash:
        item.config.stash[TURN].wait_to_be_alone()
    return (yield)

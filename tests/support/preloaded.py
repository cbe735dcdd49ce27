"""Starts `python -m …` commands as forks of one parent that has imported what they need (`forking.py`)."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.process import Command, Process, executed, last_lines, leash
from deploy.local.state import PROJECT
from tests.support.forking import LARGEST_MESSAGE


class ParentGoneError(Exception):
    """The parent ended; the message holds the last lines of its log. Its forks have ended with it."""

    code = "preloaded-parent-gone"


class Preloaded:
    """Its `launch` is the one a stack is given; commands that are no `python -m` are executed as ever."""

    def __init__(self, asking: socket.socket, log: Path) -> None:
        self._asking, self._log = asking, log
        self._codes: dict[int, int] = {}

    def launch(self, command: Command) -> Process:
        program, option, *words = command.argv
        if (program, option) != (sys.executable, "-m") or command.account is not None:
            return executed(command)
        module, *words = words
        wanted = {
            "module": module,
            "words": words,
            "log": str(command.log),
            "environment": None if command.environment is None else dict(command.environment),
            "folder": None if command.folder is None else str(command.folder),
            "orphan_signal": int(command.orphan_signal),
        }
        self._asking.send(json.dumps(wanted).encode())
        while True:
            told = self._told(0)
            if "started" in told:
                return Forked(self, told["started"])

    def exit_code(self, pid: int) -> int | None:
        while self._told(socket.MSG_DONTWAIT):
            continue
        return self._codes.get(pid)

    def _told(self, flags: int) -> dict[str, int]:
        """The parent's next word; empty when there is none and `flags` say not to wait."""
        try:
            message = self._asking.recv(LARGEST_MESSAGE, flags)
        except BlockingIOError:
            return {}
        except ConnectionResetError:
            message = b""
        if not message:
            raise ParentGoneError(f"{self._log} ends with:\n{last_lines(self._log, 20)}")
        told: dict[str, int] = json.loads(message)
        if "ended" in told:
            self._codes[told["ended"]] = told["code"]
        return told


@dataclass(frozen=True, slots=True)
class Forked:
    """A process of the parent's."""

    parent: Preloaded
    pid: int

    def poll(self) -> int | None:
        return self.parent.exit_code(self.pid)


@contextmanager
def preloaded(log: Path) -> Iterator[Preloaded]:
    """The parent for the block, on a leash like all that is started here. It imports while the caller goes on."""
    asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with asking, log.open("ab") as out:
        with asked:
            parent = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forking", str(asked.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                pass_fds=[asked.fileno()],
                start_new_session=True,
                preexec_fn=leash(signal.SIGKILL),  # noqa: PLW1509 - a prctl, bound before the fork
            )
        try:
            yield Preloaded(asking, log)
        finally:
            asking.close()  # which is its end, and so that of whatever it still runs
            parent.wait()

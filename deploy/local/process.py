"""Processes of the local stack: started on a leash, recorded, ended by id.

A child is in a session of its own, so that Ctrl-C reaches the supervisor alone. On Linux the kernel ends it when the
supervisor dies (PR_SET_PDEATHSIG), even by kill -9; elsewhere, and for whatever slipped through, its record lets the
next start end it. A record names a process by id *and* start time, since ids are reused.
"""

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PR_SET_PDEATHSIG = 1
POLL = 0.02
"""Seconds between looks at a process that is expected to end."""

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Identity:
    pid: int
    started: str
    """Opaque: equal for one process only, across reuse of its id and across reboots."""


def identity(pid: int) -> Identity | None:
    """None when no such process runs; a zombie has ended already."""
    if sys.platform != "linux":
        return _identity_from_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # proc(5): the command name before it may hold anything
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else Identity(pid, f"{boot}:{start_ticks}")


def _identity_from_ps(pid: int) -> Identity | None:
    shown = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if len(shown) < 2 or shown[0].startswith("Z") else Identity(pid, shown[1].strip())


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user a root process runs a server as."""

    name: str
    uid: int
    gid: int


class Process(Protocol):
    """A started process: the part of `subprocess.Popen` that a child needs."""

    @property
    def pid(self) -> int:
        """Of the process and of the group it leads."""

    def poll(self) -> int | None:
        """Its exit code once it has ended, negative for a signal."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run; everything but who keeps its record."""

    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends when the supervisor dies (Linux)."""


Launch = Callable[[Command], Process]
"""How a command becomes a process that leads a session of its own and is on the supervisor's leash."""


def executed(command: Command) -> Process:
    """A new program. Call from the thread that lives as long as the stack: the leash is tied to the forking thread."""
    account = command.account
    with command.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603
            list(command.argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=None if command.environment is None else dict(command.environment),
            cwd=command.folder,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=leash(command.orphan_signal),  # noqa: PLW1509 - a prctl, bound before the fork
        )


class Child:
    """A started process with its record in `records`."""

    def __init__(self, name: str, command: Command, records: Path, launch: Launch = executed) -> None:
        self.name = name
        self.log = command.log
        self._command = command
        self._record = records / f"{name}.json"
        self._process = launch(command)
        found = identity(self.pid)
        if found is not None:
            record = {"pid": found.pid, "started": found.started, "signal": int(command.stop_signal)}
            write_atomically(self._record, json.dumps(record))

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        return self._process.poll()

    def running(self) -> bool:
        return self.exit_code() is None

    def send(self, number: signal.Signals) -> None:
        if self.running():
            os.killpg(self.pid, number)

    async def ended(self, timeout: float | None = None) -> int | None:
        """The exit code, or None when it still runs after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.running():
            if deadline is not None and time.monotonic() > deadline:
                return None
            await asyncio.sleep(POLL)
        self._record.unlink(missing_ok=True)
        return self.exit_code()

    async def stop(self, grace: float) -> int:
        """Ask, wait `grace` seconds, then SIGKILL."""
        self.send(self._command.stop_signal)
        code = await self.ended(grace)
        if code is None:
            self.send(signal.SIGKILL)
            code = await self.ended()
        return code or 0

    def last_lines(self, count: int = 20) -> str:
        return last_lines(self.log, count)


def leash(number: signal.Signals) -> Callable[[], None] | None:
    """For the child, after the fork and after a change of user, which would clear it: the kernel sends it `number` when
    this process dies. None where no kernel does (Linux alone)."""
    if _libc is None:
        return None
    prctl, parent = _libc.prctl, os.getpid()

    def bound() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # died in between
            os._exit(1)

    return bound


def end_leftovers(records: Path, grace: float = 10.0) -> list[str]:
    """End by id what an earlier supervisor left; the names of those that still ran."""
    alive: dict[str, tuple[Identity, int]] = {}
    for record in sorted(records.glob("*.json")):
        kept = _recorded(record)
        if kept is not None and identity(kept[0].pid) == kept[0]:
            alive[record.stem] = kept
        else:
            record.unlink(missing_ok=True)
    for left, number in alive.values():
        _signal_group(left, number)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(identity(left.pid) == left for left, _ in alive.values()):
        time.sleep(POLL)
    for name, (left, _) in alive.items():
        _signal_group(left, signal.SIGKILL)
        (records / f"{name}.json").unlink(missing_ok=True)
    return list(alive)


def _recorded(record: Path) -> tuple[Identity, int] | None:
    try:
        kept = json.loads(record.read_text(encoding="utf-8"))
        return Identity(int(kept["pid"]), str(kept["started"])), int(kept["signal"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _signal_group(left: Identity, number: int) -> None:
    if identity(left.pid) != left:
        return
    try:
        os.killpg(left.pid, number)
    except ProcessLookupError:
        return


def last_lines(log: Path, count: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 65_536))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)

"""A process kept running: started, watched until it is ready, started again when it ends unasked."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deploy.local.process import Child, Command, Launch, executed

Report = Callable[[str], None]


class Status(StrEnum):
    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting to start again"
    CRASH_LOOPING = "crash-looping"
    DOWN = "down"


class NeverReadyError(Exception):
    """It ended or stayed silent; the message holds the last lines of its log."""

    code = "process-never-ready"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds and counts: how long a start may take, and what is a crash loop."""

    start: float = 60.0
    grace: float = 25.0
    """Between asking it to end and SIGKILL: a service finishes, publishes and commits its batch in it."""
    failures: int = 3
    """Ends in a row, none of which lived `steady` seconds."""
    steady: float = 20.0
    first_pause: float = 0.2
    longest_pause: float = 10.0


def silent(_: str) -> None:
    return


class Kept:
    """Never two processes at once: the next starts only after the one before has ended, so a static Kafka membership
    or a data folder has one owner."""

    def __init__(
        self,
        name: str,
        command: Command,
        records: Path,
        probe: Callable[[], Awaitable[bool]],
        *,
        patience: Patience | None = None,
        report: Report = silent,
        prepare: Callable[[], None] = lambda: None,
        launch: Launch = executed,
    ) -> None:
        self.name = name
        self.status = Status.DOWN
        self.restarts = 0
        self._command, self._records, self._probe, self._prepare = command, records, probe, prepare
        self._launch = launch
        self._patience = patience or Patience()
        self._report = report
        self._child: Child | None = None
        self._failures = 0
        self._asked = False
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def log(self) -> Path:
        return self._command.log

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.running() else None

    def alive(self) -> bool:
        return self.pid is not None

    def last_lines(self, count: int = 20) -> str:
        return self._child.last_lines(count) if self._child is not None else ""

    async def start(self) -> None:
        """Returns when it is ready. A first start that fails leaves nothing running."""
        self._wanted.set()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.name}")
        try:
            await self.ready()
        except BaseException:
            await self.stop(grace=0)
            raise

    async def ready(self, timeout: float | None = None) -> None:
        deadline = time.monotonic() + (self._patience.start if timeout is None else timeout)
        while self.status is not Status.READY or not self.alive():
            if self._task is None or self._task.done():
                fault = self._task.exception() if self._task and not self._task.cancelled() else None
                raise NeverReadyError(f"{self.name} is not kept running: {fault or 'it was stopped'}")
            if self.status is Status.CRASH_LOOPING:
                raise NeverReadyError(
                    f"{self.name} ends as soon as it starts; {self.log} ends with:\n{self.last_lines()}"
                )
            if time.monotonic() > deadline:
                raise NeverReadyError(f"{self.name} is not ready in time; {self.log} ends with:\n{self.last_lines()}")
            await asyncio.sleep(0.02)

    async def stop(self, grace: float | None = None) -> None:
        """For good."""
        self._wanted.clear()
        self._asked = True
        if self._child is not None:
            await self._child.stop(self._patience.grace if grace is None else grace)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._child is not None:  # one that was being started meanwhile
            await self._child.stop(0)
        self.status = Status.DOWN

    async def kill(self, *, stay_down: bool = False) -> None:
        """SIGKILL. It comes back by itself unless it is to stay down, until `restart`."""
        await self._end(signal.SIGKILL, stay_down=stay_down)

    async def pause(self) -> None:
        """An orderly end; down until `restart`."""
        await self._end(None, stay_down=True)

    async def restart(self) -> None:
        """An orderly end if it runs, then a start; returns when it is ready."""
        await self.pause()
        self._wanted.set()
        await self.ready()

    def send(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.send(number)

    async def _end(self, number: signal.Signals | None, *, stay_down: bool) -> None:
        if stay_down:
            self._wanted.clear()
        self._asked = True
        self.status = Status.DOWN
        if self._child is not None:
            if number is None:
                await self._child.stop(self._patience.grace)
            else:
                self._child.send(number)
                await self._child.ended()

    async def _keep(self) -> None:
        while True:
            await self._wanted.wait()
            self._asked = False
            self.status = Status.STARTING
            self._prepare()
            began = time.monotonic()
            self._child = Child(self.name, self._command, self._records, self._launch)
            code = await self._watch(self._child)
            if self._asked:
                continue
            self.restarts += 1
            self._failures = 1 if time.monotonic() - began > self._patience.steady else self._failures + 1
            self.status = Status.CRASH_LOOPING if self._failures >= self._patience.failures else Status.WAITING
            pause = min(self._patience.first_pause * 2 ** (self._failures - 1), self._patience.longest_pause)
            self._report(self._obituary(code, pause))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for, in Python 3.11, can swallow the cancellation of `stop`
                    await self._asked_to_start()

    async def _asked_to_start(self) -> None:
        """A `restart` during the pause does not wait for its end."""
        while not self._asked:
            await asyncio.sleep(0.02)

    def _obituary(self, code: int, pause: float) -> str:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        line = f"{self.name} {how}; it starts again in {pause:.1f} s"
        if self.status is Status.CRASH_LOOPING:
            line += f"\n{self.name} is crash-looping; {self.log} ends with:\n{self.last_lines()}"
        return line

    async def _watch(self, child: Child) -> int:
        """The exit code. Ready is asked until the first yes; what comes after is for whoever monitors."""
        probing = asyncio.create_task(self._until_ready(child))
        try:
            code = await child.ended()
        finally:
            probing.cancel()
            await asyncio.wait([probing])
        return code or 0

    async def _until_ready(self, child: Child) -> None:
        while not await self._probe():
            await asyncio.sleep(0.05)
        if child.running() and not self._asked:
            self.status = Status.READY

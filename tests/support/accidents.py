"""Connections that break at any moment, and the operation they belong to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.intake.storage.rounds import ADMISSION_LOCK, FREEZE_LOCK
from services.intake.usecases.admission import Admission
from shared.service.postgres import Pool


class Place(StrEnum):
    """Where a transaction may be held."""

    NOWHERE = "nowhere"
    BEFORE_LOCK = "before the lock"
    LOCKED = "behind the lock"
    BEFORE_COMMIT = "before the commit"


class Accident(StrEnum):
    """What may befall the process that holds it."""

    NONE = "none"
    ABORTED = "lost before its commit"
    UNANSWERED = "committed, the answer lost"


class AccidentError(ConnectionError):
    """The process is gone; whoever asked gets no answer."""


@dataclass(eq=False)
class Operation:
    """What somebody asks of a replica of its own, and what was true when it had the round's lock."""

    name: str
    place: Place
    accident: Accident
    started: datetime
    admission: Admission | None = None
    waiting: int = 0
    held: bool = False
    passed: asyncio.Event = field(default_factory=asyncio.Event)
    pids: set[int] = field(default_factory=set)
    stood: tuple[str, datetime] | None = None
    """Status and close of the round, committed, at the moment the lock was had."""
    task: "asyncio.Task[None] | None" = None
    keyed: list[tuple[int, int, str]] = field(default_factory=list)
    """What it submits under idempotency keys: firm, price, key."""

    async def reach(self, place: Place) -> None:
        """Waits there, once, if it is to be held there; then the accident happens, if it is one of that place."""
        if place is self.place and not self.passed.is_set():
            self.held = True
            await self.passed.wait()
        if place is Place.BEFORE_COMMIT and self.accident is Accident.ABORTED:
            raise AccidentError(self.name)


CURRENT: ContextVar[Operation | None] = ContextVar("operation", default=None)


class _Connection:
    """A connection that stops at the gates of the operation it serves."""

    def __init__(self, connection: Any, looked_at: Callable[[], Awaitable[tuple[str, datetime]]]) -> None:
        self._connection = connection
        self._looked_at = looked_at
        self._locked = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, query: str, *arguments: Any, **options: Any) -> Any:
        operation = CURRENT.get()
        if operation is None or query not in (ADMISSION_LOCK, FREEZE_LOCK):
            return await self._connection.execute(query, *arguments, **options)
        await operation.reach(Place.BEFORE_LOCK)
        done = await self._connection.execute(query, *arguments, **options)
        self._locked = True
        operation.stood = await self._looked_at()
        await operation.reach(Place.LOCKED)
        return done

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        operation, self._locked = CURRENT.get(), False
        async with self._connection.transaction(**options):
            yield
            if operation is not None and self._locked:
                await operation.reach(Place.BEFORE_COMMIT)
        if operation is not None and self._locked and operation.accident is Accident.UNANSWERED:
            raise AccidentError(operation.name)


class BreakingPool:
    """Hands out such connections, and remembers whose each is."""

    def __init__(self, pool: Pool, looked_at: Callable[[], Awaitable[tuple[str, datetime]]]) -> None:
        self._pool = pool
        self.wait_seconds = pool.wait_seconds
        self._looked_at = looked_at

    async def acquire(self, **options: Any) -> Any:
        connection = await self._pool.acquire(**options)
        operation = CURRENT.get()
        if operation is not None:
            operation.pids.add(connection.get_server_pid())
        return _Connection(connection, self._looked_at)

    async def release(self, connection: Any) -> None:
        operation = CURRENT.get()
        if operation is not None:
            operation.pids.discard(connection.get_server_pid())
        await self._pool.release(connection._connection)

"""Notes how far attempts came, so that a kill can repeat no more than what was under way at that instant.

Outcomes are recorded and announced in large groups; a note is one row of an unlogged table. A message waits until it is
noted that it begins, and the same note says that the one before it in its place was taken. So in each place at most one
message is not known as taken. What comes while a note is written shares the next one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from services.notify.storage import under_way
from shared.service.postgres import CONTENDED, DATABASE_AWAY, Pool, connected

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Group:
    begun: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    noted: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Noting:
    """Of a replica: its mails and webhooks share the notes."""

    def __init__(self, pool: Callable[[], Pool], stopping: asyncio.Event) -> None:
        self._pool = pool
        self._stopping = stopping
        self._next = _Group()
        self._writing: asyncio.Task[None] | None = None

    def taken(self, delivery: str) -> None:
        """Is written with whatever begins next."""
        self._next.taken.append(delivery)

    async def begin(self, delivery: str) -> bool:
        """Returns once it is noted, with all that was taken before. False: it can't be noted and must not begin."""
        mine = self._next
        mine.begun.append(delivery)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await mine.over.wait()
        return mine.noted

    async def _write_all(self) -> None:
        try:
            while self._next.begun:
                group, self._next = self._next, _Group()
                await self._write(group)
                group.over.set()
        finally:
            self._writing = None

    async def _write(self, group: _Group) -> None:
        """Retries until the service stops: nothing is sent meanwhile."""
        while not group.noted:
            try:
                async with connected(self._pool()) as connection:
                    await under_way.note(connection, group.begun, group.taken)
                group.noted = True
            except Exception as error:  # noqa: BLE001 -- ours is reported whole; nothing is sent until it is mended
                if self._stopping.is_set():
                    return
                expected = isinstance(error, (*DATABASE_AWAY, *CONTENDED))
                _log.warning(
                    "retries noting", deliveries=len(group.begun), error=type(error).__name__, exc_info=not expected
                )
                await asyncio.sleep(0.2)

"""A replica's slot chosen by itself: the lowest that no live process of the service holds.

A slot is held by a session lock in the service's database, on a connection of its own in a thread of its own, from
before the service is built until its process ends. If the connection ends while the process lives, the same slot is
taken again at once; if another process was faster, this one ends, since two with one slot would take Kafka's
partitions from each other without end.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias

import asyncpg
import structlog

from shared.service.postgres import DATABASE_AWAY

AUTO: Final = "auto"
"""The value of `FIRSTBUY_<SERVICE>_REPLICA` that asks for a slot."""
LOCK: Final = 0x736C6F74  # "slot"
_FIRST_FREE: Final = """
SELECT slot FROM generate_series(0, 999) AS slot
WHERE slot NOT IN (SELECT objid::int FROM pg_locks
                   WHERE locktype = 'advisory' AND classid = $1 AND objsubid = 2
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY slot LIMIT 1
"""
_TRY: Final = "SELECT pg_try_advisory_lock($1, $2)"
_LOOK_SECONDS: Final = 2.0
_log = structlog.get_logger()
Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Slot:
    """Claims a slot and holds it until `release`. `lost` is called, in the slot's own thread, if another has it."""

    def __init__(self, url: Callable[[], str], application: str, lost: Callable[[], None]) -> None:
        """`url`: what tells the newest address of the database."""
        self._url, self._application, self._lost = url, application, lost
        self._number: int | None = None
        self._claimed = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="slot", daemon=True)

    def claim(self) -> int:
        """The slot; waits until the database is there."""
        self._thread.start()
        self._claimed.wait()
        if self._number is None:
            raise RuntimeError("released before it was claimed")
        return self._number

    def release(self) -> None:
        """Gives the slot back, if it is held still."""
        with suppress(RuntimeError):  # the loop has ended: the slot was lost
            self._loop.call_soon_threadsafe(self._released.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._hold())
        finally:
            self._claimed.set()
            self._loop.close()

    async def _hold(self) -> None:
        pause = 0.2
        while not self._released.is_set():
            try:
                session = await self._connected()
                try:
                    if not await self._locked(session):
                        self._lost()
                        return
                    pause = 0.2
                    await self._watch(session)
                finally:
                    with suppress(asyncpg.PostgresError, OSError, TimeoutError):
                        await session.close(timeout=2)
            except (*DATABASE_AWAY, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("waits for the database", job="slot", error=type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._released.wait()
                pause = min(pause * 2, 5)

    async def _connected(self) -> Session:
        settings = {  # a server that no longer hears from this machine frees the slot within half a minute
            "application_name": self._application,
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
        }
        session: Session = await asyncpg.connect(
            self._url(), timeout=10, command_timeout=10, statement_cache_size=0, server_settings=settings
        )
        return session

    async def _locked(self, session: Session) -> bool:
        """Takes the slot it had, or the lowest free one; False if another process has the slot it had."""
        if self._number is not None:
            return bool(await session.fetchval(_TRY, LOCK, self._number))
        while True:
            free = await session.fetchval(_FIRST_FREE, LOCK)
            if await session.fetchval(_TRY, LOCK, free):  # else another process was faster: the next one
                self._number = free
                _log.info("took slot", slot=free)
                self._claimed.set()
                return True

    async def _watch(self, session: Session) -> None:
        """Returns when the slot is released. Raises what the database raises once the connection has ended."""
        while not self._released.is_set():
            await session.fetchval("SELECT 1")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._released.wait()

"""A process's own database: opened once it is there and has this version's schema."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from shared.service.migrate import missing
from shared.service.postgres import DATABASE_AWAY, DatabaseAwayError, Pool, connected, open_pool
from shared.service.settings import DatabaseSettings

_log = structlog.get_logger()
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_CLOSING_SECONDS: Final = 10.0
_ASKING_SECONDS: Final = 2.0


async def wait_for_database(settings: DatabaseSettings, service: str) -> Pool:
    """A pool, once the database lets this process in."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await open_pool(
                settings.newest_text("database_url"),
                settings.database_connections,
                f"firstbuy-{service}-{settings.replica}",
                settings.database_wait_seconds,
            )
        except (*DATABASE_AWAY, OSError, asyncpg.PostgresError) as error:
            _log.warning("waits for the database", error=str(error), check=settings.database_checks(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


async def wait_for_schema(pool: Pool, service: str, migrations: Path, waits: Callable[[str], None]) -> None:
    """Returns once whoever deploys has run the migrations of this version; `waits` is told of one that is missing. A
    database may have newer ones: they expand."""
    pause = _FIRST_PAUSE
    while True:
        async with pool.acquire() as connection:
            absent = await missing(connection, migrations)
        if not absent:
            return
        waits(f"waits for migrations of its database, from {absent[0]}")
        command = f"python -m services.{service} migrate"
        _log.warning("waits for migrations", missing=len(absent), first=absent[0], run=command)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def close_pool(pool: Pool) -> None:
    """Closes the pool; ends its connections if they are still held after a while."""
    try:
        await asyncio.wait_for(pool.close(), _CLOSING_SECONDS)
    except TimeoutError:
        pool.terminate()


async def absence(pool: Pool) -> str | None:
    """Why the database can't be used now; None if it can."""
    try:
        async with asyncio.timeout(_ASKING_SECONDS):
            async with connected(pool) as connection:
                await connection.fetchval("SELECT 1")
    except (RuntimeError, asyncpg.InterfaceError, *DATABASE_AWAY) as error:
        return type(error).__name__
    return None


class Database:
    """The database of a process that answers, in part, without it too: it is waited for in the background."""

    def __init__(self, settings: DatabaseSettings, service: str, migrations: Path) -> None:
        self._settings, self._service, self._migrations = settings, service, migrations
        self._pool: Pool | None = None
        self._waiting = "waits for the database"

    @property
    def pool(self) -> Pool:
        """The open pool. Raises DatabaseAwayError while it is waited for."""
        if self._pool is None:
            raise DatabaseAwayError(self._waiting)
        return self._pool

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Waits for it beside the block, and closes it after."""
        waiting = asyncio.create_task(self._open(), name="database")
        try:
            yield
        finally:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            if self._pool is not None:
                await close_pool(self._pool)
                self._pool = None

    async def _open(self) -> None:
        """Until it is open: a database that goes away again meanwhile is waited for again."""
        while self._pool is None:
            pool = await wait_for_database(self._settings, self._service)
            try:
                await wait_for_schema(pool, self._service, self._migrations, self._waits)
            except (*DATABASE_AWAY, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("waits for the database again", error=type(error).__name__)
                await close_pool(pool)
                self._waits("waits for the database")
                await asyncio.sleep(_LONGEST_PAUSE)
            except BaseException:
                await close_pool(pool)
                raise
            else:
                self._pool = pool

    def _waits(self, reason: str) -> None:
        self._waiting = reason

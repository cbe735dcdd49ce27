"""What each database says of itself, asked with the address that its service has."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import asyncpg

from firstbuy.diagnosis.databases import DatabaseFound, Unreachable
from firstbuy.migrations import migrations_of
from shared.service.migrate import changed, missing
from shared.service.postgres import TIMEOUTS

_SECONDS: Final = 10.0
_SERVER: Final = "SELECT pg_postmaster_start_time()::text || ' ' || current_setting('port')"
_SETTINGS: Final = (
    "max_connections",
    "superuser_reserved_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
)


async def databases(urls: Mapping[str, str]) -> list[DatabaseFound | Unreachable]:
    """By service, the database at each address."""
    return list(await asyncio.gather(*(_database(service, url) for service, url in urls.items())))


async def _database(service: str, url: str) -> DatabaseFound | Unreachable:
    try:
        async with asyncio.timeout(_SECONDS):
            connection = await asyncpg.connect(url, server_settings=dict(TIMEOUTS))
            try:
                return await _found(service, connection, locks_shared=await _locks_shared(connection, url))
            finally:
                await connection.close()
    except asyncpg.PostgresError as error:
        return Unreachable(service, str(error))
    except (OSError, TimeoutError, ValueError, asyncpg.InterfaceError) as error:
        return Unreachable(service, type(error).__name__)


async def _locks_shared(connection: asyncpg.Connection, url: str) -> bool:
    """Whether two sessions can hold one lock of a session."""
    lock = secrets.randbits(62)
    other = await asyncpg.connect(url)
    try:
        held = [await each.fetchval("SELECT pg_try_advisory_lock($1)", lock) for each in (connection, other)]
    finally:
        await other.close()
    return all(held)


async def _found(service: str, connection: asyncpg.Connection, *, locks_shared: bool) -> DatabaseFound:
    folder = migrations_of(service)
    asked_at = datetime.now(UTC)
    now = await connection.fetchval("SELECT clock_timestamp()")
    heard_at = datetime.now(UTC)
    return DatabaseFound(
        service,
        server=await connection.fetchval(_SERVER),
        version=int(await connection.fetchval("SHOW server_version_num")),
        missing=await missing(connection, folder),
        changed=await changed(connection, folder),
        now=now,
        asked_at=asked_at,
        heard_at=heard_at,
        locks_shared=locks_shared,
        timeouts={name: await connection.fetchval(f"SHOW {name}") for name in TIMEOUTS},
        settings={name: int(await connection.fetchval(f"SHOW {name}")) for name in _SETTINGS},
    )

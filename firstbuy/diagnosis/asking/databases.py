"""What each database says of itself, asked with the address that its service has."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

import services
from firstbuy.diagnosis.databases import DatabaseFound, Unreachable
from shared.service.migrate import changed, missing

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
            connection = await asyncpg.connect(url)
            try:
                return await _found(service, connection)
            finally:
                await connection.close()
    except asyncpg.PostgresError as error:
        return Unreachable(service, str(error))
    except (OSError, TimeoutError, ValueError, asyncpg.InterfaceError) as error:
        return Unreachable(service, type(error).__name__)


async def _found(service: str, connection: asyncpg.Connection) -> DatabaseFound:
    folder = Path(next(iter(services.__path__))) / service / "migrations"
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
        settings={name: int(await connection.fetchval(f"SHOW {name}")) for name in _SETTINGS},
    )

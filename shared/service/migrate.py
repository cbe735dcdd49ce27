"""Forward-only migrations: plain `.sql` files, applied once each, in order of name, in separate transactions."""

import asyncio
import hashlib
from pathlib import Path

import asyncpg
import structlog

from shared.service.postgres import Connection

_LOCK = 0x66697273  # "firs": one migration of a database at a time
_SHARED = Path(__file__).parent / "migrations"
_log = structlog.get_logger()


class MigrationChangedError(RuntimeError):
    """A migration that has run was edited afterwards. Restore the file and write a new one."""

    code = "migration-changed"


async def migrate(url: str, folder: Path) -> list[str]:
    """Applies missing migrations of `shared/service/migrations` and `folder`; returns their names.

    The lock is polled: a session blocked on it would hold a snapshot for which another's `CREATE INDEX CONCURRENTLY`
    waits. Raises MigrationChangedError.
    """
    connection = await asyncpg.connect(url, timeout=30)
    try:
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            await asyncio.sleep(0.2)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = {row["name"]: row["sha256"] for row in await connection.fetch("SELECT * FROM schema_migrations")}
        files = _files(folder)
        return [name for name, path in files.items() if await _apply(connection, name, path, applied)]
    finally:
        await connection.close()


def _files(folder: Path) -> dict[str, Path]:
    """By name, in the order in which they are applied."""
    shared = {f"shared/{path.stem}": path for path in sorted(_SHARED.glob("*.sql"))}
    return shared | {path.stem: path for path in sorted(folder.glob("*.sql"))}


async def missing(connection: Connection, folder: Path) -> list[str]:
    """Names of the migrations that this version needs and the database has not had, in their order."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
        return list(_files(folder))
    applied = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
    return [name for name in _files(folder) if name not in applied]


async def changed(connection: Connection, folder: Path) -> list[str]:
    """Names of the migrations that ran with another text than this version has, in their order."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
        return []
    applied = {row["name"]: row["sha256"] for row in await connection.fetch("SELECT * FROM schema_migrations")}
    return [name for name, path in _files(folder).items() if name in applied and applied[name] != _digest(path)]


def known(folder: Path) -> dict[str, str]:
    """SHA-256 of each migration that this version has, by name."""
    return {name: _digest(path) for name, path in _files(folder).items()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_text().encode()).hexdigest()


async def _apply(connection: Connection, name: str, path: Path, applied: dict[str, str]) -> bool:
    text, digest = path.read_text(), _digest(path)
    if name in applied:
        if applied[name] != digest:
            raise MigrationChangedError(f"{name} has run already and was changed since: restore it, add a new one")
        return False
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '15min'")
        await connection.execute(text)
        await connection.execute("INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", name, digest)
    _log.info("applied migration", migration=name)
    return True

"""Takes a backup of all databases, and of applications' documents, while services run.

Each database is one snapshot. The set of them is consistent by their order: intake's is the last. What another
database holds, intake had committed before it published it, so intake's snapshot has it too: no verdict, award or
notice of the set is about an entry that the set lacks. What a snapshot has yet to read is on the topics, from the
offsets in the same snapshot. All snapshots are taken at once, some milliseconds apart, and then written one by one.
"""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import asyncpg

from firstbuy.backups import documents, tools
from firstbuy.backups.manifest import (
    DatabasePart,
    DocumentsPart,
    Manifest,
    ReadTo,
    UnusableBackupError,
    sha256_of,
    write,
)
from services.intake.settings import DocumentStoreSettings

ORDER: Final = ("notify", "selection", "eligibility", "intake")
_SESSION: Final = {"idle_in_transaction_session_timeout": "0", "application_name": "backup"}
SNAPSHOT: Final = "SELECT pg_export_snapshot() AS name, clock_timestamp() AS taken_at"
MIGRATIONS: Final = "SELECT name, sha256 FROM schema_migrations ORDER BY name"
UNPUBLISHED: Final = "SELECT count(*) FROM outbox"
READ_TO: Final = {
    "consumer_offsets": "SELECT topic, partition, next_offset FROM consumer_offsets ORDER BY topic, partition",
    "own_offsets": "SELECT topic, partition, next_offset FROM own_offsets ORDER BY topic, partition",
    "inboxes": "SELECT topic, 0 AS partition, next_offset FROM inboxes ORDER BY topic",
}


class UnreachableDatabaseError(RuntimeError):
    """A database can't be asked. The text has no address, which holds a password."""

    code = "unreachable-database"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    name: str
    taken_at: datetime
    server: int
    migrations: Mapping[str, str]
    read_to: tuple[ReadTo, ...]
    unpublished: int


@asynccontextmanager
async def reached(service: str, url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to a service's database. Raises UnreachableDatabaseError."""
    try:
        connection = await asyncpg.connect(url, timeout=30, server_settings=_SESSION)
    except asyncpg.PostgresError as error:
        raise UnreachableDatabaseError(f"the database of {service} can't be reached: {error}") from None
    except (OSError, TimeoutError, ValueError, asyncpg.InterfaceError) as error:
        raise UnreachableDatabaseError(f"the database of {service} can't be reached: {type(error).__name__}") from None
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


async def major(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """The server's major version."""
    return int(await connection.fetchval("SHOW server_version_num")) // 10_000


async def take(
    urls: Mapping[str, str],
    folder: Path,
    tools_folder: Path | None = None,
    store: DocumentStoreSettings | None = None,
) -> Manifest:
    """Writes a backup of the databases into the folder, which must be new or empty, and the documents of the `store`.
    Raises UnusableBackupError, UnreachableDatabaseError, UnreachableStoreError, ToolMissingError, ToolFailedError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UnusableBackupError(f"{folder} is not empty: name a new folder")
    folder.chmod(0o700)
    made_at = datetime.now(UTC)
    async with AsyncExitStack() as held:
        connections = {
            service: await held.enter_async_context(reached(service, urls[service]))
            for service in ORDER
            if service in urls
        }
        servers = {service: await major(connection) for service, connection in connections.items()}
        place, version = tools.found(max(servers.values()), tools_folder)
        snapshots, listed = {}, documents.NONE
        for service, connection in connections.items():
            await held.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
            snapshots[service] = await _snapshot(service, connection, servers[service])
            if service == "intake" and store is not None:
                listed = await documents.listed_in(connection)
        try:
            parts = [
                await _written(place / "pg_dump", service, urls[service], snapshot, folder)
                for service, snapshot in snapshots.items()
            ]
            files = await _documents(store, listed, folder, urls["intake"]) if store is not None else None
        except BaseException:
            for unfinished in folder.iterdir():  # it has personal data, and is of no use
                shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()
            raise
    manifest = Manifest(
        firstbuy=metadata.version("firstbuy"), tool=version, made_at=made_at, parts=tuple(parts), documents=files
    )
    write(folder, manifest)
    return manifest


async def _documents(
    store: DocumentStoreSettings, listed: documents.Listed, folder: Path, intake: str
) -> DocumentsPart:
    part, gone = await documents.take_documents(store, listed, folder)
    async with reached("intake", intake) as connection:
        lacking = await documents.still_named(connection, gone) if gone else []
    if lacking:
        raise UnusableBackupError(
            f"{store.document_store} lacks {len(lacking)} documents that intake names, such as {lacking[0]}: "
            "check FIRSTBUY_INTAKE_DOCUMENT_STORE, or give --without-documents"
        )
    return part


async def _snapshot(service: str, connection: "asyncpg.Connection[asyncpg.Record]", server: int) -> _Snapshot:
    taken = await connection.fetchrow(SNAPSHOT)
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
        raise UnusableBackupError(f"the database of {service} has no tables of ours: check its address")
    assert taken is not None  # noqa: S101 -- a query without FROM has one row
    read_to = []
    for table, query in READ_TO.items():
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table):
            read_to += [ReadTo(**dict(row)) for row in await connection.fetch(query)]
    return _Snapshot(
        name=taken["name"],
        taken_at=taken["taken_at"],
        server=server,
        migrations={row["name"]: row["sha256"] for row in await connection.fetch(MIGRATIONS)},
        read_to=tuple(read_to),
        unpublished=await connection.fetchval(UNPUBLISHED),
    )


async def _written(program: Path, service: str, url: str, snapshot: _Snapshot, folder: Path) -> DatabasePart:
    path = folder / f"{service}.dump"
    arguments = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot.name}", f"--file={path}")
    await tools.run(program, url, arguments)
    return DatabasePart(
        service=service,
        file=path.name,
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        taken_at=snapshot.taken_at,
        server=snapshot.server,
        migrations=snapshot.migrations,
        read_to=snapshot.read_to,
        unpublished=snapshot.unpublished,
    )

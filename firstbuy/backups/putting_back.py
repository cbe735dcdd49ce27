"""Puts a backup back into empty databases. Everything is checked first, so that a refusal has changed nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from firstbuy.backups import tools
from firstbuy.backups.manifest import DatabasePart, Manifest, UnusableBackupError, check_file
from firstbuy.backups.taking import MIGRATIONS, ORDER, major, reached
from firstbuy.backups.topic_ends import Shorter
from firstbuy.migrations import migrations_of
from shared.service.migrate import known
from shared.service.postgres import Connection

TABLES: Final = """
SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
"""
RUNNING: Final = """
SELECT array_agg(DISTINCT application_name ORDER BY application_name) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'firstbuy-%'
"""
FORGET: Final = {
    "consumer_offsets": "DELETE FROM consumer_offsets",
    "own_offsets": "DELETE FROM own_offsets",
}


class RestoreRefusedError(RuntimeError):
    """The deployment can't take the backup as it is. The text says what to do; nothing was changed."""

    code = "restore-refused"


class RestoreUnfinishedError(RuntimeError):
    """A database failed while it was put back; it is still empty. The text names those that are back already."""

    code = "restore-unfinished"


def check_backup(folder: Path, manifest: Manifest, chosen: Sequence[str]) -> list[DatabasePart]:
    """The parts to put back, in order, once their files and migrations are known to be right. Raises
    UnusableBackupError."""
    parts = [manifest.of(service) for service in sorted(chosen, key=ORDER.index)]
    for part in parts:
        ours = known(migrations_of(part.service))
        if unknown := sorted(set(part.migrations) - set(ours)):
            raise UnusableBackupError(
                f"the backup's database of {part.service} has migrations that this version does not know "
                f"({', '.join(unknown)}): install Firstbuy {manifest.firstbuy}, which took it, or a newer one"
            )
        if changed := sorted(name for name, digest in part.migrations.items() if ours[name] != digest):
            raise UnusableBackupError(
                f"the backup's database of {part.service} ran other text than this version has of "
                f"{', '.join(changed)}: restore it with Firstbuy {manifest.firstbuy}, which took it"
            )
        check_file(folder, part)
    return parts


def check_topics(shorter: Sequence[Shorter]) -> None:
    """Raises RestoreRefusedError where topics end before what the backup has read of them."""
    if shorter:
        first = shorter[0]
        raise RestoreRefusedError(
            f"{first.topic} {first.partition} ends at {first.end}, and the backup has read it up to "
            f"{first.next_offset} ({len(shorter)} such partitions): this is another Kafka, or it has lost records. "
            "Restore its topics first; or read docs/operators.md, Without Kafka's topics, and then give --new-topics"
        )


async def check_databases(parts: Sequence[DatabasePart], urls: Mapping[str, str]) -> int:
    """That every database is reached, empty, used by nobody, and on a server not older than the backup's. Returns the
    newest server's major version. Raises RestoreRefusedError, UnreachableDatabaseError."""
    newest = 0
    for part in parts:
        service = part.service
        async with reached(service, urls[service]) as connection:
            server = await major(connection)
            if server < part.server:
                raise RestoreRefusedError(
                    f"the database of {service} is on PostgreSQL {server}, the backup's was on {part.server}: "
                    f"use a server of {part.server} or newer"
                )
            if await connection.fetchval(TABLES):
                raise RestoreRefusedError(
                    f"the database of {service} is not empty: make an empty one, "
                    f"name it in FIRSTBUY_{service.upper()}_DATABASE_URL, and do not migrate it before"
                )
            if running := await connection.fetchval(RUNNING):
                raise RestoreRefusedError(
                    f"{', '.join(running)} use the database of {service}: stop all its replicas first"
                )
            newest = max(newest, server)
    return newest


async def put_back(
    folder: Path,
    parts: Sequence[DatabasePart],
    urls: Mapping[str, str],
    place: Path,
    *,
    new_topics: bool = False,
) -> None:
    """Fills the databases, each in one transaction. With `new_topics` they forget what they have read. Raises
    RestoreUnfinishedError."""
    done: list[str] = []
    for part in parts:
        arguments = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
        try:
            await tools.run(place / "pg_restore", urls[part.service], (*arguments, str(folder / part.file)))
        except tools.ToolFailedError as error:
            back = f"back are {', '.join(done)}: name the others when you try again" if done else "none is back"
            raise RestoreUnfinishedError(f"the database of {part.service}: {error}; {back}") from error
        async with reached(part.service, urls[part.service]) as connection:
            ran = {row["name"]: row["sha256"] for row in await connection.fetch(MIGRATIONS)}
            if ran != part.migrations:
                raise RestoreUnfinishedError(
                    f"the database of {part.service} has other migrations than the manifest says: "
                    "the backup was put together of two; take another"
                )
            if new_topics:
                await _forget(connection)
            await connection.execute("ANALYZE")
        done.append(part.service)


async def _forget(connection: Connection) -> None:
    for table, statement in FORGET.items():
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table):
            await connection.execute(statement)


def behind(part: DatabasePart) -> list[str]:
    """Migrations of this version that the backup's database has not had."""
    return [name for name in known(migrations_of(part.service)) if name not in part.migrations]

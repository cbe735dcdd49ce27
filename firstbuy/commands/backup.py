"""`firstbuy backup` and `firstbuy restore`: all databases and documents of a deployment as one set."""

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.table import Table

from firstbuy.backups import documents, putting_back, taking, tools, topic_ends
from firstbuy.backups.documents import UnreachableStoreError
from firstbuy.backups.manifest import DatabasePart, Manifest, UnusableBackupError, read
from firstbuy.backups.putting_back import RestoreRefusedError, RestoreUnfinishedError
from firstbuy.backups.taking import UnreachableDatabaseError
from firstbuy.commands.operator import carried_out, operator_kafka
from firstbuy.commands.replicas import local_stack
from firstbuy.commands.screen import console, errors, fail
from services.intake.settings import DocumentStoreSettings
from shared.contracts.access import SERVICES
from shared.service.settings_files import UnreadableSettingError, in_files

T = TypeVar("T")
_REFUSALS: Final = (
    UnusableBackupError,
    UnreachableDatabaseError,
    UnreachableStoreError,
    RestoreRefusedError,
    RestoreUnfinishedError,
    tools.ToolMissingError,
    tools.ToolFailedError,
)
Tools = Annotated[
    Path | None,
    typer.Option("--tools", help="Folder of pg_dump and pg_restore; else those of the PATH or of our own PostgreSQL."),
]


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder. It will hold personal data and keys.")],
    tools_folder: Tools = None,
    without_documents: Annotated[
        bool, typer.Option("--without-documents", help="Leave out applications' documents: others back them up.")
    ] = False,
) -> None:
    """Write all four databases and applications' documents to a folder, as one set, while services run. What Kafka
    holds is not in it."""
    urls = _databases(SERVICES)
    store = None if without_documents else _document_store()
    manifest = _run(taking.take(urls, folder, tools_folder, store))
    _show(folder, manifest)


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `firstbuy backup` wrote.")],
    service: Annotated[list[str] | None, typer.Argument(help="The databases to put back; else all.")] = None,
    tools_folder: Tools = None,
    new_topics: Annotated[
        bool, typer.Option("--new-topics", help="Kafka's topics are lost: the databases forget what they read of them.")
    ] = False,
) -> None:
    """Put a backup back into empty databases, while no service runs. Kafka is asked whether it still has what they have
    read. Nothing is changed before everything is checked."""
    chosen = _chosen(service)
    if new_topics and set(chosen) != set(SERVICES):
        fail("--new-topics is for all databases together: name none", 2)
    urls = _databases(chosen)
    listed = documents.NONE
    try:
        manifest = read(folder)
        parts = putting_back.check_backup(folder, manifest, chosen)
        if manifest.documents and "intake" in chosen:
            listed = documents.check_documents(folder, manifest.documents)
        if not new_topics:
            _check_topics(parts)
    except (UnusableBackupError, RestoreRefusedError) as error:
        fail(str(error))
    store = _document_store() if listed else None
    back = _run(_restored(folder, parts, urls, tools_folder, store, listed, new_topics=new_topics))
    if listed:
        console.print(f"documents: {len(listed):,}, of which {back:,} were not there any more")
    for part in parts:
        console.print(f"{part.service}: as it was at {part.taken_at.isoformat(timespec='seconds')}")
        if lacking := putting_back.behind(part):
            console.print(f"    lacks {len(lacking)} migrations: python -m services.{part.service} migrate")
    console.print("Now start intake alone; once it is ready, the others.")


async def _restored(
    folder: Path,
    parts: Sequence[DatabasePart],
    urls: Mapping[str, str],
    tools_folder: Path | None,
    store: DocumentStoreSettings | None,
    listed: documents.Listed,
    *,
    new_topics: bool,
) -> int:
    """How many documents were put back, before the databases that name them."""
    newest = await putting_back.check_databases(parts, urls)
    place, _ = tools.found(newest, tools_folder)
    back = await documents.put_back_documents(store, folder, listed) if store is not None else 0
    await putting_back.put_back(folder, parts, urls, place, new_topics=new_topics)
    return back


def _check_topics(parts: Sequence[DatabasePart]) -> None:
    reached = operator_kafka(None)
    if reached is None:
        errors.print("Kafka was not asked whether it has what the backup has read: FIRSTBUY_KAFKA_… is not set here.")
        return
    putting_back.check_topics(carried_out(topic_ends.shorter(reached[0], parts)))


def _chosen(named: list[str] | None) -> list[str]:
    for service in named or ():
        if service not in SERVICES:
            fail(f"no such service: {service}; there are {', '.join(SERVICES)}", 2)
    return list(dict.fromkeys(named)) if named else list(SERVICES)


def _databases(services: Sequence[str]) -> dict[str, str]:
    """Addresses from the environment or its files; where it names none at all, those of the local stack that runs."""
    try:
        found = in_files("FIRSTBUY_", [f"{service}_database_url" for service in services], os.environ)
    except UnreadableSettingError as error:
        fail(str(error))
    named = {
        service: os.environ.get(_variable(service)) or found.get(f"{service}_database_url") for service in SERVICES
    }
    urls = {service: url for service in services if (url := named.get(service))}
    if not urls and (running := local_stack()):
        urls = {service: running["databases"][service] for service in services if service in running["databases"]}
    if lacking := [_variable(service) for service in services if service not in urls]:
        fail(f"not set: {', '.join(lacking)} (or each with _FILE)")
    return urls


def _document_store() -> DocumentStoreSettings:
    """The store that the environment names, else that of the local stack that runs."""
    try:
        settings = DocumentStoreSettings()
    except UnreadableSettingError as error:
        fail(str(error))
    running = None if "document_store" in settings.model_fields_set else local_stack()
    return DocumentStoreSettings(document_store=running["documents"]) if running else settings


def _variable(service: str) -> str:
    return f"FIRSTBUY_{service.upper()}_DATABASE_URL"


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except _REFUSALS as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'the folder'}: {error.strerror}")


def _show(folder: Path, manifest: Manifest) -> None:
    table = Table("database", "as of", "bytes", "not yet published", "SHA-256")
    for part in manifest.parts:
        taken = part.taken_at.isoformat(timespec="milliseconds")
        table.add_row(part.service, taken, f"{part.bytes:,}", str(part.unpublished), part.sha256)
    console.print(table)
    if manifest.documents:
        console.print(f"documents: {manifest.documents.count:,}, {manifest.documents.bytes:,} bytes")
    console.print(f"{folder}: whole. It holds personal data and keys: keep it where they may be kept.")

"""Documents of a backup: the objects that intake's snapshot names, copied after it.

An object that is deleted in between was forgotten by intake since its snapshot: nobody needs it, and a restored intake
forgets it again. So the set stays consistent while services run. Restoring, objects come before their rows.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from firstbuy.backups.manifest import DocumentsPart, UnusableBackupError, sha256_of
from services.intake.adapters.documents.object_store import store_of
from services.intake.adapters.documents.port import ObjectMissingError, ObjectStore, StoreAwayError, StoreFullError
from services.intake.settings import DocumentStoreSettings
from shared.service.postgres import Connection

LISTING: Final = "documents.json"
FOLDER: Final = "documents"
OBJECTS: Final = "SELECT object, bytes FROM documents ORDER BY object"
STILL: Final = "SELECT object FROM documents WHERE object = ANY($1::text[])"
_NAME: Final = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64})\.[0-9a-f]{1,32}")
Listed = Sequence[tuple[str, int]]
"""Names in the object store, and bytes."""
NONE: Final[Listed] = ()


class UnreachableStoreError(RuntimeError):
    """The object store can't be asked, or has no room. The text says which."""

    code = "unreachable-store"


async def listed_in(connection: Connection) -> Listed:
    """The objects that a snapshot of intake's database names; none of a version before there were documents."""
    if await connection.fetchval("SELECT to_regclass('documents') IS NULL"):
        return NONE
    return [(row["object"], row["bytes"]) for row in await connection.fetch(OBJECTS)]


async def still_named(connection: Connection, names: Sequence[str]) -> list[str]:
    """Those that intake's database names now."""
    return [row["object"] for row in await connection.fetch(STILL, list(names))]


async def take_documents(
    settings: DocumentStoreSettings, listed: Listed, folder: Path
) -> tuple[DocumentsPart, Sequence[str]]:
    """Copies objects into the backup's folder; also which of them are gone. Raises UnreachableStoreError,
    UnusableBackupError."""
    store, copied, gone = store_of(settings), [], []
    for name, size in listed:
        try:
            await _copied(store, name, folder / FOLDER / name)
        except ObjectMissingError:
            gone.append(name)
            continue
        except (StoreAwayError, StoreFullError) as error:
            raise UnreachableStoreError(f"the documents in {settings.document_store}: {error}") from error
        copied.append((name, size))
    listing = folder / LISTING
    listing.touch(mode=0o600)
    listing.write_text(json.dumps(copied))
    size = sum(size for _, size in copied)
    return DocumentsPart(count=len(copied), bytes=size, sha256=sha256_of(listing)), gone


async def _copied(store: ObjectStore, name: str, path: Path) -> None:
    pieces, digest = await store.get(name), hashlib.sha256()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("wb") as file:
        async for piece in pieces:
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != _content_of(name):
        raise UnusableBackupError(f"the object store has other bytes in {name} than were stored: find out why first")


def check_documents(folder: Path, part: DocumentsPart) -> Listed:
    """That every document is as it was written. Raises UnusableBackupError."""
    listing = folder / LISTING
    if not listing.exists() or sha256_of(listing) != part.sha256:
        raise UnusableBackupError(f"{listing} is not as it was written: take another copy of the backup")
    listed = [(str(name), int(size)) for name, size in json.loads(listing.read_text())]
    for name, _ in listed:
        path = folder / FOLDER / name
        if not path.is_file() or sha256_of(path) != _content_of(name):
            raise UnusableBackupError(f"{path} is not as it was written: take another copy of the backup")
    return listed


async def put_back_documents(settings: DocumentStoreSettings, folder: Path, listed: Listed) -> int:
    """Puts objects back that the store does not have; how many. Raises UnreachableStoreError."""
    store, missing = store_of(settings), dict(listed)
    try:
        async for each in store.objects():
            missing.pop(each.name, None)
        for name in missing:
            with (folder / FOLDER / name).open("rb") as file:
                await store.put(name, file)
    except (StoreAwayError, StoreFullError) as error:
        raise UnreachableStoreError(f"the documents in {settings.document_store}: {error}") from error
    return len(missing)


def _content_of(name: str) -> str:
    """SHA-256 of an object, which is in its name. Raises UnusableBackupError."""
    if not (match := _NAME.fullmatch(name)):
        raise UnusableBackupError(f"the backup names an object {name!r}, which is none of ours")
    return match[1]

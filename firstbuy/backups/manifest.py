"""What a backup's folder says of itself: `manifest.json`, written last. A folder without one is no backup."""

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NAME: Final = "manifest.json"
FORMAT: Final = 1
_PARTIAL: Final = f".{NAME}.partial"


class UnusableBackupError(RuntimeError):
    """The backup can't be put back. The text says what to do; nothing was changed."""

    code = "unusable-backup"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReadTo(_Part):
    """Up to where the database has a topic's partition."""

    topic: str
    partition: int
    next_offset: int


class DatabasePart(_Part):
    """One database: a file of `pg_dump --format=custom`, and what its snapshot held."""

    kind: Literal["database"] = "database"
    service: str
    file: str = Field(pattern=r"^[a-z][a-z0-9-]*\.dump$")
    bytes: int
    sha256: str
    taken_at: datetime
    """The server's time when its snapshot was taken."""
    server: int
    """PostgreSQL's major version."""
    migrations: Mapping[str, str]
    """SHA-256 of each that has run, by name."""
    read_to: tuple[ReadTo, ...]
    unpublished: int
    """Batches in its outbox, which are in the backup and are published after a restore."""


class DocumentsPart(_Part):
    """Applications' documents: files by their names in the object store, and a listing."""

    count: int
    bytes: int
    sha256: str
    """Of the listing."""


class Manifest(_Part):
    """A whole backup."""

    format: Literal[1] = FORMAT
    firstbuy: str
    tool: str
    """The program that wrote the files."""
    made_at: datetime
    parts: tuple[DatabasePart, ...]
    documents: DocumentsPart | None = None
    """None where they were left out, or of a version that had none."""

    def of(self, service: str) -> DatabasePart:
        """The part with a service's database. Raises UnusableBackupError."""
        for part in self.parts:
            if part.service == service:
                return part
        held = ", ".join(part.service for part in self.parts)
        raise UnusableBackupError(f"the backup has no database of {service}, only of {held}: name those")


def write(folder: Path, manifest: Manifest) -> None:
    """Makes the folder a backup. The file appears whole, by rename."""
    partial = folder / _PARTIAL
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(folder / NAME)


def read(folder: Path) -> Manifest:
    """The manifest of a backup's folder. Raises UnusableBackupError."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnusableBackupError(f"{path} is not there: the backup was not finished; take another") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableBackupError(f"{path} can't be read: {error}") from error
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        raise UnusableBackupError(
            f"{path} is damaged, or of a newer version, which then has to restore it: {where}: {fault['msg']}"
        ) from None


def check_file(folder: Path, part: DatabasePart) -> None:
    """That the file is as it was written. Raises UnusableBackupError."""
    path = folder / part.file
    try:
        size, digest = path.stat().st_size, sha256_of(path)
    except OSError as error:
        raise UnusableBackupError(f"{path} can't be read: {error.strerror}; take another copy of the backup") from error
    if (size, digest) != (part.bytes, part.sha256):
        raise UnusableBackupError(
            f"{path} is not as it was written ({size} bytes, SHA-256 {digest}): take another copy of the backup"
        )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

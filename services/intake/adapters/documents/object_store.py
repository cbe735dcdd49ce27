"""Object stores by `obstore`: a folder of this machine, or a bucket that speaks S3."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import obstore
import structlog
from obstore import exceptions
from obstore.store import LocalStore, S3Store
from obstore.store import ObjectStore as Store

from services.intake.adapters.documents.port import (
    ObjectMissingError,
    ObjectStore,
    StoreAwayError,
    StoredObject,
    StoreFullError,
)

_log = structlog.get_logger()
_PIECE: Final = 262_144
_WRITTEN_AT_ONCE: Final = 4
"""A content is in memory while it is sent."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS: Final = ("No space left", "quota exceeded", "File too large", "XMinioStorageFull", "InsufficientStorage")
_TIMEOUT: Final = timedelta(seconds=30)
_CONNECTING: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """How a bucket is reached. `endpoint`: of a store that is not AWS; empty for AWS. `ca_file`: PEM of the authority
    that signed its certificate; empty for those that this machine trusts."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    ca_file: str


def object_store(address: str, access: S3Access) -> ObjectStore:
    """The store at an address: a folder's path, or `s3://bucket/prefix`."""
    if not address.startswith("s3://"):
        return LocalObjects(Path(address))
    named = urlsplit(address)
    client: dict[str, Any] = {"timeout": _TIMEOUT, "connect_timeout": _CONNECTING}
    if access.endpoint.startswith("http://"):
        client["allow_http"] = True
    if access.ca_file:
        client["root_certificate"] = Path(access.ca_file).read_bytes()
    config: dict[str, Any] = {"region": access.region}
    if access.endpoint:
        config["endpoint"] = access.endpoint
    if access.access_key:
        config |= {"access_key_id": access.access_key, "secret_access_key": access.secret_key}
    retries: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=15)}
    prefix = named.path.strip("/") or None
    options: dict[str, Any] = {"prefix": prefix, "client_options": client, "retry_config": retries, **config}
    return Objects(lambda: S3Store(named.netloc, **options))


@contextmanager
def _told() -> Iterator[None]:
    """Raises what a store says as an error of the port."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissingError(str(error)) from error
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFullError(str(error)) from error
        raise StoreAwayError(str(error)) from error
    except exceptions.AlreadyExistsError as error:
        raise ValueError("an object of this name is there") from error
    except exceptions.BaseError as error:
        said = str(error)
        if any(word in said for word in _FULL_WORDS):
            raise StoreFullError("no space left") from error
        _log.warning("object store does not answer", error=type(error).__name__)
        raise StoreAwayError(type(error).__name__) from error


class Objects:
    """A store of `obstore`, of a bucket: what it has taken is durable."""

    def __init__(self, make: Callable[[], Store]) -> None:
        self._made = make
        self._opened: Store | None = None
        self._writing = asyncio.Semaphore(_WRITTEN_AT_ONCE)

    @property
    def _store(self) -> Store:
        """Made at its first use: a folder that can't be written refuses documents, and not the service's start."""
        if self._opened is None:
            with _told():
                self._opened = self._made()
        return self._opened

    async def put(self, name: str, content: BinaryIO) -> None:
        async with self._writing:
            read = await asyncio.to_thread(_whole, content)
            with _told():
                await obstore.put_async(self._store, name, read, mode="create", use_multipart=False)
                await self._settle(name)

    async def _settle(self, name: str) -> None:
        """Makes a written object durable where the store did not."""

    async def get(self, name: str) -> AsyncIterator[bytes]:
        with _told():
            found = await obstore.get_async(self._store, name)

        async def pieces() -> AsyncIterator[bytes]:
            with _told():
                async for piece in found.stream(min_chunk_size=_PIECE):
                    yield bytes(piece)

        return pieces()

    async def delete(self, name: str) -> None:
        try:
            with _told():
                await obstore.delete_async(self._store, name)
        except ObjectMissingError:
            pass

    async def objects(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        with _told():
            async for listed in obstore.list(self._store, prefix=prefix or None):
                for each in listed:
                    yield StoredObject(each["path"], each["size"], each["last_modified"])

    async def tidy(self, before: datetime) -> None:
        """A bucket keeps nothing of a broken write."""


class LocalObjects(Objects):
    """A folder, shared by all replicas. What is written is on the disk before it is said to be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        super().__init__(self._made_folder)

    def _made_folder(self) -> Store:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalStore(self._folder)

    async def _settle(self, name: str) -> None:
        await asyncio.to_thread(_on_disk, self._folder, self._folder / name)

    async def tidy(self, before: datetime) -> None:
        await asyncio.to_thread(_remove_partial, self._folder, before)


def _whole(content: BinaryIO) -> bytes:
    content.seek(0)
    return content.read()


def _on_disk(folder: Path, file: Path) -> None:
    """Syncs a file, and every folder that may be new, up to the store's own parent."""
    for path in (file, file.parent, folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_partial(folder: Path, before: datetime) -> None:
    """`obstore` writes to `<name>#<number>`, which stays when the process is killed."""
    for path in folder.glob("*/*#*"):
        try:
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink()
        except FileNotFoundError:
            continue

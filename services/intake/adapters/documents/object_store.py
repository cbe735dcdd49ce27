"""Object stores by `obstore`: a folder of this machine, or a bucket that speaks S3."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
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
from services.intake.settings import DocumentStoreSettings

if TYPE_CHECKING:
    from obstore.store import S3Credential

_log = structlog.get_logger()
_PIECE: Final = 262_144
_WRITTEN_AT_ONCE: Final = 4
"""A content is in memory while it is sent."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS: Final = ("No space left", "quota exceeded", "File too large", "XMinioStorageFull", "InsufficientStorage")
_TIMEOUT: Final = timedelta(seconds=30)
_CONNECTING: Final = timedelta(seconds=5)
_KEYS_HOLD: Final = timedelta(minutes=6)
"""`obstore` asks five minutes before the end."""


def store_of(settings: DocumentStoreSettings) -> ObjectStore:
    """The store that is configured: a folder, or a bucket."""
    address = settings.document_store
    return Bucket(settings) if address.startswith("s3://") else LocalObjects(Path(address))


def _bucket(settings: DocumentStoreSettings) -> Store:
    named, endpoint = urlsplit(settings.document_store), settings.document_s3_endpoint
    client: dict[str, Any] = {"timeout": _TIMEOUT, "connect_timeout": _CONNECTING}
    if endpoint.startswith("http://"):
        client["allow_http"] = True
    if settings.document_s3_ca_file:
        client["root_certificate"] = Path(settings.document_s3_ca_file).read_bytes()
    options: dict[str, Any] = {
        "prefix": named.path.strip("/") or None,
        "region": settings.document_s3_region,
        "client_options": client,
        "retry_config": {"max_retries": 3, "retry_timeout": timedelta(seconds=15)},
    }
    if endpoint:
        options["endpoint"] = endpoint
    if settings.document_s3_access_key:
        options["credential_provider"] = _Keys(settings)
    return S3Store(named.netloc, **options)


class _Keys:
    """The bucket's keys as their files have them: asked again every minute."""

    def __init__(self, settings: DocumentStoreSettings) -> None:
        self._access = settings.newest_text("document_s3_access_key")
        self._secret = settings.newest_text("document_s3_secret_key")

    def __call__(self) -> "S3Credential":
        until = datetime.now(UTC) + _KEYS_HOLD
        return {"access_key_id": self._access(), "secret_access_key": self._secret(), "expires_at": until}


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

    async def has(self, name: str) -> bool:
        try:
            with _told():
                await obstore.head_async(self._store, name)
        except ObjectMissingError:
            return False
        return True

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


class Bucket(Objects):
    """A bucket that speaks S3."""

    def __init__(self, settings: DocumentStoreSettings) -> None:
        super().__init__(lambda: _bucket(settings))


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

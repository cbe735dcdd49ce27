"""What intake asks of an object store. Names have one folder, such as `ab/abcd….0123`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


class StoreAwayError(ConnectionError):
    """The object store does not answer, or refuses us."""

    code = "document-store-away"


class StoreFullError(OSError):
    """The object store, or the folder for temporary files, has no room left."""

    code = "document-store-full"


class ObjectMissingError(LookupError):
    """The object store has no such object."""

    code = "object-missing"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the store lists it."""

    name: str
    bytes: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Keeps contents by name. Every method raises StoreAwayError and, where it writes, StoreFullError."""

    async def put(self, name: str, content: BinaryIO) -> None:
        """Stores a content durably before it returns; a name that is taken is never overwritten (ValueError)."""

    async def get(self, name: str) -> AsyncIterator[bytes]:
        """The content in pieces. Raises ObjectMissingError before the first."""

    async def has(self, name: str) -> bool:
        """True if there is such an object."""

    async def delete(self, name: str) -> None:
        """Deletes an object; one that is not there is deleted already."""

    def objects(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """All objects whose names begin with a folder."""

    async def tidy(self, before: datetime) -> None:
        """Deletes what broken writes before that moment left."""

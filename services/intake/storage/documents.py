"""Documents: which contents the object store holds, who sent them, and which applications name them.

A content's row is locked by whoever relies on it (`FOR KEY SHARE`, as a foreign key does) and by whoever deletes it
(`FOR UPDATE`), so that none is deleted that was just named.
"""

from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.documents import Room, UploadedDocument
from shared.contracts.facts import DocumentFile
from shared.service.postgres import Connection, rows_changed

ROOM = """
SELECT coalesce(sum(bytes) FILTER (WHERE key_hash = $1), 0)::bigint AS of_key,
       count(*) FILTER (WHERE key_hash = $1) AS files_of_key,
       coalesce(sum(bytes) FILTER (WHERE network = $2 AND NOT trusted AND uploaded_at > $3), 0)::bigint AS of_network,
       coalesce(sum(bytes) FILTER (WHERE NOT named), 0)::bigint AS waiting,
       coalesce(sum(bytes) FILTER (WHERE NOT named AND NOT trusted), 0)::bigint AS waiting_of_unknown
FROM uploaded_documents
"""
OBJECT = "SELECT object FROM documents WHERE sha256 = $1"
HOLD = """
INSERT INTO documents (sha256, object, bytes, media_type, held_since) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (sha256) DO NOTHING
"""
# Through `documents`, so that it finds nothing where the content was deleted meanwhile.
UPLOADED = """
INSERT INTO uploaded_documents (key_hash, sha256, kind, name, round, bytes, network, trusted, uploaded_at)
SELECT $1, sha256, $3, $4, $5, bytes, $6, $7, $8 FROM documents WHERE sha256 = $2 FOR KEY SHARE
ON CONFLICT (key_hash, sha256, kind) DO UPDATE SET name = excluded.name RETURNING bytes
"""
OF_KEY = """
SELECT u.kind, u.sha256, d.bytes, d.media_type, u.name FROM uploaded_documents u JOIN documents d USING (sha256)
WHERE u.key_hash = $1 ORDER BY u.uploaded_at, u.sha256, u.kind
"""
REMOVE = """
DELETE FROM uploaded_documents WHERE key_hash = $1 AND sha256 = $2 AND kind = coalesce($3, kind) AND NOT named
"""


@dataclass(frozen=True, slots=True)
class HeldContent:
    """A content of the object store. `object`: its name there."""

    sha256: str
    object: str
    bytes: int
    media_type: str


async def room(connection: Connection, key_hash: str, network: str | None, since: datetime) -> Room:
    """What is held already. `since`: from when on a network's uploads count."""
    row = await connection.fetchrow(ROOM, key_hash, network, since)
    assert row is not None, "sums have a row"  # noqa: S101
    return Room(**row)


async def object_of(connection: Connection, sha256: str) -> str | None:
    """The name of a content in the object store; None of one that it does not hold."""
    name: str | None = await connection.fetchval(OBJECT, sha256)
    return name


async def hold(connection: Connection, content: HeldContent, now: datetime) -> None:
    """Takes a content down as held, unless it is already."""
    row = content.sha256, content.object, content.bytes, content.media_type
    await connection.execute(HOLD, *row, now)


async def uploaded(connection: Connection, document: UploadedDocument) -> bool:
    """Takes down who sent a document; False if its content is not held any more."""
    row = (
        *(document.key_hash, document.file.sha256, document.file.kind, document.file.name, document.round),
        *(document.network, document.trusted, document.uploaded_at),
    )
    return await connection.fetchval(UPLOADED, *row) is not None


async def of_key(connection: Connection, key_hash: str) -> list[DocumentFile]:
    """The documents under an upload key, oldest first."""
    return [DocumentFile(**row) for row in await connection.fetch(OF_KEY, key_hash)]


async def remove(connection: Connection, key_hash: str, sha256: str, kind: str | None) -> int:
    """Removes documents that no application names, of every kind unless one is given; how many there were."""
    return await rows_changed(connection, REMOVE, key_hash, sha256, kind)

"""Documents: which contents the object store holds, who sent them, and which applications name them.

A content's row is locked by whoever relies on it (`FOR KEY SHARE`, as a foreign key does) and by whoever deletes it
(`FOR UPDATE`), so that none is deleted that was just named.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic_core import from_json

from services.intake.domain.documents import Room, UploadedDocument
from shared.contracts.facts import DocumentFile
from shared.service.postgres import Connection, rows_changed

_FILE: Final = ("kind", "sha256", "bytes", "media_type", "name")
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
ON CONFLICT (key_hash, sha256, kind) DO UPDATE SET name = excluded.name, uploaded_at = excluded.uploaded_at
RETURNING bytes
"""
OF_KEY = """
SELECT u.kind, u.sha256, d.bytes, d.media_type, u.name FROM uploaded_documents u JOIN documents d USING (sha256)
WHERE u.key_hash = $1 ORDER BY u.uploaded_at, u.sha256, u.kind
"""
REMOVE = """
DELETE FROM uploaded_documents WHERE key_hash = $1 AND sha256 = $2 AND kind = coalesce($3, kind) AND NOT named
"""


HELD_UNDER = """
SELECT u.key_hash, u.kind, u.sha256, d.bytes, d.media_type, u.name
FROM unnest($1::text[], $2::text[]) AS asked(key_hash, sha256)
JOIN uploaded_documents u USING (key_hash, sha256) JOIN documents d USING (sha256)
FOR KEY SHARE OF d
"""
STILL_HELD = """
SELECT d.sha256 FROM documents d JOIN named_documents n USING (sha256) WHERE n.application = $1 FOR KEY SHARE OF d
"""
NAME = """
INSERT INTO named_documents (application, sha256) SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING
"""
NAMING = """
SELECT v.facts FROM application_versions v JOIN applications a USING (application)
WHERE application = $1 AND position($2 in v.facts) > 0 AND (NOT $3 OR v.version = a.version)
ORDER BY v.version DESC LIMIT 1
"""
NAMED = """
SELECT d.object FROM named_documents n LEFT JOIN documents d USING (sha256) WHERE n.application = $1 AND n.sha256 = $2
"""
# Of results that were published, in the newest epoch.
AWARDED = """
SELECT coalesce(o.result->>'pack', '') AS pack,
       ARRAY(SELECT award->>'institution' FROM jsonb_array_elements(o.result->'awards') award) AS institutions
FROM outcomes o JOIN rounds r ON r.round = o.round AND r.status <> 'void'
WHERE o.application = $1 AND o.result ? 'awards'
  AND o.result_epoch >= coalesce((SELECT max(n.epoch) FROM confirmations n WHERE n.round = o.round), 0)
"""
NAMED_UNDER = """
UPDATE uploaded_documents u SET named = true FROM unnest($1::text[], $2::text[]) AS named(key_hash, sha256)
WHERE u.key_hash = named.key_hash AND u.sha256 = named.sha256 AND NOT u.named
"""


@dataclass(frozen=True, slots=True)
class Buyers:
    """Who may read the documents of a selected product: institutions that it was awarded to, and whoever holds the link
    to its pack, relative to selection's address; empty where there is none."""

    institutions: frozenset[str]
    pack: str


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


async def held_under(
    connection: Connection, asked: Iterable[tuple[str | None, str]]
) -> dict[str | None, list[DocumentFile]]:
    """The documents that are held under upload keys, by key, of those `asked` for as (key, SHA-256).

    None is deleted before the transaction ends.
    """
    pairs = sorted({(key, sha256) for key, sha256 in asked if key is not None})
    held: dict[str | None, list[DocumentFile]] = defaultdict(list)
    if pairs:
        for row in await connection.fetch(HELD_UNDER, [key for key, _ in pairs], [sha256 for _, sha256 in pairs]):
            held[row["key_hash"]].append(DocumentFile(**{name: row[name] for name in _FILE}))
    return held


async def still_held(connection: Connection, application: str) -> set[str]:
    """SHA-256 of the contents that an application names and that are held; none is deleted before the transaction
    ends."""
    return {row["sha256"] for row in await connection.fetch(STILL_HELD, application)}


async def name(connection: Connection, named: Iterable[tuple[str, str | None, str]]) -> None:
    """Takes down which application names what, as (application, upload key, SHA-256)."""
    rows = sorted(set(named), key=lambda row: (row[0], row[2]))
    if not rows:
        return
    await connection.execute(NAME, [row[0] for row in rows], [row[2] for row in rows])
    keyed = [row for row in rows if row[1] is not None]
    await connection.execute(NAMED_UNDER, [row[1] for row in keyed], [row[2] for row in keyed])


async def naming(connection: Connection, application: str, sha256: str, *, newest: bool) -> DocumentFile | None:
    """As what an application names a content: in its newest version, or else in the last one that does."""
    facts = await connection.fetchval(NAMING, application, f'"sha256":"{sha256}"', newest)
    named = (each for each in from_json(facts)["documents"] if each["sha256"] == sha256) if facts else ()
    return next((DocumentFile(**each) for each in named), None)


async def named(connection: Connection, application: str, sha256: str) -> tuple[bool, str | None]:
    """Whether an application names a content, after erasures, and the content's name in the object store."""
    row = await connection.fetchrow(NAMED, application, sha256)
    return row is not None, row["object"] if row else None


async def buyers(connection: Connection, application: str) -> Buyers | None:
    """Who may read a selected product's documents; None of one that was not selected."""
    row = await connection.fetchrow(AWARDED, application)
    return Buyers(frozenset(row["institutions"]), row["pack"]) if row else None

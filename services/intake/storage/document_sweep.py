"""What is deleted of documents: uploads that nobody named in time, names of erased persons, contents without either."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.rounds import RoundWindow
from services.intake.storage import rounds
from shared.service.postgres import Connection, rows_changed

FORGET_UPLOADS = """
DELETE FROM uploaded_documents WHERE uploaded_at < $1 AND (NOT trusted OR round = ANY($2::text[]))
"""
TRUSTED_ROUNDS = "SELECT DISTINCT round FROM uploaded_documents WHERE trusted AND uploaded_at < $1"
# Of late entries whose proposal ended without one.
FORGET_DRAFTS = """
DELETE FROM named_documents n
WHERE NOT EXISTS (SELECT FROM applications a WHERE a.application = n.application)
  AND NOT EXISTS (SELECT FROM late_entries l WHERE l.application = n.application)
"""
# A contact that is gone was erased. With the names go uploads of the same contents that were named, which were theirs.
FORGET_ERASED = """
WITH forgotten AS (
    DELETE FROM named_documents n USING applications a
    WHERE a.application = n.application AND ($1::uuid[] IS NULL OR a.party = ANY($1))
      AND NOT EXISTS (SELECT FROM contacts c WHERE c.party = a.party)
    RETURNING n.application, n.sha256
), uploads AS (
    DELETE FROM uploaded_documents u USING forgotten f
    WHERE u.sha256 = f.sha256 AND u.named AND NOT EXISTS (
        SELECT FROM named_documents n
        WHERE n.sha256 = f.sha256 AND NOT EXISTS (
            SELECT FROM forgotten same WHERE same.application = n.application AND same.sha256 = n.sha256))
)
SELECT count(*) FROM forgotten
"""
# In two statements: the second sees what was named before the rows were locked.
LOCK_UNUSED = """
SELECT sha256 FROM documents d
WHERE NOT EXISTS (SELECT FROM uploaded_documents u WHERE u.sha256 = d.sha256)
  AND NOT EXISTS (SELECT FROM named_documents n WHERE n.sha256 = d.sha256)
LIMIT $1 FOR UPDATE SKIP LOCKED
"""
DELETE_UNUSED = """
DELETE FROM documents d WHERE sha256 = ANY($1::text[])
  AND NOT EXISTS (SELECT FROM uploaded_documents u WHERE u.sha256 = d.sha256)
  AND NOT EXISTS (SELECT FROM named_documents n WHERE n.sha256 = d.sha256)
RETURNING object
"""
KNOWN_OBJECTS = "SELECT object FROM documents WHERE object = ANY($1::text[])"
# Contents that applications name and whose rows were lost with the database; the newest facts say what they are.
LOST = """
SELECT DISTINCT ON (n.sha256) n.sha256, (file->>'bytes')::bigint AS bytes, file->>'media_type' AS media_type
FROM named_documents n
JOIN application_versions v USING (application)
CROSS JOIN LATERAL jsonb_array_elements(v.facts::jsonb->'documents') AS file
WHERE n.sha256 = ANY($1::text[]) AND file->>'sha256' = n.sha256 AND v.facts::jsonb ? 'documents'
  AND NOT EXISTS (SELECT FROM documents d WHERE d.sha256 = n.sha256)
"""
BATCH = 200


@dataclass(frozen=True, slots=True)
class LostContent:
    """A content that is named and that no row says is held."""

    sha256: str
    bytes: int
    media_type: str


async def trusted_rounds(connection: Connection, before: datetime) -> Sequence[RoundWindow]:
    """The rounds of documents that an edge or staff uploaded before that moment."""
    named = [row["round"] for row in await connection.fetch(TRUSTED_ROUNDS, before)]
    return list((await rounds.windows(connection, named)).values())


async def forget_uploads(connection: Connection, before: datetime, over: Collection[str]) -> int:
    """Forgets uploads from before that moment; those of an edge or staff for rounds that are `over`."""
    return await rows_changed(connection, FORGET_UPLOADS, before, list(over))


async def forget_drafts(connection: Connection) -> None:
    """Forgets what late entries named that were never admitted."""
    await connection.execute(FORGET_DRAFTS)


async def forget_erased(connection: Connection, parties: Sequence[str] | None = None) -> int:
    """Forgets what applications without a contact name: of these parties, or of all. How many names there were."""
    count: int = await connection.fetchval(FORGET_ERASED, None if parties is None else list(parties))
    return count


async def delete_unused(connection: Connection) -> list[str]:
    """Deletes contents that are neither uploaded nor named, a batch of them; their names in the object store."""
    locked = [row["sha256"] for row in await connection.fetch(LOCK_UNUSED, BATCH)]
    return [row["object"] for row in await connection.fetch(DELETE_UNUSED, locked)] if locked else []


async def unknown_objects(connection: Connection, objects: Sequence[str]) -> list[str]:
    """Those that no row names."""
    known = {row["object"] for row in await connection.fetch(KNOWN_OBJECTS, list(objects))}
    return [each for each in objects if each not in known]


async def lost_contents(connection: Connection, sha256s: Collection[str]) -> list[LostContent]:
    """Which of these contents applications name although no row says that they are held."""
    return [LostContent(**row) for row in await connection.fetch(LOST, list(sha256s))]

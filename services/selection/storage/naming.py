"""Names of a round and its institutions, for the page that checks evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.service.postgres import Connection

TITLE: Final = """
SELECT body->>'title' FROM chronicle WHERE round = $1 AND type IN ('RoundAnnounced', 'RoundAmended', 'RoundOpened')
ORDER BY array_position(ARRAY['RoundOpened', 'RoundAmended', 'RoundAnnounced'], type),
         (body->>'amendment')::int DESC NULLS LAST, appended_at DESC NULLS LAST LIMIT 1
"""
# Institutions with a pledge: as frozen, or before the freeze as far as known.
PLEDGING: Final = """
SELECT DISTINCT ON (n.institution) n.institution, n.name
FROM institution_names n JOIN rounds r ON r.round = $1
WHERE CASE WHEN r.pledges IS NULL
    THEN EXISTS (SELECT FROM pledges p WHERE p.round = r.round AND p.institution = n.institution)
    ELSE r.pledges ? n.institution END
ORDER BY n.institution, n.changed_at DESC
"""


@dataclass(frozen=True, slots=True)
class RoundNames:
    """A round's title, `한국어 (English)` if it is in both languages; and the names of its institutions, by code."""

    title: str
    institutions: Mapping[str, str]


async def named(connection: Connection, round_id: str) -> RoundNames | None:
    """The names of a round; None if it was never announced."""
    title = await connection.fetchval(TITLE, round_id)
    if title is None:
        return None
    rows = await connection.fetch(PLEDGING, round_id)
    return RoundNames(title, {row["institution"]: row["name"] for row in rows})

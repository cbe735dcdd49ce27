"""What a round and its institutions are called, for a reader's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.service.postgres import Connection

TITLE: Final = """
SELECT body->>'title' FROM chronicle WHERE round = $1 AND type IN ('RoundAnnounced', 'RoundAmended', 'RoundOpened')
ORDER BY array_position(ARRAY['RoundOpened', 'RoundAmended', 'RoundAnnounced'], type),
         (body->>'amendment')::int DESC NULLS LAST, appended_at DESC NULLS LAST LIMIT 1
"""
# Pledges as the freeze fixed them; before it, as far as they are known.
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
    """A round's title as it was announced, `한국어 (English)` where it is in both languages; names of the institutions
    that pledge to it, by code."""

    title: str
    institutions: Mapping[str, str]


async def named(connection: Connection, round_id: str) -> RoundNames | None:
    """None of a round that nobody announced."""
    title = await connection.fetchval(TITLE, round_id)
    if title is None:
        return None
    rows = await connection.fetch(PLEDGING, round_id)
    return RoundNames(title, {row["institution"]: row["name"] for row in rows})

"""*This was not me*: the links in mails, and what pressing one does. Addresses are stored as keyed hashes only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.contracts.events import Language
from shared.service.postgres import Connection

NOT_ME: Final = "not-me"
"""The reason of a disowned address's suppression. It outlives the erased contact."""

ISSUE = """
INSERT INTO disowning_links (party, address)
SELECT party, keyed_address(email) FROM unnest($1::text[], $2::text[]) AS told(party, email) ON CONFLICT DO NOTHING
"""
KNOWN = """
SELECT c.language FROM disowning_links l LEFT JOIN contacts c ON c.party = l.party WHERE l.link = $1
"""
# A link works once; and again if an operator has released the address meanwhile.
PRESS = """
UPDATE disowning_links l SET disowned_at = $2
WHERE link = $1 AND (disowned_at IS NULL OR NOT EXISTS (SELECT FROM suppressions s WHERE s.address = l.address))
RETURNING party, address
"""
SUPPRESS = """
INSERT INTO suppressions (address, reason) VALUES ($1, $2) ON CONFLICT (address) DO UPDATE SET reason = excluded.reason
"""
# The entries that have the address now, and the entry of the mail, whose contact may have changed.
ENTRIES = """
SELECT a.application, a.round, a.party FROM applications a
WHERE a.round IS NOT NULL
  AND a.party IN (SELECT party FROM contacts WHERE address = $2 AND institution IS NULL UNION SELECT $1)
ORDER BY a.application
"""
MARK_ANNOUNCED = "INSERT INTO disowned_entries SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
LATER = """
WITH told AS (
    INSERT INTO disowned_entries
    SELECT a.application FROM suppressions s
    JOIN contacts c ON c.address = s.address AND c.institution IS NULL
    JOIN applications a ON a.party = c.party AND a.round IS NOT NULL
    WHERE s.reason = 'not-me' AND NOT EXISTS (SELECT FROM disowned_entries d WHERE d.application = a.application)
    ORDER BY a.application LIMIT 1000
    ON CONFLICT DO NOTHING RETURNING application)
SELECT a.application, a.round, a.party FROM told JOIN applications a USING (application) ORDER BY a.application
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An application whose contact's address is disowned."""

    application: str
    round: str
    party: str


@dataclass(frozen=True, slots=True)
class Disowned:
    """A disowned address, and the entries that name it."""

    address: str
    """Its keyed hash, as suppressed."""
    entries: Sequence[Entry]


async def issue(connection: Connection, links: Sequence[tuple[str, str]]) -> None:
    """Issues a permanent link for each (party, address), given in order of parties."""
    if links:
        await connection.execute(ISSUE, *zip(*links, strict=True))


async def language_of(connection: Connection, link: str) -> Language | None:
    """The language of the mails with this link; None for an unknown link."""
    row = await connection.fetchrow(KNOWN, link)
    return Language(row["language"] or Language.KO) if row else None


async def press(connection: Connection, link: str, now: datetime) -> Disowned | None:
    """Suppresses the address; None if the link has done so already."""
    row = await connection.fetchrow(PRESS, link, now)
    if row is None:
        return None
    await connection.execute(SUPPRESS, row["address"], NOT_ME)
    entries = [Entry(*row) for row in await connection.fetch(ENTRIES, row["party"], row["address"])]
    await connection.execute(MARK_ANNOUNCED, [entry.application for entry in entries])
    return Disowned(row["address"], entries)


async def later_entries(connection: Connection) -> list[Entry]:
    """Entries made with an address after it was disowned; each is returned once."""
    return [Entry(*row) for row in await connection.fetch(LATER)]

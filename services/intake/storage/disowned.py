"""Contacts whose addressee said "it was not me", as notify reports, until an officer has settled each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.contracts.events import ContactDisowned
from shared.service.postgres import Connection, rows_changed

SAVE = """
INSERT INTO disowned_contacts (application, round, disowned_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])
ON CONFLICT (application) DO UPDATE SET disowned_at = excluded.disowned_at, settled_at = NULL
WHERE disowned_contacts.settled_at < excluded.disowned_at
"""
SINCE = "SELECT disowned_at FROM disowned_contacts WHERE application = $1 AND settled_at IS NULL"
UNSETTLED = """
SELECT application::text, round, disowned_at FROM disowned_contacts
WHERE settled_at IS NULL AND ($1::text IS NULL OR round = $1)
ORDER BY disowned_at DESC, application LIMIT $2
"""
SETTLE = "UPDATE disowned_contacts SET settled_at = $2 WHERE application = $1 AND settled_at IS NULL"


async def save(connection: Connection, disowned: Sequence[ContactDisowned]) -> None:
    """A repetition changes nothing, except that one after a settlement has to be settled anew."""
    newest = {contact.application: contact for contact in sorted(disowned, key=lambda contact: contact.disowned_at)}
    rows = [(contact.application, contact.round, contact.disowned_at) for _, contact in sorted(newest.items())]
    if rows:
        await connection.execute(SAVE, *zip(*rows, strict=True))


async def since(connection: Connection, application: str) -> datetime | None:
    """When the contact was disowned; None where it was not, or an officer has settled it."""
    disowned_at: datetime | None = await connection.fetchval(SINCE, application)
    return disowned_at


async def unsettled(connection: Connection, round_id: str | None, limit: int) -> list[dict[str, Any]]:
    """Newest first."""
    return [dict(row) for row in await connection.fetch(UNSETTLED, round_id, limit)]


async def settle(connection: Connection, application: str, now: datetime) -> bool:
    """Settles a disowned contact; False when there was nothing to settle."""
    return await rows_changed(connection, SETTLE, application, now) > 0

"""Erasing a person's contact: of one application, or wherever an address stands."""

from collections.abc import Sequence

from shared.service.postgres import Connection

OF_ADDRESS = "SELECT party::text FROM contacts WHERE lower(email) = lower($1)"
ERASE = "DELETE FROM contacts WHERE party = ANY($1::text[]::uuid[]) RETURNING party::text"
FORGET_REFUSED = "DELETE FROM refused WHERE lower(email) = lower($1)"
FORGET_DRAFTS = "DELETE FROM late_entries WHERE lower(email) = lower($1)"


async def of_address(connection: Connection, email: str) -> list[str]:
    """The parties it is the contact of."""
    return [row["party"] for row in await connection.fetch(OF_ADDRESS, email)]


async def erase(connection: Connection, parties: Sequence[str]) -> list[str]:
    """Those that had a contact, in order."""
    return sorted(row["party"] for row in await connection.fetch(ERASE, list(parties)))


async def forget(connection: Connection, email: str) -> None:
    """Beside contacts: those kept for an extension, and of drafts of late entries, which have to be proposed again."""
    await connection.execute(FORGET_REFUSED, email)
    await connection.execute(FORGET_DRAFTS, email)

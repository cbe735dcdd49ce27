"""Erases contacts: of one application, or of every one with an address."""

from collections.abc import Sequence

from shared.service.postgres import Connection

OF_ADDRESS = "SELECT party::text FROM contacts WHERE lower(email) = lower($1)"
ERASE = "DELETE FROM contacts WHERE party = ANY($1::text[]::uuid[]) RETURNING party::text"
FORGET_REFUSED = "DELETE FROM refused WHERE lower(email) = lower($1)"
FORGET_DRAFTS = "DELETE FROM late_entries WHERE lower(email) = lower($1)"


async def of_address(connection: Connection, email: str) -> list[str]:
    """The parties with this address."""
    return [row["party"] for row in await connection.fetch(OF_ADDRESS, email)]


async def erase(connection: Connection, parties: Sequence[str]) -> list[str]:
    """Returns the parties that had a contact, in order."""
    return sorted(row["party"] for row in await connection.fetch(ERASE, list(parties)))


async def forget(connection: Connection, email: str) -> None:
    """Deletes the address from refused contacts, and from drafts of late entries, which have to be proposed again."""
    await connection.execute(FORGET_REFUSED, email)
    await connection.execute(FORGET_DRAFTS, email)

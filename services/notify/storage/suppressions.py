"""Addresses that no mail goes to: their mailbox is unknown, they were disowned, or the office decided so.

They are stored as keyed hashes, and erased with the contact.
"""

from datetime import datetime

from services.notify.storage.deliveries import Delivery, delivery_of
from shared.service.postgres import Connection, rows_changed

SUPPRESS = """
INSERT INTO suppressions (address, reason, delivery) VALUES (keyed_address($1::text), $2, $3) ON CONFLICT DO NOTHING
"""
RELEASE = "DELETE FROM suppressions WHERE address = keyed_address($1::text)"
HASHED = "SELECT keyed_address($1::text)"
# Not an address entered after the mail was settled: the returned mail says nothing about that one.
OF_DELIVERY = """
SELECT c.email FROM deliveries d JOIN contacts c ON c.party = d.recipient
WHERE d.delivery = $1 AND c.changed_at <= coalesce(d.settled_at, d.created_at)
"""
# The party is known only while a contact has the address.
LIST = """
SELECT s.address, s.reason, s.delivery::text, s.suppressed_at, c.party
FROM suppressions s LEFT JOIN contacts c ON keyed_address(c.email) = s.address
ORDER BY s.suppressed_at DESC, s.address, c.party LIMIT $1
"""
# A digest together with all deliveries gathered into it.
BOUNCED = """
WITH bounced AS (
    UPDATE deliveries SET state = 'failed', error = $2, settled_at = now()
    WHERE (delivery = $1 OR digest = $1) AND channel = 'mail' AND state = 'sent' RETURNING *)
SELECT d.delivery::text, d.round, d.kind, d.subject, d.occasion, d.recipient, d.channel, d.facts, d.traceparent,
    d.attempts, r.rehearsal
FROM bounced d LEFT JOIN rounds r ON r.round = d.round
"""


async def hashed(connection: Connection, address: str) -> str:
    """The hash as stored: keyed with the database's secret."""
    address_hash: str = await connection.fetchval(HASHED, address)
    return address_hash


async def suppress(connection: Connection, address: str, reason: str, delivery: str | None = None) -> bool:
    """Suppresses an address; False if it was suppressed before."""
    return await rows_changed(connection, SUPPRESS, address, reason, delivery) > 0


async def release(connection: Connection, address: str) -> bool:
    """Lets mail go to the address again; False if it was not suppressed."""
    return await rows_changed(connection, RELEASE, address) > 0


async def address_of(connection: Connection, delivery: str) -> str | None:
    """The address the mail went to; None if its recipient has entered another since."""
    address: str | None = await connection.fetchval(OF_DELIVERY, delivery)
    return address


async def suppressed(connection: Connection, limit: int) -> list[tuple[str, str, str | None, datetime, str | None]]:
    """Rows of (hash, reason, delivery that bounced, since when, party), newest first."""
    return [tuple(row) for row in await connection.fetch(LIST, limit)]


async def bounced(connection: Connection, delivery: str, error: str) -> list[Delivery]:
    """Fails a sent mail that came back, with all deliveries it carried; empty if it is not a sent mail."""
    return [delivery_of(row) for row in await connection.fetch(BOUNCED, delivery, error)]

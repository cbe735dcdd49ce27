"""Drafts of entries that officers propose to admit late. They hold contacts, so they are deleted with the proposal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.submissions import ContactDetails
from shared.service.postgres import Connection

KEEP = """
INSERT INTO late_entries (act, application, party, business_number, product_key, facts, nonce, payload_hash,
                          name, email, phone, language)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
TAKE = """
DELETE FROM late_entries WHERE act = $1
RETURNING application::text, party::text, business_number, product_key, facts, nonce, payload_hash,
          name, email, phone, language
"""
FORGET_EXPIRED = "DELETE FROM late_entries l USING acts a WHERE a.act = l.act AND a.expires_at <= $1"
ENTRY = """
SELECT application::text, party::text, business_number, product_key, facts, nonce, payload_hash,
       name, email, phone, language
FROM late_entries WHERE act = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateEntry:
    """An entry as drafted with its proposal."""

    application: str
    party: str
    business_number: str
    product_key: str
    facts: str
    """Canonical JSON."""
    nonce: str
    payload_hash: str
    contact: ContactDetails


async def keep(connection: Connection, act: str, entry: LateEntry) -> None:
    """Stores a drafted entry until its act is approved or ends."""
    contact = entry.contact
    await connection.execute(
        KEEP,
        act,
        entry.application,
        entry.party,
        entry.business_number,
        entry.product_key,
        entry.facts,
        entry.nonce,
        entry.payload_hash,
        contact.name,
        contact.email,
        contact.phone,
        contact.language,
    )


async def take(connection: Connection, act: str) -> LateEntry | None:
    """Removes and returns the draft."""
    return _entry(await connection.fetchrow(TAKE, act))


async def load(connection: Connection, act: str) -> LateEntry | None:
    return _entry(await connection.fetchrow(ENTRY, act))


def _entry(row: Any) -> LateEntry | None:
    if row is None:
        return None
    contact = ContactDetails(row["name"], row["email"], row["phone"], row["language"])
    return LateEntry(
        application=row["application"],
        party=row["party"],
        business_number=row["business_number"],
        product_key=row["product_key"],
        facts=row["facts"],
        nonce=row["nonce"],
        payload_hash=row["payload_hash"],
        contact=contact,
    )


async def forget_expired(connection: Connection, now: datetime) -> None:
    await connection.execute(FORGET_EXPIRED, now)

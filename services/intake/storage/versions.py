"""An application's versions after the first: read, resubmit, withdraw; and its contact."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.entries import EntryVersion
from services.intake.domain.receipts import Receipt
from services.intake.domain.submissions import ContactDetails
from shared.contracts.identity import IdentityLevel
from shared.service.postgres import Connection

APPLICATION = """
SELECT a.application::text, a.round, a.party::text, a.business_number, a.product_key, a.token_hash, a.version,
       a.withdrawn, v.received_at, v.nonce, v.payload_hash, v.facts, v.contested, v.restated, v.identity, v.arrived_at
FROM applications a JOIN application_versions v USING (application, version)
WHERE a.application = $1
"""
LOCK_APPLICATION = "SELECT version, withdrawn FROM applications WHERE application = $1 FOR UPDATE"
INSERT_VERSION = """
INSERT INTO application_versions (application, version, received_at, nonce, payload_hash, facts, withdrawn, key_id,
                                  signature, contested, restated, identity, arrived_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
SET_VERSION = """
UPDATE applications SET version = $2, payload_hash = $3, withdrawn = $4 WHERE application = $1
"""
SET_CONTACT = """
INSERT INTO contacts (party, name, email, phone, language, changed_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (party) DO UPDATE SET name = excluded.name, email = excluded.email, phone = excluded.phone,
    language = excluded.language, changed_at = excluded.changed_at
"""
CONTACT = "SELECT name, email, phone, language FROM contacts WHERE party = $1"
RECEIPTS = """
SELECT a.round, v.application::text, v.version, v.nonce, v.payload_hash, v.received_at, v.withdrawn, v.key_id,
       v.signature, v.contested, v.identity, v.arrived_at
FROM application_versions v JOIN applications a USING (application)
WHERE application = $1 ORDER BY v.version
"""
BUCKET_LEAVES = """
SELECT application::text, version, payload_hash FROM applications
WHERE round = $1 AND bucket = $2 AND NOT withdrawn
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApplication:
    """An application in its newest version."""

    application: str
    round: str
    party: str
    business_number: str
    product_key: str
    token_hash: str
    withdrawn: bool
    newest: EntryVersion


async def load(connection: Connection, application: str) -> StoredApplication | None:
    """The newest version of an application; None of one that nobody entered."""
    row = await connection.fetchrow(APPLICATION, application)
    if row is None:
        return None
    return StoredApplication(
        application=row["application"],
        round=row["round"],
        party=row["party"],
        business_number=row["business_number"],
        product_key=row["product_key"],
        token_hash=row["token_hash"],
        withdrawn=row["withdrawn"],
        newest=version_of(row),
    )


def version_of(row: Any) -> EntryVersion:
    """From a row with the columns of `application_versions`."""
    return EntryVersion(
        identifier=row["application"],
        version=row["version"],
        received_at=row["received_at"],
        nonce=row["nonce"],
        payload_hash=row["payload_hash"],
        facts=row["facts"],
        contested=row["contested"],
        restated=row["restated"],
        identity=row["identity"] and IdentityLevel(row["identity"]),
        arrived_at=row["arrived_at"],
    )


async def lock(connection: Connection, application: str) -> tuple[int, bool]:
    """The newest version and whether it is a withdrawal, locked until the transaction ends. Raises LookupError."""
    row = await connection.fetchrow(LOCK_APPLICATION, application)
    if row is None:
        raise LookupError(f"no application {application}")
    return row["version"], row["withdrawn"]


async def append(connection: Connection, version: EntryVersion, receipt: Receipt) -> None:
    """Stores a version with its signed receipt."""
    await connection.execute(
        INSERT_VERSION,
        version.identifier,
        version.version,
        version.received_at,
        version.nonce,
        version.payload_hash,
        version.facts,
        receipt.withdrawn,
        receipt.key_id,
        receipt.signature,
        version.contested,
        version.restated,
        version.identity,
        version.arrived_at,
    )
    await connection.execute(SET_VERSION, version.identifier, version.version, version.payload_hash, receipt.withdrawn)


async def set_contact(connection: Connection, party: str, contact: ContactDetails, changed_at: datetime) -> None:
    """Stores a contact. `changed_at`: as in the event, so that reading the event again changes nothing."""
    await connection.execute(
        SET_CONTACT, party, contact.name, contact.email, contact.phone, contact.language, changed_at
    )


async def contact(connection: Connection, party: str) -> ContactDetails | None:
    row = await connection.fetchrow(CONTACT, party)
    return ContactDetails(row["name"], row["email"], row["phone"], row["language"]) if row else None


async def receipts(connection: Connection, application: str) -> list[Receipt]:
    """Every version's receipt as signed, oldest first."""
    return [
        Receipt(**row | {"identity": row["identity"] and IdentityLevel(row["identity"])})
        for row in map(dict, await connection.fetch(RECEIPTS, application))
    ]


async def bucket_leaves(connection: Connection, round_id: str, bucket: int) -> list[tuple[str, int, str]]:
    """The leaves of one bucket of a round's manifest, in order of id."""
    return sorted(tuple(row) for row in await connection.fetch(BUCKET_LEAVES, round_id, bucket))

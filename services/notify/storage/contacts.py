"""Whom notices reach: contacts of applicants, people at institutions, webhooks. They all come from contacts.v1."""

from collections.abc import Iterable
from datetime import datetime

from services.notify.domain.notices import NotificationContacts
from services.notify.storage import disowning
from services.notify.storage.newest import newest
from shared.contracts.events import ContactChanged, WebhookChanged
from shared.service.postgres import Connection, columns

# The time of an erased contact or ended webhook is kept, so that a late copy does not restore it.
SAVE_CONTACTS = """
INSERT INTO contacts (party, name, email, language, institution, network, address, since, changed_at)
SELECT party, name, email, language, institution, network, keyed_address(email), changed_at, changed_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[])
    AS changed(party, name, email, language, changed_at, institution, network)
ON CONFLICT (party) DO UPDATE SET name = excluded.name, email = excluded.email, language = excluded.language,
    institution = excluded.institution, network = excluded.network, address = excluded.address,
    since = coalesce(contacts.since, excluded.since), changed_at = excluded.changed_at
WHERE contacts.changed_at IS NULL OR contacts.changed_at < excluded.changed_at
"""
# A disowned address stays suppressed: otherwise whoever entered it could lift that by erasing the contact.
ERASE_CONTACT = """
WITH freed AS (
    DELETE FROM suppressions USING contacts
    WHERE party = $1 AND suppressions.address = keyed_address(email)
      AND reason <> 'not-me'
      AND NOT EXISTS (SELECT FROM contacts other WHERE lower(other.email) = lower(contacts.email)
                      AND other.party <> contacts.party)),
unlinked AS (DELETE FROM disowning_links WHERE party = $1)
INSERT INTO contacts (party) VALUES ($1)
ON CONFLICT (party) DO UPDATE SET name = NULL, email = NULL, language = NULL, institution = NULL, network = NULL,
    address = NULL
"""
SAVE_WEBHOOK = """
INSERT INTO webhooks (institution, url, secret, secret_before, before_until, changed_at, since)
VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (institution) DO UPDATE SET url = excluded.url, secret = excluded.secret,
    secret_before = excluded.secret_before, before_until = excluded.before_until, changed_at = excluded.changed_at,
    since = CASE WHEN webhooks.url IS NULL THEN excluded.since ELSE webhooks.since END
WHERE webhooks.changed_at < excluded.changed_at
"""
END_WEBHOOK = "UPDATE webhooks SET url = NULL, secret = NULL, secret_before = NULL WHERE institution = $1"
PEOPLE = "SELECT institution, party, since FROM contacts WHERE institution = ANY($1::text[]) AND email IS NOT NULL"
WEBHOOKS = "SELECT institution, since FROM webhooks WHERE institution = ANY($1::text[]) AND url IS NOT NULL"


async def save_contacts(connection: Connection, contacts: Iterable[ContactChanged]) -> None:
    """Stores the newest state of each contact, and issues *this was not me* links for those of applicants."""
    changes = [
        {
            "party": contact.party,
            "name": contact.name,
            "email": contact.email,
            "language": contact.language.value,
            "changed_at": contact.changed_at,
            "institution": contact.institution,
            "network": contact.network,
        }
        for contact in contacts
    ]
    if changes:
        rows = newest(changes, "party", lambda row: row["changed_at"])
        await connection.execute(SAVE_CONTACTS, *columns(rows))
        await disowning.issue(
            connection, [(str(row["party"]), str(row["email"])) for row in rows if row["institution"] is None]
        )


async def erase_contact(connection: Connection, party: str) -> None:
    """Deletes a contact's data, its links, and the suppression of its address unless it was disowned or is shared."""
    await connection.execute(ERASE_CONTACT, party)


async def save_webhook(connection: Connection, changed: WebhookChanged) -> None:
    """Stores a webhook, unless a newer change is stored."""
    await connection.execute(
        SAVE_WEBHOOK,
        changed.institution,
        changed.url,
        changed.secret,
        changed.secret_before,
        changed.before_until,
        changed.changed_at,
    )


async def end_webhook(connection: Connection, institution: str) -> None:
    """Removes the webhook's address and secrets."""
    await connection.execute(END_WEBHOOK, institution)


async def notification_contacts(connection: Connection, institutions: Iterable[str]) -> dict[str, NotificationContacts]:
    """By institution; those that have only their outbox are left out."""
    codes = sorted(set(institutions))
    if not codes:
        return {}
    people: dict[str, dict[str, datetime]] = {}
    for row in await connection.fetch(PEOPLE, codes):
        people.setdefault(row["institution"], {})[row["party"]] = row["since"]
    webhooks = {row["institution"]: row["since"] for row in await connection.fetch(WEBHOOKS, codes)}
    return {
        code: NotificationContacts(people.get(code, {}), webhooks.get(code)) for code in people.keys() | webhooks.keys()
    }

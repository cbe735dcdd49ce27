"""Notification contacts of institutions: people and webhooks."""

from collections.abc import Sequence
from datetime import datetime

from services.intake.domain.notification_contacts import Person, Webhook
from services.intake.domain.submissions import ContactDetails
from shared.service.postgres import Connection

PEOPLE = """
SELECT party::text, name, email, phone, language FROM contacts WHERE institution = $1 ORDER BY email, party
"""
SET_PERSON = """
INSERT INTO contacts (party, name, email, phone, language, institution, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (party) DO UPDATE SET name = excluded.name, email = excluded.email, phone = excluded.phone,
    language = excluded.language, changed_at = excluded.changed_at
"""
WEBHOOK = "SELECT url, secret, secret_before, before_until FROM webhooks WHERE institution = $1"
SET_WEBHOOK = """
INSERT INTO webhooks (institution, url, secret, secret_before, before_until, changed_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (institution) DO UPDATE SET url = excluded.url, secret = excluded.secret,
    secret_before = excluded.secret_before, before_until = excluded.before_until, changed_at = excluded.changed_at
"""
END_WEBHOOK = "DELETE FROM webhooks WHERE institution = $1 RETURNING institution"


async def people(connection: Connection, institution: str) -> list[Person]:
    return [
        Person(row["party"], ContactDetails(row["name"], row["email"], row["phone"], row["language"]))
        for row in await connection.fetch(PEOPLE, institution)
    ]


async def set_people(connection: Connection, institution: str, people: Sequence[Person], now: datetime) -> None:
    """Stores these people, new ones and changed ones; others stay."""
    rows = [
        (
            person.party,
            person.contact.name,
            person.contact.email,
            person.contact.phone,
            person.contact.language,
            institution,
            now,
        )
        for person in people
    ]
    await connection.executemany(SET_PERSON, rows)


async def webhook(connection: Connection, institution: str) -> Webhook | None:
    row = await connection.fetchrow(WEBHOOK, institution)
    return Webhook(**dict(row)) if row else None


async def set_webhook(connection: Connection, institution: str, webhook: Webhook, now: datetime) -> None:
    await connection.execute(
        SET_WEBHOOK, institution, webhook.url, webhook.secret, webhook.secret_before, webhook.before_until, now
    )


async def end_webhook(connection: Connection, institution: str) -> bool:
    """Deletes the webhook; False when there was none."""
    return await connection.fetchval(END_WEBHOOK, institution) is not None

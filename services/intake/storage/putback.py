"""Puts back what intake published and its database has lost; rounds are in `putback_rounds.py`.

A statement changes nothing where the row is newer, so that records may be read again in any order, while replicas work.
Functions return the number of rows changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.entries import EntryVersion
from shared.contracts.events import (
    AppealDecided,
    AppealFiled,
    ContactChanged,
    InstitutionChanged,
    InstitutionStatus,
    PurchaseRequestCancelled,
    RefusalReconsidered,
    SelectionGivenUp,
    WebhookChanged,
)
from shared.service.postgres import Connection, rows_changed

APPEAL_FILED = """
INSERT INTO appeals (appeal, round, application, result_epoch, grounds, filed_at)
SELECT $1, $2, application, $4, $5, $6 FROM applications WHERE application = $3 ON CONFLICT DO NOTHING
"""
APPEAL_DECIDED = """
UPDATE appeals SET decided_at = $2, upheld = $3, reason = $4 WHERE appeal = $1 AND decided_at IS NULL
"""
# A batch that names the subject may have been read earlier.
SET_FREE = """
INSERT INTO set_free (round, subject, cause, reason, freed_at) SELECT round, $2, $3, $4, $5 FROM rounds WHERE round = $1
ON CONFLICT (round, subject) DO UPDATE SET reason = excluded.reason, freed_at = excluded.freed_at
WHERE set_free.freed_at <> excluded.freed_at
"""
INSTITUTION = """
INSERT INTO institutions (institution, name, status, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (institution) DO UPDATE
SET name = excluded.name, status = excluded.status, changed_at = excluded.changed_at
WHERE institutions.changed_at < excluded.changed_at
"""
PLEDGES = """
INSERT INTO pledges (round, institution, won)
SELECT pledged.round, $1, pledged.won FROM unnest($2::text[], $3::bigint[]) AS pledged(round, won)
ON CONFLICT (round, institution) DO UPDATE SET won = excluded.won
WHERE pledges.won <> excluded.won AND EXISTS (SELECT FROM institutions WHERE institution = $1 AND changed_at = $4)
"""
INBOX = """
INSERT INTO inboxes (topic, institution, shard, registered_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
APPLICATIONS = """
INSERT INTO applications (application, round, party, business_number, product_key, token_hash, version, payload_hash)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[])
ON CONFLICT DO NOTHING
"""
VERSIONS = """
INSERT INTO application_versions
    (application, version, received_at, nonce, payload_hash, facts, withdrawn, contested, restated, identity,
     arrived_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::boolean[],
                     $8::boolean[], $9::boolean[], $10::text[], $11::timestamptz[])
ON CONFLICT DO NOTHING
"""
NEWEST_VERSIONS = """
UPDATE applications a SET version = v.version, payload_hash = v.payload_hash, withdrawn = v.withdrawn
FROM (
    SELECT DISTINCT ON (application) application, version, payload_hash, withdrawn FROM application_versions
    WHERE application = ANY($1::uuid[]) ORDER BY application, version DESC
) v
WHERE a.application = v.application AND a.version < v.version
"""
STALE = """
SELECT changed.party::text FROM unnest($1::uuid[], $2::timestamptz[]) AS changed(party, changed_at)
WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.party = changed.party AND c.changed_at >= changed.changed_at)
"""
# Only those of applicants and institutions: the topic has others, which intake does not store.
CONTACTS = """
INSERT INTO contacts (party, name, email, phone, language, institution, changed_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
    AS changed(party, name, email, phone, language, institution, changed_at)
WHERE institution IS NOT NULL OR EXISTS (SELECT FROM applications a WHERE a.party = changed.party)
ON CONFLICT (party) DO UPDATE SET name = excluded.name, email = excluded.email, phone = excluded.phone,
    language = excluded.language, changed_at = excluded.changed_at
WHERE contacts.changed_at < excluded.changed_at
"""
# Notified already, and erased at the freeze; erasing again after it does no harm.
FORGET_REFUSED = """
DELETE FROM refused USING unnest($1::text[], $2::timestamptz[]) AS told(round, refused_at)
WHERE refused.round = told.round AND received_at = refused_at
"""
INVITED_AGAIN = """
INSERT INTO invited (party, round) SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING
"""
WEBHOOKS = """
INSERT INTO webhooks (institution, url, secret, secret_before, before_until, changed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
ON CONFLICT (institution) DO UPDATE SET url = excluded.url, secret = excluded.secret,
    secret_before = excluded.secret_before, before_until = excluded.before_until, changed_at = excluded.changed_at
WHERE webhooks.changed_at < excluded.changed_at
"""
WEBHOOKS_ENDED = "DELETE FROM webhooks WHERE institution = ANY($1::text[])"
ERASED = "DELETE FROM contacts WHERE party::text = ANY($1::text[])"
REQUESTS = """
INSERT INTO purchase_requests
    (request, round, institution, version, payload_hash, facts, withdrawn, received_at, published)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::jsonb[], $7::boolean[],
                     $8::timestamptz[], $9::bytea[])
ON CONFLICT (request) DO UPDATE
SET version = excluded.version, withdrawn = excluded.withdrawn, received_at = excluded.received_at,
    published = excluded.published,
    payload_hash = CASE excluded.payload_hash WHEN '' THEN purchase_requests.payload_hash
                                              ELSE excluded.payload_hash END,
    facts = CASE excluded.payload_hash WHEN '' THEN purchase_requests.facts ELSE excluded.facts END
WHERE purchase_requests.version < excluded.version
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostApplication:
    """An application according to the earliest of its versions that was read, to be put back if it is missing."""

    application: str
    round: str
    party: str
    business_number: str
    product_key: str
    token_hash: str
    version: int
    payload_hash: str


@dataclass(frozen=True, slots=True)
class LostVersion:
    """A version of an application."""

    version: EntryVersion
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRequest:
    """The newest version of a purchase request that was read. A withdrawal's event has no facts and no payload hash."""

    request: str
    round: str
    institution: str
    version: int
    payload_hash: str
    facts: dict[str, Any]
    withdrawn: bool
    received_at: datetime
    published: bytes


async def set_free(connection: Connection, freed: SelectionGivenUp | PurchaseRequestCancelled) -> int:
    """A place that was given up, or a request that was cancelled."""
    if isinstance(freed, SelectionGivenUp):
        row = freed.round, freed.application, "given-up", freed.reason, freed.given_up_at
    else:
        row = freed.round, freed.request, "cancelled", freed.reason, freed.cancelled_at
    return await rows_changed(connection, SET_FREE, *row)


async def appeal_filed(connection: Connection, filed: AppealFiled) -> int:
    """An appeal without amended facts, which are not published before they become a version."""
    against = filed.result_epoch or 1
    row = filed.appeal, filed.round, filed.application, against, filed.grounds, filed.filed_at
    return await rows_changed(connection, APPEAL_FILED, *row)


async def appeal_decided(connection: Connection, decided: AppealDecided) -> int:
    row = decided.appeal, decided.decided_at, decided.upheld, decided.reason
    return await rows_changed(connection, APPEAL_DECIDED, *row)


async def institution(connection: Connection, changed: InstitutionChanged, inbox: str, shard: int) -> int:
    """An institution, and its inbox if it has been active. An outdated change only adds missing pledges."""
    code, moment = changed.institution, changed.changed_at
    rows = await rows_changed(connection, INSTITUTION, code, changed.name, changed.status.value, moment)
    pledged = [pledge.round for pledge in changed.pledges], [pledge.won for pledge in changed.pledges]
    rows += await rows_changed(connection, PLEDGES, code, *pledged, moment)
    if changed.status in {InstitutionStatus.INTERESTED, InstitutionStatus.AGREED}:
        return rows  # it may have no topics yet
    return rows + await rows_changed(connection, INBOX, inbox, code, shard, moment)


async def applications(connection: Connection, lost: Sequence[LostApplication], versions: Sequence[LostVersion]) -> int:
    """Applications and versions, in order of id like admission.

    A version may precede its application: the newest counts in the end.
    """
    lost = sorted(lost, key=lambda application: application.application)
    rows = await rows_changed(
        connection,
        APPLICATIONS,
        [application.application for application in lost],
        [application.round for application in lost],
        [application.party for application in lost],
        [application.business_number for application in lost],
        [application.product_key for application in lost],
        [application.token_hash for application in lost],
        [application.version for application in lost],
        [application.payload_hash for application in lost],
    )
    ordered = sorted(versions, key=lambda lost: (lost.version.identifier, lost.version.version))
    entry_versions = [lost.version for lost in ordered]
    rows += await rows_changed(
        connection,
        VERSIONS,
        [version.identifier for version in entry_versions],
        [version.version for version in entry_versions],
        [version.received_at for version in entry_versions],
        [version.nonce for version in entry_versions],
        [version.payload_hash for version in entry_versions],
        [version.facts for version in entry_versions],
        [lost.withdrawn for lost in ordered],
        [version.contested for version in entry_versions],
        [version.restated for version in entry_versions],
        [version.identity for version in entry_versions],
        [version.arrived_at for version in entry_versions],
    )
    return rows + await rows_changed(
        connection, NEWEST_VERSIONS, sorted({version.identifier for version in entry_versions})
    )


async def reconsidered(connection: Connection, reconsidered: Sequence[RefusalReconsidered]) -> None:
    """Puts back parties that were invited to return, so that they are erased in time."""
    rounds = [event.round for event in reconsidered]
    await connection.execute(FORGET_REFUSED, rounds, [event.refused_at for event in reconsidered])
    await connection.execute(INVITED_AGAIN, [event.party for event in reconsidered], rounds)


async def contacts(connection: Connection, changed: Sequence[ContactChanged], erased: Sequence[str]) -> int:
    """Contacts: `changed`, at most one of each party, are stored, those of `erased` parties deleted.

    Put back applications before.
    """
    rows = await rows_changed(connection, ERASED, list(erased))
    outdated = await connection.fetch(
        STALE, [contact.party for contact in changed], [contact.changed_at for contact in changed]
    )
    stale = {row["party"] for row in outdated}
    if not stale:
        return rows  # the usual case at a start: no need to look up who is an applicant
    changed = sorted((contact for contact in changed if contact.party in stale), key=lambda contact: contact.party)
    return rows + await rows_changed(
        connection,
        CONTACTS,
        [contact.party for contact in changed],
        [contact.name for contact in changed],
        [contact.email for contact in changed],
        [contact.phone for contact in changed],
        [contact.language.value for contact in changed],
        [contact.institution for contact in changed],
        [contact.changed_at for contact in changed],
    )


async def webhooks(connection: Connection, changed: Sequence[WebhookChanged], ended: Sequence[str]) -> int:
    """Webhooks. `ended`: codes of institutions without one."""
    rows = await rows_changed(connection, WEBHOOKS_ENDED, list(ended))
    if not changed:
        return rows
    changed = sorted(changed, key=lambda webhook: webhook.institution)
    return rows + await rows_changed(
        connection,
        WEBHOOKS,
        [webhook.institution for webhook in changed],
        [webhook.url for webhook in changed],
        [webhook.secret for webhook in changed],
        [webhook.secret_before for webhook in changed],
        [webhook.before_until for webhook in changed],
        [webhook.changed_at for webhook in changed],
    )


async def requests(connection: Connection, lost: Sequence[LostRequest]) -> int:
    """Requests, at most one version of each."""
    lost = sorted(lost, key=lambda request: request.request)
    return await rows_changed(
        connection,
        REQUESTS,
        [request.request for request in lost],
        [request.round for request in lost],
        [request.institution for request in lost],
        [request.version for request in lost],
        [request.payload_hash for request in lost],
        [request.facts for request in lost],
        [request.withdrawn for request in lost],
        [request.received_at for request in lost],
        [request.published for request in lost],
    )

"""Deliveries claimed for an attempt, each with all that its notice needs. The database's clock decides what is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notify.storage.deliveries import Delivery, delivery_of
from shared.contracts.events import Channel
from shared.service.postgres import Connection

_COMPLETE = """
SELECT d.delivery::text, d.round, d.kind, d.subject, d.occasion, d.recipient, d.channel, d.facts, d.traceparent,
    d.attempts, r.rehearsal, now() - d.taken_up_at AS tried_for, d.created_at, c.name, c.email, c.language,
    c.institution, s.address IS NOT NULL AS suppressed, l.link::text AS disowning, w.url, w.secret,
    CASE WHEN w.before_until > now() THEN w.secret_before END AS secret_before,
    r.title_ko, r.title_en, r.notices, a.product, CASE WHEN 'verdict' = ANY (d.needs) THEN v.findings END AS findings,
    CASE WHEN 'verdict' = ANY (d.needs) THEN v.changes END AS changes, d.digest::text,
    EXISTS (SELECT FROM deliveries g WHERE g.digest = d.delivery AND g.state = 'gathered') AS gathers,
    notice_tag(d.delivery) AS tag, {taken} AS taken
FROM {which} d
LEFT JOIN rounds r ON r.round = d.round
LEFT JOIN contacts c ON c.party = d.recipient
LEFT JOIN suppressions s ON s.address = c.address
LEFT JOIN disowning_links l ON l.party = d.recipient AND l.address = c.address
LEFT JOIN webhooks w ON w.institution = d.recipient AND d.channel = 'webhook'
LEFT JOIN applications a ON a.application = d.subject
LEFT JOIN verdicts v ON v.application = d.subject
{where}
ORDER BY d.created_at, d.delivery
"""
# Of an attempt that was left it is known that it did not begin, or was taken; or else it is a doubt. What was taken
# comes without another attempt: its outcome alone is missing. Of notices to outbox topics nothing is noted, so
# each that was claimed is a doubt.
CLAIM = f"""
WITH due AS (
    SELECT delivery, (SELECT stage FROM under_way u WHERE u.delivery = d.delivery AND d.started_at IS NOT NULL) AS stage
    FROM deliveries d WHERE state = 'pending' AND channel = $1 AND due_at <= now()
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED),
entered AS (
    INSERT INTO under_way SELECT delivery FROM due WHERE stage IS DISTINCT FROM 'taken' AND $1 IN ('mail', 'webhook')
    ON CONFLICT (delivery) DO UPDATE SET stage = excluded.stage),
claimed AS (
    UPDATE deliveries d SET attempts = attempts + (coalesce(due.stage, 'begun') = 'begun')::int,
        doubts = doubts + (started_at IS NOT NULL AND coalesce(due.stage, 'begun') = 'begun')::int,
        started_at = now(), claimed_by = $3, due_at = now() + $4
    FROM due WHERE d.delivery = due.delivery RETURNING d.*, coalesce(due.stage = 'taken', false) AS taken)
{_COMPLETE.format(which="claimed", where="", taken="d.taken")}"""  # noqa: S608 -- no value of anybody's
GATHERED_WITH = _COMPLETE.format(
    which="deliveries", where="WHERE d.digest = ANY ($1::uuid[]) AND d.state = 'gathered'", taken="false"
)
# A restarted replica makes due at once what it held before: no live process shares its name.
RESUME = """
UPDATE deliveries SET due_at = now()
WHERE claimed_by = $1 AND channel = $2 AND state = 'pending' AND started_at IS NOT NULL AND due_at > now()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whom a mail is for, as of the claim. `institution`: whose contact it is; None for applicants."""

    name: str
    email: str
    language: str
    institution: str | None = None
    suppressed: bool = False
    disowning: str | None = None
    """The random id of its *this was not me* link; None for people at institutions."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes, as of the claim. It is signed with each of `secrets`."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery whose attempt begins, with all that its notice states. `addressee` is None if no contact is known.

    `notices` are the words of the round's policy, by name and language.
    """

    delivery: Delivery
    tried_for: timedelta
    addressee: Addressee | None
    round_title: dict[str, str]
    product: str | None
    findings: Sequence[Any] | None
    changes: Sequence[Any] | None = None
    notices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    target: Target | None = None
    """Set for webhooks; None if the institution has ended its webhook."""
    created_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When the delivery was created (real time)."""
    gathers: bool = False
    """Whether other deliveries are sent in its message, and settled with it."""
    gathered: "Sequence[Claimed]" = ()
    """Those deliveries, for a mail to an applicant; a digest has them in its own facts."""
    tag: str = ""
    """The secret in its envelope sender, which proves that a returned mail is genuine."""
    taken: bool = False
    """Whether its receiver has it, from an attempt whose outcome was not recorded."""


async def claim(connection: Connection, channel: Channel, limit: int, replica: str, lease: timedelta) -> list[Claimed]:
    """Claims due deliveries for the length of the lease; nobody else gets them meanwhile."""
    return [_claimed(row) for row in await connection.fetch(CLAIM, channel.value, limit, replica, lease)]


async def gathered_with(connection: Connection, claimed: Sequence[str]) -> dict[str, list[Claimed]]:
    """By id, the deliveries gathered into the message of each of these."""
    by_digest: dict[str, list[Claimed]] = {}
    for row in await connection.fetch(GATHERED_WITH, list(claimed)):
        by_digest.setdefault(row["digest"], []).append(_claimed(row))
    return by_digest


async def resume(connection: Connection, replica: str, channel: Channel) -> None:
    """Makes due what this replica had claimed before it restarted."""
    await connection.execute(RESUME, replica, channel.value)


def _claimed(row: Any) -> Claimed:
    return Claimed(
        delivery=delivery_of(row),
        tried_for=row["tried_for"],
        addressee=_addressee(row),
        round_title={"ko": row["title_ko"], "en": row["title_en"]} if row["title_ko"] else {},
        product=row["product"],
        findings=row["findings"],
        changes=row["changes"],
        notices=row["notices"] or {},
        target=_target(row),
        created_at=row["created_at"],
        gathers=row["gathers"],
        tag=row["tag"],
        taken=row["taken"],
    )


def _addressee(row: Any) -> Addressee | None:
    if not row["email"]:
        return None
    return Addressee(
        name=row["name"],
        email=row["email"],
        language=row["language"],
        institution=row["institution"],
        suppressed=row["suppressed"],
        disowning=row["disowning"],
    )


def _target(row: Any) -> Target | None:
    if row["url"] is None:
        return None
    return Target(row["url"], tuple(secret for secret in (row["secret"], row["secret_before"]) if secret))

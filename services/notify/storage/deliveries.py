"""What is owed to whom and what became of it. One clock decides what is due and leased: the database's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notify.domain.attempts import Settlement, State
from services.notify.domain.notices import Planned
from shared.clock import TimeMap, time_map
from shared.contracts.events import Channel, NoticeDelivered, NoticeFailed, Rehearsal
from shared.service.postgres import Connection, rows_changed

INSERT = """
INSERT INTO deliveries
    (delivery, round, kind, subject, occasion, recipient, channel, facts, needs, traceparent, patient, state,
     taken_up_at)
SELECT delivery, round, kind, subject, occasion, recipient, channel, facts, string_to_array(needs, ' '), traceparent,
       patient, CASE needs WHEN '' THEN 'pending' ELSE 'waiting' END, CASE needs WHEN '' THEN now() END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[],
            $9::text[], $10::text[], $11::bool[])
     AS due(delivery, round, kind, subject, occasion, recipient, channel, facts, needs, traceparent, patient)
ON CONFLICT DO NOTHING
"""
# Mails to applicants are taken up by `rates`.
TAKE_UP = """
WITH ready AS (
    SELECT delivery FROM deliveries d WHERE state = 'waiting' AND 'digest' <> ALL (needs)
    AND ('contact' <> ALL (needs) OR EXISTS (
        SELECT FROM contacts c WHERE c.party = d.recipient AND c.email IS NOT NULL AND c.institution IS NOT NULL))
    AND ('round' <> ALL (needs) OR EXISTS (SELECT FROM rounds r WHERE r.round = d.round))
    AND ('application' <> ALL (needs) OR EXISTS (SELECT FROM applications a WHERE a.application = d.subject))
    AND ('verdict' <> ALL (needs) OR EXISTS (
        SELECT FROM verdicts v JOIN applications a USING (application)
        WHERE v.application = d.subject AND v.version >= a.version))
    LIMIT $1 FOR UPDATE OF d SKIP LOCKED)
UPDATE deliveries d SET state = 'pending', due_at = now(), taken_up_at = now()
FROM ready WHERE d.delivery = ready.delivery
"""
# Not those of an attempt under way: what comes of that is seen first.
# What can wait is put off to the end of the quiet hours, and its time of being tried begins there. Rehearsals run by
# other clocks.
PUT_OFF = """
UPDATE deliveries d SET due_at = $2, taken_up_at = CASE attempts WHEN 0 THEN $2 ELSE taken_up_at END
WHERE state = 'pending' AND channel = $1 AND patient AND due_at <= now() AND started_at IS NULL
  AND NOT EXISTS (SELECT FROM rounds r WHERE r.round = d.round AND r.rehearsal IS NOT NULL)
"""
_COMPLETE = """
SELECT d.delivery::text, d.round, d.kind, d.subject, d.occasion, d.recipient, d.channel, d.facts, d.traceparent,
    d.attempts, r.rehearsal, now() - d.taken_up_at AS tried_for, d.created_at, c.name, c.email, c.language,
    c.institution, s.address IS NOT NULL AS suppressed, l.link::text AS disowning, w.url, w.secret,
    CASE WHEN w.before_until > now() THEN w.secret_before END AS secret_before,
    r.title_ko, r.title_en, r.notices, a.product, CASE WHEN 'verdict' = ANY (d.needs) THEN v.findings END AS findings,
    CASE WHEN 'verdict' = ANY (d.needs) THEN v.changes END AS changes, d.digest::text,
    EXISTS (SELECT FROM deliveries g WHERE g.digest = d.delivery AND g.state = 'gathered') AS gathers,
    notice_tag(d.delivery) AS tag
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
CLAIM = f"""
WITH due AS (
    SELECT delivery FROM deliveries WHERE state = 'pending' AND channel = $1 AND due_at <= now()
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED),
claimed AS (
    UPDATE deliveries d SET attempts = attempts + 1, doubts = doubts + (started_at IS NOT NULL)::int,
        started_at = now(), claimed_by = $3, due_at = now() + $4
    FROM due WHERE d.delivery = due.delivery RETURNING d.*)
{_COMPLETE.format(which="claimed", where="")}"""  # noqa: S608 -- no value of anybody's
SAID_WITH = _COMPLETE.format(which="deliveries", where="WHERE d.digest = ANY ($1::uuid[]) AND d.state = 'gathered'")
# Of what was announced: this database has lost it, or that it was settled. One that failed and is tried again goes on.
SETTLE_TOLD = """
INSERT INTO deliveries (delivery, round, kind, subject, occasion, recipient, channel, facts, needs, state, attempts,
    error, taken_up_at, settled_at)
SELECT delivery, round, kind, subject, occasion, recipient, channel, '{}', '{}', state, attempts, error, now(), now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[],
            $10::text[])
     AS told(delivery, round, kind, subject, occasion, recipient, channel, state, attempts, error)
WHERE NOT EXISTS (SELECT FROM deliveries d WHERE d.delivery = told.delivery
    AND (d.state IN ('sent', 'failed') OR (told.state = 'failed' AND d.attempts >= told.attempts)))
ORDER BY delivery
ON CONFLICT (delivery) DO UPDATE SET state = excluded.state, error = excluded.error,
    attempts = greatest(deliveries.attempts, excluded.attempts), settled_at = excluded.settled_at, started_at = NULL
WHERE deliveries.state NOT IN ('sent', 'failed')
"""
SETTLE = """
UPDATE deliveries d SET state = o.state, error = o.error, due_at = now() + o.pause,
    doubts = doubts + o.in_doubt::int, attempts = d.attempts - (NOT o.counts)::int, started_at = NULL,
    settled_at = CASE WHEN o.state = 'pending' THEN NULL ELSE now() END,
    facts = CASE WHEN o.state <> 'pending' AND d.kind = 'new-token' THEN '{}' ELSE d.facts END
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::interval[], $6::bool[], $7::bool[])
     AS o(delivery, attempt, state, error, pause, in_doubt, counts)
WHERE d.delivery = o.delivery AND d.state = 'pending' AND (o.state = 'sent' OR d.attempts = o.attempt)
RETURNING d.delivery::text
"""
# A replica that starts again takes up at once what it held when it ended: no live process shares its slot.
RESUME = """
UPDATE deliveries SET due_at = now()
WHERE claimed_by = $1 AND channel = $2 AND state = 'pending' AND started_at IS NOT NULL AND due_at > now()
"""
COUNTS = """
SELECT kind, channel, state, count(*) AS deliveries, count(*) FILTER (WHERE doubts > 0) AS doubtful
FROM deliveries WHERE round = $1 GROUP BY kind, channel, state ORDER BY kind, channel, state
"""
UNSPREAD = "SELECT count(*) FROM turns WHERE round = $1 AND NOT spread"
AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it is announced; `recipient` is a party's id or an institution's code, never an address."""

    id: str
    round: str | None
    kind: str
    subject: str
    occasion: str
    recipient: str
    channel: Channel
    facts: Any
    traceparent: str | None
    attempts: int
    time_map: TimeMap


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a mail is for, as of the claim. `institution`: whose desk it is; None of an applicant."""

    name: str
    email: str
    language: str
    institution: str | None = None
    suppressed: bool = False
    disowning: str | None = None
    """What its *this was not me* is named by; None of somebody at an institution."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes, as of the claim. Each of `secrets` signs it."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery whose attempt begins, with what else its notice says. `addressee` is None where none is known now.

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
    """Of a webhook; None where the institution has none any more."""
    created_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When it became due to somebody (real time)."""
    gathers: bool = False
    """Whether others are said with it, and settled as it is."""
    said: "Sequence[Claimed]" = ()
    """Those, of a mail to an applicant; what a digest says is in its own facts."""
    tag: str = ""
    """What proves a return of its mail."""


@dataclass(frozen=True, slots=True)
class Count:
    kind: str
    channel: str
    state: State
    deliveries: int
    doubtful: int


async def insert(connection: Connection, deliveries: Sequence[tuple[str, Planned]]) -> None:
    """(id, what is due); one that stands already is left as it is."""
    rows = [
        (
            identifier,
            due.round,
            due.kind,
            due.subject,
            due.occasion,
            due.recipient,
            due.channel.value,
            due.facts,
            " ".join(due.needs),
            due.traceparent,
            due.patient,
        )
        for identifier, due in sorted(deliveries, key=lambda pair: pair[0])
    ]
    if rows:
        await connection.execute(INSERT, *zip(*rows, strict=True))


async def take_up(connection: Connection) -> int:
    """Makes due what waited for something that has come; how many."""
    return await rows_changed(connection, TAKE_UP, AT_ONCE)


async def put_off(connection: Connection, channel: Channel, until: datetime) -> int:
    """Lets what can wait wait for the end of the quiet hours; how many."""
    return await rows_changed(connection, PUT_OFF, channel.value, until)


async def claim(connection: Connection, channel: Channel, limit: int, replica: str, lease: timedelta) -> list[Claimed]:
    """Takes what is due for the length of the lease; nobody else gets it meanwhile."""
    return [_claimed(row) for row in await connection.fetch(CLAIM, channel.value, limit, replica, lease)]


async def said_with(connection: Connection, claimed: Sequence[str]) -> dict[str, list[Claimed]]:
    """What each of them says beside itself."""
    by_digest: dict[str, list[Claimed]] = {}
    for row in await connection.fetch(SAID_WITH, list(claimed)):
        by_digest.setdefault(row["digest"], []).append(_claimed(row))
    return by_digest


def _claimed(row: Any) -> Claimed:
    return Claimed(
        delivery_of(row),
        row["tried_for"],
        _addressee(row),
        {"ko": row["title_ko"], "en": row["title_en"]} if row["title_ko"] else {},
        row["product"],
        row["findings"],
        row["changes"],
        row["notices"] or {},
        _target(row),
        row["created_at"],
        row["gathers"],
        tag=row["tag"],
    )


def _addressee(row: Any) -> Addressee | None:
    if not row["email"]:
        return None
    return Addressee(
        row["name"], row["email"], row["language"], row["institution"], row["suppressed"], row["disowning"]
    )


def _target(row: Any) -> Target | None:
    if row["url"] is None:
        return None
    return Target(row["url"], tuple(secret for secret in (row["secret"], row["secret_before"]) if secret))


async def settle(connection: Connection, settled: Sequence[tuple[Delivery, Settlement]]) -> set[str]:
    """Records what attempts came to, and returns the ids it was recorded for.

    A failure counts only while the attempt is the newest one; a success always, until something is final.
    """
    rows = [
        (
            delivery.id,
            delivery.attempts,
            settlement.state.value,
            settlement.error,
            settlement.pause,
            settlement.in_doubt,
            settlement.counts,
        )
        for delivery, settlement in sorted(settled, key=lambda pair: pair[0].id)
    ]
    return {row["delivery"] for row in await connection.fetch(SETTLE, *zip(*rows, strict=True))}


async def settle_told(connection: Connection, announced: Sequence[NoticeDelivered | NoticeFailed]) -> int:
    """The newest announcement of each, of those this database does not know to be settled; how many."""
    newest = {event.delivery: event for event in announced}
    rows = [
        (
            event.delivery,
            event.round,
            event.kind,
            event.subject,
            event.occasion,
            event.recipient,
            event.channel.value,
            (State.SENT if isinstance(event, NoticeDelivered) else State.FAILED).value,
            event.attempts,
            None if isinstance(event, NoticeDelivered) else event.error,
        )
        for event in newest.values()
    ]
    return await rows_changed(connection, SETTLE_TOLD, *zip(*rows, strict=True)) if rows else 0


async def resume(connection: Connection, replica: str, channel: Channel) -> None:
    await connection.execute(RESUME, replica, channel.value)


async def counts(connection: Connection, round_id: str) -> tuple[list[Count], int]:
    """By kind, channel and state; and the turns that are not spread to institutions yet."""
    rows = await connection.fetch(COUNTS, round_id)
    unspread: int = await connection.fetchval(UNSPREAD, round_id)
    return [
        Count(row["kind"], row["channel"], State(row["state"]), row["deliveries"], row["doubtful"]) for row in rows
    ], unspread


def delivery_of(row: Any) -> Delivery:
    """Of a row with all that is announced, and with the round's `rehearsal`."""
    return Delivery(
        row["delivery"],
        row["round"],
        row["kind"],
        row["subject"],
        row["occasion"],
        row["recipient"],
        Channel(row["channel"]),
        row["facts"],
        row["traceparent"],
        row["attempts"],
        round_time(row["rehearsal"]),
    )


def round_time(rehearsal: Any) -> TimeMap:
    return time_map(Rehearsal.model_validate(rehearsal) if rehearsal else None)

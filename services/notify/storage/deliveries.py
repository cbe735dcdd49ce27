"""What is owed to whom and what became of it. One clock decides what is due and leased: the database's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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
# Of what was announced: this database has lost it, or that it was settled. One that failed and is tried again goes on.
SETTLE_ANNOUNCED = """
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
COUNTS = """
SELECT kind, channel, state, count(*) AS deliveries, count(*) FILTER (WHERE doubts > 0) AS doubtful
FROM deliveries WHERE round = $1 GROUP BY kind, channel, state ORDER BY kind, channel, state
"""
UNSPREAD = "SELECT count(*) FROM turns WHERE round = $1 AND NOT spread"
AT_ONCE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
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


async def settle_announced(connection: Connection, announced: Sequence[NoticeDelivered | NoticeFailed]) -> int:
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
    return await rows_changed(connection, SETTLE_ANNOUNCED, *zip(*rows, strict=True)) if rows else 0


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
        id=row["delivery"],
        round=row["round"],
        kind=row["kind"],
        subject=row["subject"],
        occasion=row["occasion"],
        recipient=row["recipient"],
        channel=Channel(row["channel"]),
        facts=row["facts"],
        traceparent=row["traceparent"],
        attempts=row["attempts"],
        time_map=round_time(row["rehearsal"]),
    )


def round_time(rehearsal: Any) -> TimeMap:
    return time_map(Rehearsal.model_validate(rehearsal) if rehearsal else None)

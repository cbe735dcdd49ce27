"""Deliveries: what is owed to whom, and its outcome. The database's clock decides what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notify.domain.attempts import Settlement, State
from services.notify.domain.notices import Planned
from shared.clock import TimeMap, time_map
from shared.contracts.events import Channel, NoticeDelivered, NoticeFailed, Rehearsal
from shared.service.postgres import Connection, columns, rows_changed

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
# Without mails to applicants, which `rates` makes due.
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
# Patient deliveries wait for the end of the quiet hours, and their retry horizon begins there. Excluded are those with
# an attempt under way, whose outcome comes first, and those of rehearsals, which run by other clocks.
PUT_OFF = """
UPDATE deliveries d SET due_at = $2, taken_up_at = CASE attempts WHEN 0 THEN $2 ELSE taken_up_at END
WHERE state = 'pending' AND channel = $1 AND patient AND due_at <= now() AND started_at IS NULL
  AND NOT EXISTS (SELECT FROM rounds r WHERE r.round = d.round AND r.rehearsal IS NOT NULL)
"""
# Settles announced deliveries that this database does not know, or not as settled. A failed one under retry goes on.
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
WITH over AS (DELETE FROM under_way WHERE delivery = ANY ($1::uuid[]))
UPDATE deliveries d SET state = o.state, error = o.error, due_at = now() + o.pause,
    doubts = doubts + o.in_doubt::int, attempts = d.attempts - (NOT o.counts)::int, started_at = NULL,
    settled_at = CASE WHEN o.state = 'pending' THEN NULL ELSE now() END,
    facts = CASE WHEN o.state <> 'pending' AND d.kind = 'new-token' THEN '{}' ELSE d.facts END
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::interval[], $6::bool[], $7::bool[])
     AS o(delivery, attempt, state, error, pause, in_doubt, counts)
WHERE d.delivery = o.delivery AND d.state = 'pending' AND (o.state = 'sent' OR d.attempts = o.attempt)
RETURNING d.delivery::text, extract(epoch FROM now() - coalesce(d.taken_up_at, d.created_at))::float8 AS seconds
"""
COUNTS = """
SELECT kind, channel, state, count(*) AS deliveries, count(*) FILTER (WHERE doubts > 0) AS doubtful
FROM deliveries WHERE round = $1 GROUP BY kind, channel, state ORDER BY kind, channel, state
"""
UNSPREAD = "SELECT count(*) FROM turns WHERE round = $1 AND NOT spread"
AT_ONCE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as events announce it. `recipient` is a party's id or an institution's code, never an address."""

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
    """How many deliveries of a round are in one state."""

    kind: str
    channel: str
    state: State
    deliveries: int
    doubtful: int


async def insert(connection: Connection, deliveries: Sequence[tuple[str, Planned]]) -> None:
    """Inserts (id, delivery) pairs; a delivery that exists already is left as it is."""
    rows = [
        {
            "delivery": identifier,
            "round": due.round,
            "kind": due.kind,
            "subject": due.subject,
            "occasion": due.occasion,
            "recipient": due.recipient,
            "channel": due.channel.value,
            "facts": due.facts,
            "needs": " ".join(due.needs),
            "traceparent": due.traceparent,
            "patient": due.patient,
        }
        for identifier, due in sorted(deliveries, key=lambda pair: pair[0])
    ]
    if rows:
        await connection.execute(INSERT, *columns(rows))


async def take_up(connection: Connection) -> int:
    """Makes due the deliveries whose needs are met; returns how many."""
    return await rows_changed(connection, TAKE_UP, AT_ONCE)


async def put_off(connection: Connection, channel: Channel, until: datetime) -> int:
    """Puts patient deliveries off until the end of the quiet hours; returns how many."""
    return await rows_changed(connection, PUT_OFF, channel.value, until)


async def settle(connection: Connection, settled: Sequence[tuple[Delivery, Settlement]]) -> dict[str, float]:
    """Records outcomes of attempts; returns the ids of the deliveries that changed, and for how many seconds each was
    owed.

    A failure counts only while its attempt is the newest; a success counts until the delivery is final.
    """
    rows = [
        {
            "delivery": delivery.id,
            "attempt": delivery.attempts,
            "state": settlement.state.value,
            "error": settlement.error,
            "pause": settlement.pause,
            "in_doubt": settlement.in_doubt,
            "counts": settlement.counts,
        }
        for delivery, settlement in sorted(settled, key=lambda pair: pair[0].id)
    ]
    return {row["delivery"]: row["seconds"] for row in await connection.fetch(SETTLE, *columns(rows))}


async def settle_announced(connection: Connection, announced: Sequence[NoticeDelivered | NoticeFailed]) -> int:
    """Settles deliveries as announced, unless the database knows them as settled already; returns how many."""
    newest = {event.delivery: event for event in announced}
    rows = [
        {
            "delivery": event.delivery,
            "round": event.round,
            "kind": event.kind,
            "subject": event.subject,
            "occasion": event.occasion,
            "recipient": event.recipient,
            "channel": event.channel.value,
            "state": (State.SENT if isinstance(event, NoticeDelivered) else State.FAILED).value,
            "attempts": event.attempts,
            "error": None if isinstance(event, NoticeDelivered) else event.error,
        }
        for event in newest.values()
    ]
    return await rows_changed(connection, SETTLE_ANNOUNCED, *columns(rows)) if rows else 0


async def counts(connection: Connection, round_id: str) -> tuple[list[Count], int]:
    """Counts by kind, channel and state; and the number of lifecycle events not spread to institutions yet."""
    rows = await connection.fetch(COUNTS, round_id)
    unspread: int = await connection.fetchval(UNSPREAD, round_id)
    return [
        Count(row["kind"], row["channel"], State(row["state"]), row["deliveries"], row["doubtful"]) for row in rows
    ], unspread


def delivery_of(row: Any) -> Delivery:
    """The delivery of a row that has all announced columns and the round's `rehearsal`."""
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
    """The round's programme time; real time if it is no rehearsal."""
    return time_map(Rehearsal.model_validate(rehearsal) if rehearsal else None)

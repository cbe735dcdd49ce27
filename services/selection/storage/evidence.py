"""The records of a round's evidence, read row by row, since a round may have a million applications."""

from collections.abc import AsyncIterator, Mapping, Sequence, Set
from typing import Any, Final

from pydantic import TypeAdapter

from services.selection.domain.evidence import (
    Line,
    PublishedEvent,
    entry_record,
    opens,
    request_record,
    shown_entry,
)
from services.selection.domain.offers import Offer, offer_of
from services.selection.storage import drawn
from shared.contracts.facts import ApplicationFacts
from shared.programme.certificates import AcceptedKinds
from shared.proof.merkle import bucket_of
from shared.service.postgres import Connection, columns

_FACTS: Final = TypeAdapter(ApplicationFacts)
_PREFETCH: Final = 500
Record = dict[str, Any]
SAVE_PUBLISHED_EVENTS = """
INSERT INTO chronicle (round, event, type, body, appended_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[]) ON CONFLICT DO NOTHING
"""
PUBLISHED_EVENTS = "SELECT type, body FROM chronicle WHERE round = $1"
PROPOSED_EPOCHS = """
SELECT p.epoch, EXISTS (
    SELECT FROM confirmations c
    WHERE c.round = p.round AND c.epoch = p.epoch AND c.selection_root = p.body->>'selection_root') AS confirmed
FROM proposals p WHERE p.round = $1 ORDER BY p.epoch
"""
# Firms are numbered in an order that reveals nothing about their business numbers.
LINES = """
WITH firms AS (
    SELECT a.facts->'applicant'->>'business_number' AS number,
           row_number() OVER (ORDER BY min(e.application::text COLLATE "C")) AS firm
    FROM entries e JOIN applications a ON a.application = e.application AND a.version = e.version
    WHERE e.round = $1 AND e.epoch = $2 GROUP BY 1
)
SELECT e.application::text, e.version, a.payload_hash, a.nonce, a.facts, a.identity, v.epoch AS judged_in,
       v.findings_hash, v.findings, m.marks, e.outcome, e.tickets, e.score,
       coalesce(e.drawn_under, e.epoch) AS drawn_under, f.firm,
       r.position, r.key, r.result, r.reason, r.reserve_position, r.awards
FROM entries e
JOIN applications a ON a.application = e.application AND a.version = e.version
JOIN LATERAL (
    SELECT epoch, findings_hash, findings FROM verdicts v
    WHERE v.application = e.application AND v.version = e.version AND v.epoch <= e.epoch ORDER BY epoch DESC LIMIT 1
) v ON true
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(reviewer, version, points, conflict_of_interest)
                     ORDER BY reviewer COLLATE "C") AS marks
    FROM marks m WHERE m.application = e.application AND m.round = e.round
) m ON true
JOIN firms f ON f.number = a.facts->'applicant'->>'business_number'
JOIN results r ON r.round = e.round AND r.epoch = e.epoch AND r.application = e.application
WHERE e.round = $1 AND e.epoch = $2
ORDER BY get_byte(sha256(convert_to(e.application::text, 'UTF8')), 0), e.application
"""
# The committed entries alone, in the order of LINES: a proposal needs them before it has results. The only join is by
# primary key, so no plan is slow on tables with old statistics.
SHOWN = """
WITH stated AS (
    SELECT e.application, a.identity,
           a.facts->'applicant'->>'name' AS applicant, a.facts->'product'->>'name' AS product,
           min(e.application::text COLLATE "C") OVER (PARTITION BY a.facts->'applicant'->>'business_number') AS first
    FROM entries e JOIN applications a ON a.application = e.application AND a.version = e.version
    WHERE e.round = $1 AND e.epoch = $2
)
SELECT application::text, dense_rank() OVER (ORDER BY first COLLATE "C") AS firm, identity, applicant, product
FROM stated
ORDER BY get_byte(sha256(convert_to(application::text, 'UTF8')), 0), stated.application
"""


async def save_published_events(connection: Connection, events: Sequence[Mapping[str, Any]]) -> None:
    """Stores rows of round, id, type, body and time of the append; known events are left as they are."""
    if events:
        await connection.execute(SAVE_PUBLISHED_EVENTS, *columns(events))


async def published_events(connection: Connection, round_id: str) -> list[PublishedEvent]:
    """Every stored event of the round, in no particular order."""
    return [PublishedEvent(row["type"], row["body"]) for row in await connection.fetch(PUBLISHED_EVENTS, round_id)]


async def proposed_epochs(connection: Connection, round_id: str) -> dict[int, bool]:
    """By epoch with a proposal, whether officers confirmed it."""
    return {row["epoch"]: row["confirmed"] for row in await connection.fetch(PROPOSED_EPOCHS, round_id)}


def requests(committed: Sequence[Mapping[str, Any]]) -> list[tuple[Record, Record]]:
    """(record, confidential part) of each committed request, ordered by bucket and id, as in digests."""
    pairs = zip(committed, drawn.demands_of(committed), strict=True)
    return [
        (
            request_record(demand, request["version"], request["payload_hash"]),
            {"nonce": request.get("nonce"), "facts": request["facts"]},
        )
        for request, demand in sorted(pairs, key=lambda pair: (bucket_of(pair[1].request), pair[1].request))
    ]


async def entries(
    connection: Connection, round_id: str, epoch: int, accepted: AcceptedKinds
) -> AsyncIterator[tuple[Record, Record]]:
    """(record, confidential part) of each entry, ordered by bucket and id. Needs a transaction for its cursor."""
    async for row in connection.cursor(LINES, round_id, epoch, prefetch=_PREFETCH):
        facts = _FACTS.validate_python(row["facts"])
        line = Line(**dict(row))
        offer = offer_of(row["application"], facts.applicant.business_number, facts, accepted)
        yield entry_record(line, offer), opens(line)


async def shown_entries(
    connection: Connection, round_id: str, epoch: int, offers: Mapping[str, Offer], selected: Set[str]
) -> AsyncIterator[Record]:
    """What entries' records will show once `selected` is proposed, in the same order. Needs a transaction."""
    async for row in connection.cursor(SHOWN, round_id, epoch, prefetch=_PREFETCH):
        application = row["application"]
        names = (row["applicant"], row["product"]) if application in selected else None
        yield shown_entry(application, row["firm"], offers[application], row["identity"], names)

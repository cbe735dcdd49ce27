"""What the evidence of a round's result is made of, read row by row: a round may have a million applications."""

from collections.abc import AsyncIterator, Mapping, Sequence, Set
from datetime import datetime
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
from shared.service.postgres import Connection

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
# Firms are numbered so that nobody's business number can be guessed from it.
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
# Of the committed entries alone, as LINES has them: a proposal asks for it before it has results. The one join is by
# the primary key, so that no plan of it is slow on tables whose statistics are old.
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


async def save_published_events(connection: Connection, events: Sequence[tuple[str, str, str, Any, datetime]]) -> None:
    """(round, event id, type, body, the broker's stamp)."""
    if events:
        await connection.execute(SAVE_PUBLISHED_EVENTS, *zip(*events, strict=True))


async def published_events(connection: Connection, round_id: str) -> list[PublishedEvent]:
    return [PublishedEvent(row["type"], row["body"]) for row in await connection.fetch(PUBLISHED_EVENTS, round_id)]


async def proposed_epochs(connection: Connection, round_id: str) -> dict[int, bool]:
    """Of each epoch with a proposal, whether officers confirmed it."""
    return {row["epoch"]: row["confirmed"] for row in await connection.fetch(PROPOSED_EPOCHS, round_id)}


def requests(committed: Sequence[Mapping[str, Any]]) -> list[tuple[Record, Record]]:
    """Records of requests as they were committed, and what each opens, by bucket and id, as digests have them."""
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
    """Records, and what each opens, by bucket and id. Inside a transaction, which holds the cursor."""
    async for row in connection.cursor(LINES, round_id, epoch, prefetch=_PREFETCH):
        facts = _FACTS.validate_python(row["facts"])
        line = Line(**dict(row))
        offer = offer_of(row["application"], facts.applicant.business_number, facts, accepted)
        yield entry_record(line, offer), opens(line)


async def shown_entries(
    connection: Connection, round_id: str, epoch: int, offers: Mapping[str, Offer], selected: Set[str]
) -> AsyncIterator[Record]:
    """What records of entries will show once `selected` are proposed, in the same order. Inside a transaction."""
    async for row in connection.cursor(SHOWN, round_id, epoch, prefetch=_PREFETCH):
        application = row["application"]
        names = (row["applicant"], row["product"]) if application in selected else None
        yield shown_entry(application, row["firm"], offers[application], row["identity"], names)

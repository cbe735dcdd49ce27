"""Commitments and what is drawn from: entries, offers, pledges and requests as committed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from services.selection.domain.chances import Kind
from services.selection.domain.commitment import Entry
from services.selection.domain.offers import Demand, Offer, demand_of, offer_of
from shared.contracts.events import InputsCommitted
from shared.contracts.facts import ApplicationFacts, RequestFacts
from shared.contracts.findings import VerdictOutcome
from shared.programme.certificates import AcceptedKinds
from shared.service.postgres import Connection, streamed

_FACTS = TypeAdapter(ApplicationFacts)
_REQUEST = TypeAdapter(RequestFacts)
SAVE_COMMITMENT = """
INSERT INTO commitments (round, epoch, body, pledges, drawn_under, demands)
SELECT $1, $2, $3, $4, $5,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'request', request, 'institution', institution, 'facts', facts,
            'version', version, 'nonce', nonce, 'payload_hash', payload_hash)),
                        '[]') FROM requests WHERE round = $1 AND NOT withdrawn)
ON CONFLICT DO NOTHING RETURNING round
"""
COMMITMENTS = """
SELECT body FROM (
    SELECT epoch, body FROM commitments WHERE round = $1
    UNION ALL
    SELECT epoch, body FROM said WHERE round = $1 AND type = 'InputsCommitted'
      AND epoch NOT IN (SELECT epoch FROM commitments WHERE round = $1)
) known ORDER BY epoch
"""
ENTRIES = """
SELECT application::text, outcome, tickets, score, version, coalesce(drawn_under, epoch) AS drawn_under FROM entries
WHERE round = $1 AND epoch = $2
"""
DROP_COMMITMENT = "DELETE FROM commitments WHERE round = $1 AND epoch = $2"
DROP_ENTRIES = "DELETE FROM entries WHERE round = $1 AND epoch = $2"
# The kind of a firm is read from the findings of the judgement that its entry was committed on.
KINDS = """
SELECT e.application::text, e.tickets,
       v.findings @> '[{"rule": "startup", "outcome": "pass"}]' AS startup,
       v.findings @> '[{"rule": "first-timer", "outcome": "pass"}]' AS first_timer
FROM entries e JOIN LATERAL (
    SELECT findings FROM verdicts v
    WHERE v.application = e.application AND v.version = e.version AND v.epoch <= e.epoch ORDER BY epoch DESC LIMIT 1
) v ON true
WHERE e.round = $1 AND e.epoch = $2
"""
OFFERS = """
SELECT e.application::text, a.party::text, a.facts
FROM entries e JOIN applications a ON a.application = e.application AND a.version = e.version
WHERE e.round = $1 AND e.epoch = $2
"""
ENTRIES_WITHOUT_FACTS = """
SELECT e.application::text FROM entries e
LEFT JOIN applications a ON a.application = e.application AND a.version = e.version
WHERE e.round = $1 AND e.epoch = $2 AND a.application IS NULL
"""
COMMITTED = "SELECT pledges, demands FROM commitments WHERE round = $1 AND epoch = $2"
ENTRY_COLUMNS = ("round", "epoch", "application", "version", "outcome", "tickets", "score", "drawn_under")


@dataclass(frozen=True, slots=True)
class DrawnEntry:
    """An entry with its application's version, and the epoch of the commitment it draws under."""

    entry: Entry
    version: int
    drawn_under: int


async def save_commitment(
    connection: Connection,
    event: InputsCommitted,
    pledges: dict[str, int],
    seed_epoch: int,
    entries: Sequence[DrawnEntry],
) -> bool:
    """Stores a commitment with its entries; False if the epoch is committed already."""
    under = sorted({seed_epoch, *(each.drawn_under for each in entries)})
    body = event.model_dump(mode="json")
    if await connection.fetchval(SAVE_COMMITMENT, event.round, event.epoch, body, pledges, under) is None:
        return False
    await connection.copy_records_to_table(
        "entries",
        records=[
            (
                event.round,
                event.epoch,
                each.entry.application,
                each.version,
                each.entry.outcome.value,
                each.entry.tickets,
                each.entry.score,
                each.drawn_under,
            )
            for each in entries
        ],
        columns=ENTRY_COLUMNS,
    )
    return True


async def commitments(connection: Connection, round_id: str) -> list[dict[str, Any]]:
    """Every InputsCommitted of the round as JSON, oldest first."""
    return [row["body"] for row in await connection.fetch(COMMITMENTS, round_id)]


async def entries(connection: Connection, round_id: str, epoch: int) -> list[DrawnEntry]:
    """All committed entries of an epoch."""
    return [
        DrawnEntry(
            Entry(row["application"], VerdictOutcome(row["outcome"]), row["tickets"], row["score"]),
            row["version"],
            row["drawn_under"],
        )
        async for row in streamed(connection, ENTRIES, round_id, epoch)
    ]


async def kinds(connection: Connection, round_id: str, epoch: int) -> dict[str, Kind]:
    """The kind of firm of every committed application."""
    return {
        row["application"]: Kind(row["startup"], row["first_timer"], row["tickets"])
        async for row in streamed(connection, KINDS, round_id, epoch)
    }


@dataclass(frozen=True, slots=True)
class NamedOffer:
    """An offer with the party and product name that its result is published with."""

    offer: Offer
    party: str
    product: str


async def offers(connection: Connection, round_id: str, epoch: int, accepted: AcceptedKinds) -> dict[str, NamedOffer]:
    """The offers of committed entries, by application."""
    by_application = {}
    async for row in streamed(connection, OFFERS, round_id, epoch):
        facts = _FACTS.validate_python(row["facts"])
        offer = offer_of(row["application"], facts.applicant.business_number, facts, accepted)
        by_application[row["application"]] = NamedOffer(offer, row["party"], facts.product.name)
    return by_application


async def entries_without_facts(connection: Connection, round_id: str, epoch: int) -> list[str]:
    """Committed applications whose facts are missing."""
    return [row["application"] for row in await connection.fetch(ENTRIES_WITHOUT_FACTS, round_id, epoch)]


async def committed(connection: Connection, round_id: str, epoch: int) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Pledges (won by institution) and requests as committed. Raises LookupError if the epoch is not committed."""
    row = await connection.fetchrow(COMMITTED, round_id, epoch)
    if row is None:
        raise LookupError(f"round {round_id} is not committed in epoch {epoch}")
    return row["pledges"], row["demands"]


def demands_of(requests: Iterable[Mapping[str, Any]]) -> list[Demand]:
    """The demands of committed requests, in their order."""
    return [
        demand_of(each["request"], each["institution"], _REQUEST.validate_python(each["facts"])) for each in requests
    ]


async def drop_commitment(connection: Connection, round_id: str, epoch: int) -> None:
    """Deletes an altered commitment. It is made again only if it gives the root that was published."""
    await connection.execute(DROP_COMMITMENT, round_id, epoch)
    await connection.execute(DROP_ENTRIES, round_id, epoch)

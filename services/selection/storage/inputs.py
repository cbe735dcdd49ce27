"""Inputs from Kafka: rounds, pledges, applications, requests, verdicts. The newest version wins in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.events import (
    ApplicationScored,
    EpochOpened,
    InputsCommitted,
    Invitation,
    Manifest,
    PurchaseRequestAccepted,
    PurchaseRequestWithdrawn,
    RoundFrozen,
    RoundOpened,
    ScoresClosed,
    SelectionConfirmed,
    SelectionProposed,
)
from shared.contracts.identity import IdentityLevel
from shared.service.postgres import Connection, columns

SAVE_OPENED = """
INSERT INTO rounds (round, policy, policy_hash, rehearsal) VALUES ($1, $2, $3, $4)
ON CONFLICT (round) DO UPDATE
SET policy = excluded.policy, policy_hash = excluded.policy_hash, rehearsal = excluded.rehearsal
"""
SAVE_PLEDGES = """
INSERT INTO pledges (round, institution, won) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (round, institution) DO UPDATE SET won = excluded.won
"""
SAVE_FROZEN = """
INSERT INTO rounds (round, epoch, applications, requests) VALUES ($1, $2, $3, $4)
ON CONFLICT (round) DO UPDATE
SET epoch = excluded.epoch, applications = excluded.applications, requests = excluded.requests
WHERE rounds.epoch < excluded.epoch
"""
SAVE_JUDGED = """
INSERT INTO rounds (round, judged_epoch, judged_root, verdicts, judged_at) VALUES ($1, $2, $3, $4, now())
ON CONFLICT (round) DO UPDATE
SET judged_epoch = excluded.judged_epoch, judged_root = excluded.judged_root, verdicts = excluded.verdicts,
    judged_at = excluded.judged_at
WHERE rounds.judged_epoch < excluded.judged_epoch
"""
SAVE_FROZEN_PLEDGES = "UPDATE rounds SET pledges = $2 WHERE round = $1"
SAVE_ADMITTED = """
INSERT INTO admitted (application, round, epoch) SELECT application, $2, $3 FROM unnest($1::uuid[]) AS application
ON CONFLICT DO NOTHING
"""
SAVE_AMENDED = """
INSERT INTO amended (application, version, round, epoch)
SELECT application, version, $3, $4 FROM unnest($1::uuid[], $2::int[]) AS amended(application, version)
ON CONFLICT DO NOTHING
"""
SAVE_SOURCE = "INSERT INTO source_values (round, epoch, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
SAVE_CONFIRMED = """
INSERT INTO confirmations (round, epoch, selection_root, confirmed_at, batch) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
SAVE_VOID = """
INSERT INTO rounds (round, void) VALUES ($1, true) ON CONFLICT (round) DO UPDATE SET void = true
"""
SAVE_PUBLISHED = "INSERT INTO said (round, epoch, type, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
SAVE_APPLICATIONS = """
INSERT INTO applications (application, version, round, party, payload_hash, facts, nonce, identity)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::text[], $6::jsonb[], $7::text[], $8::text[])
ON CONFLICT DO NOTHING
"""
SAVE_WITHDRAWAL = """
INSERT INTO withdrawals (application, round, version) VALUES ($1, $2, $3)
ON CONFLICT (application) DO UPDATE SET version = greatest(withdrawals.version, excluded.version)
"""
SAVE_MARK = """
INSERT INTO marks (application, reviewer, round, points, conflict_of_interest, version) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (application, reviewer) DO UPDATE
SET points = excluded.points, conflict_of_interest = excluded.conflict_of_interest, version = excluded.version
WHERE marks.version < excluded.version
"""
SAVE_SCORES_CLOSED = "INSERT INTO scores_closed (round, epoch, marks_root) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
SAVE_REQUEST = """
INSERT INTO requests (request, round, institution, version, payload_hash, facts, withdrawn, nonce)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (request) DO UPDATE
SET version = excluded.version, payload_hash = excluded.payload_hash, facts = excluded.facts,
    withdrawn = excluded.withdrawn, nonce = excluded.nonce
WHERE requests.version < excluded.version
"""
SAVE_VERDICTS = """
INSERT INTO verdicts
    (application, version, epoch, round, payload_hash, outcome, findings_hash, findings, evidence, nonce)
SELECT application, version, epoch, round, payload_hash, outcome, findings_hash, findings::jsonb, evidence::jsonb, nonce
FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[])
     AS new(application, version, epoch, round, payload_hash, outcome, findings_hash, findings, evidence, nonce)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A version of an application as selection stores it."""

    application: str
    version: int
    round: str
    party: str
    payload_hash: str
    facts: dict[str, Any]
    nonce: str
    identity: IdentityLevel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedApplication:
    """A verdict as selection stores it."""

    application: str
    version: int
    epoch: int
    round: str
    payload_hash: str
    outcome: str
    findings_hash: str
    findings: str
    """JSON, exactly as hashed."""
    evidence: str | None
    """Registries' answers as JSON; None if none was asked."""
    nonce: str | None
    """The nonce in the findings hash; None for verdicts from before there was one."""


async def save_opened(connection: Connection, opened: RoundOpened, policy: Any) -> None:
    """Stores an opening with its pledges. `policy`: as published, since its hash covers that form."""
    rehearsal = opened.rehearsal.model_dump(mode="json") if opened.rehearsal else None
    await connection.execute(SAVE_OPENED, opened.round, policy, opened.policy_hash, rehearsal)
    await save_pledges(connection, [(opened.round, each.institution, each.pledge_won) for each in opened.institutions])


async def save_pledges(connection: Connection, pledges: Sequence[tuple[str, str, int]]) -> None:
    """Stores rows of (round, institution, won)."""
    if pledges:
        await connection.execute(SAVE_PLEDGES, *zip(*sorted(pledges), strict=True))


async def save_frozen(connection: Connection, frozen: RoundFrozen | EpochOpened) -> None:
    """Stores the manifests of an epoch, unless a later epoch is stored."""
    await connection.execute(
        SAVE_FROZEN, frozen.round, frozen.epoch, frozen.applications.model_dump(), frozen.requests.model_dump()
    )


async def save_frozen_pledges(connection: Connection, round_id: str, pledges: Sequence[Invitation]) -> None:
    """Stores the pledges at the freeze, after `save_frozen`. Later changes count in no epoch of this round."""
    await connection.execute(SAVE_FROZEN_PLEDGES, round_id, {each.institution: each.pledge_won for each in pledges})


async def save_admitted(connection: Connection, opened: EpochOpened) -> None:
    """Stores which applications an act admitted late, and in which epoch."""
    await connection.execute(SAVE_ADMITTED, list(opened.admitted), opened.round, opened.epoch)


async def save_judged(connection: Connection, round_id: str, epoch: int, root: str, verdicts: Manifest) -> None:
    """Stores the end of an epoch's judging, unless a later one is stored."""
    await connection.execute(SAVE_JUDGED, round_id, epoch, root, verdicts.model_dump())


async def save_amended(connection: Connection, opened: EpochOpened) -> None:
    """Stores which versions an act amended, and in which epoch."""
    await connection.execute(
        SAVE_AMENDED,
        [each.application for each in opened.amended],
        [each.version for each in opened.amended],
        opened.round,
        opened.epoch,
    )


async def save_source(connection: Connection, round_id: str, epoch: int, value: str) -> None:
    """Stores a source's value for an epoch's commitment; the first value stays for ever."""
    await connection.execute(SAVE_SOURCE, round_id, epoch, value)


async def save_confirmed(connection: Connection, confirmed: SelectionConfirmed) -> None:
    """Stores two officers' confirmation of a result."""
    values = confirmed.round, confirmed.epoch, confirmed.selection_root, confirmed.confirmed_at, confirmed.batch or 0
    await connection.execute(SAVE_CONFIRMED, *values)


async def save_void(connection: Connection, round_id: str) -> None:
    """Marks the round as void."""
    await connection.execute(SAVE_VOID, round_id)


async def save_published(connection: Connection, published: InputsCommitted | SelectionProposed) -> None:
    """Stores an event that this service published, so that a lost database does not contradict it."""
    body = published.model_dump(mode="json")
    await connection.execute(SAVE_PUBLISHED, published.round, published.epoch, type(published).__name__, body)


async def save_applications(connection: Connection, rows: Sequence[Application]) -> None:
    """Stores versions of applications; known versions are left as they are."""
    named = [
        {
            "application": row.application,
            "version": row.version,
            "round": row.round,
            "party": row.party,
            "payload_hash": row.payload_hash,
            "facts": row.facts,
            "nonce": row.nonce,
            "identity": row.identity,
        }
        for row in sorted(rows, key=lambda row: (row.application, row.version))
    ]
    await connection.execute(SAVE_APPLICATIONS, *columns(named))


async def save_withdrawals(connection: Connection, rows: Sequence[tuple[str, str, int]]) -> None:
    """Stores rows of (application, round, version)."""
    await connection.executemany(SAVE_WITHDRAWAL, sorted(rows))


async def save_marks(connection: Connection, marks: Sequence[ApplicationScored]) -> None:
    """Stores panel marks; the highest version of each reviewer's mark stays."""
    rows = [
        (mark.application, mark.reviewer, mark.round, mark.points, mark.conflict_of_interest, mark.version)
        for mark in sorted(marks, key=lambda mark: (mark.application, mark.reviewer, mark.version))
    ]
    await connection.executemany(SAVE_MARK, rows)


async def save_scores_closed(connection: Connection, closed: ScoresClosed) -> None:
    """Stores the root of the closed panel marks."""
    await connection.execute(SAVE_SCORES_CLOSED, closed.round, closed.epoch, closed.marks_root)


async def save_request(
    connection: Connection, event: PurchaseRequestAccepted | PurchaseRequestWithdrawn, facts: Any
) -> None:
    """Stores a purchase request, or its withdrawal if there are no `facts`; the newest version stays."""
    accepted = None if isinstance(event, PurchaseRequestWithdrawn) else event
    await connection.execute(
        SAVE_REQUEST,
        event.request,
        event.round,
        event.institution,
        event.version,
        accepted and accepted.payload_hash,
        facts,
        accepted is None,
        accepted and accepted.nonce,
    )


async def save_verdicts(connection: Connection, rows: Sequence[JudgedApplication]) -> None:
    """Stores verdicts; known ones are left as they are."""
    named = [
        {
            "application": row.application,
            "version": row.version,
            "epoch": row.epoch,
            "round": row.round,
            "payload_hash": row.payload_hash,
            "outcome": row.outcome,
            "findings_hash": row.findings_hash,
            "findings": row.findings,
            "evidence": row.evidence,
            "nonce": row.nonce,
        }
        for row in sorted(rows, key=lambda row: (row.application, row.version, row.epoch))
    ]
    await connection.execute(SAVE_VERDICTS, *columns(named))

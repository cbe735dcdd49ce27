"""Officers' acts: proposed by one officer, approved by another, or ended without being done."""

from datetime import datetime
from typing import Any

from services.intake.domain.acts import ActKind, ActState, Ended, ProposedAct
from shared.service.postgres import Connection

PROPOSE = """
INSERT INTO acts (act, round, kind, terms, reason, proposed_by, proposed_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
PROPOSAL_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
WAITING = """
SELECT * FROM acts WHERE round = $1 AND kind = $2 AND approved_by IS NULL AND ended_as IS NULL AND expires_at > $3
ORDER BY proposed_at, act
"""
ACT = "SELECT * FROM acts WHERE act = $1 AND round = $2"
LOCK_ACT = f"{ACT} FOR UPDATE"
APPROVE = "UPDATE acts SET approved_by = $2, approved_at = $3 WHERE act = $1"
END = "UPDATE acts SET ended_as = $2, ended_by = $3, ended_at = $4, ended_reason = $5 WHERE act = $1"
ACTS = "SELECT * FROM acts WHERE round = $1 ORDER BY proposed_at, act"
ALL_WAITING = """
SELECT * FROM acts WHERE approved_by IS NULL AND ended_as IS NULL AND expires_at > $1 ORDER BY proposed_at, act
"""
KEEP_POLICY = "INSERT INTO proposed_policies (policy_hash, policy) VALUES ($1, $2) ON CONFLICT DO NOTHING"
POLICY = "SELECT policy FROM proposed_policies WHERE policy_hash = $1"


async def lock_proposals(connection: Connection, round_id: str, kind: ActKind) -> None:
    """Serializes proposals of one kind in one round until the transaction ends. Look for a waiting one afterwards, in a
    statement of its own."""
    await connection.execute(PROPOSAL_LOCK, f"act {kind.value} {round_id}")


async def waiting(connection: Connection, round_id: str, kind: ActKind, now: datetime) -> list[ProposedAct]:
    """Acts of a kind that wait in a round, oldest first."""
    return [_act(row) for row in await connection.fetch(WAITING, round_id, kind.value, now)]


async def all_waiting(connection: Connection, now: datetime) -> list[ProposedAct]:
    """Acts that wait in any round, or for its announcement."""
    return [_act(row) for row in await connection.fetch(ALL_WAITING, now)]


async def propose(connection: Connection, act: ProposedAct) -> None:
    await connection.execute(
        PROPOSE,
        act.act,
        act.round,
        act.kind.value,
        act.terms,
        act.reason,
        act.proposed_by,
        act.proposed_at,
        act.expires_at,
    )


async def load(connection: Connection, act: str, round_id: str) -> ProposedAct | None:
    row = await connection.fetchrow(ACT, act, round_id)
    return _act(row) if row else None


async def lock(connection: Connection, act: str, round_id: str) -> ProposedAct | None:
    """The act, locked until the transaction ends."""
    row = await connection.fetchrow(LOCK_ACT, act, round_id)
    return _act(row) if row else None


async def approve(connection: Connection, act: str, officer: str, moment: datetime) -> None:
    await connection.execute(APPROVE, act, officer, moment)


async def end(connection: Connection, act: str, ended: Ended) -> None:
    await connection.execute(END, act, ended.state.value, ended.by, ended.at, ended.reason)


async def acts(connection: Connection, round_id: str) -> list[ProposedAct]:
    return [_act(row) for row in await connection.fetch(ACTS, round_id)]


async def keep_policy(connection: Connection, policy_hash: str, policy: dict[str, Any]) -> None:
    """Keeps the policy of a proposed announcement or amendment, whose terms name its hash."""
    await connection.execute(KEEP_POLICY, policy_hash, policy)


async def policy(connection: Connection, policy_hash: str) -> dict[str, Any]:
    """A policy that was kept."""
    proposed: dict[str, Any] = await connection.fetchval(POLICY, policy_hash)
    return proposed


def _act(row: Any) -> ProposedAct:
    ended = None
    if row["ended_as"]:
        ended = Ended(ActState(row["ended_as"]), row["ended_by"], row["ended_at"], row["ended_reason"])
    return ProposedAct(
        act=str(row["act"]),
        round=row["round"],
        kind=ActKind(row["kind"]),
        terms=row["terms"],
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        expires_at=row["expires_at"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
        ended=ended,
    )

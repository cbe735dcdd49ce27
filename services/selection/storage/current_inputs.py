"""The current inputs of a round, before they are committed: newest verdicts, requests, panel marks and pledges."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from shared.contracts.facts import SupplyRecord
from shared.contracts.findings import Finding, VerdictOutcome
from shared.programme.panel import PanelMark
from shared.service.postgres import Connection, streamed

_FINDINGS = TypeAdapter(tuple[Finding, ...])
# The newest verdict of every application that was not withdrawn after it.
_OF_ROUND = """
FROM (SELECT DISTINCT ON (application) * FROM verdicts WHERE round = $1
      ORDER BY application, version DESC, epoch DESC) v
LEFT JOIN withdrawals w ON w.application = v.application AND w.version > v.version
LEFT JOIN applications a
     ON a.application = v.application AND a.version = v.version AND a.payload_hash = v.payload_hash
WHERE w.application IS NULL
"""
CURRENT = f"""
SELECT v.application::text, v.version, v.payload_hash, v.epoch, v.outcome, v.findings_hash {_OF_ROUND}
"""
REQUEST_LEAVES = "SELECT request, version, payload_hash FROM requests WHERE round = $1 AND NOT withdrawn"
WITHOUT_FACTS = f"SELECT v.application::text {_OF_ROUND} AND a.application IS NULL"
JUDGED = f"""
SELECT v.application::text, v.version, v.epoch, v.outcome, v.findings,
       a.facts->'applicant'->'supply_record' AS record
{_OF_ROUND} AND a.application IS NOT NULL
"""
JUDGED_BEFORE = """
SELECT DISTINCT ON (v.application, v.epoch) v.application::text, v.version, v.epoch, v.outcome, v.findings,
       a.facts->'applicant'->'supply_record' AS record
FROM unnest($1::uuid[], $2::int[], $3::int[]) AS current(application, version, epoch)
JOIN verdicts v ON v.application = current.application AND v.version <= current.version AND v.epoch < current.epoch
JOIN applications a ON a.application = v.application AND a.version = v.version
LEFT JOIN amended m ON m.application = v.application AND m.version = v.version
WHERE coalesce(m.epoch, 1) <= v.epoch
ORDER BY v.application, v.epoch, v.version DESC
"""
MARKS = """
SELECT application::text, reviewer, version, points, conflict_of_interest FROM marks WHERE round = $1
"""
SCORES_CLOSED = """
SELECT marks_root FROM scores_closed
WHERE round = $1 AND epoch >= coalesce((SELECT max(epoch) FROM admitted WHERE round = $1), 1)
ORDER BY epoch DESC LIMIT 1
"""
PLEDGES = "SELECT institution, won FROM pledges WHERE round = $1"


class Current(NamedTuple):
    """A leaf of the verdicts' manifest, in the order that is hashed (docs/close.md)."""

    application: str
    version: int
    payload_hash: str
    epoch: int
    outcome: str
    findings_hash: str

    @property
    def judgement(self) -> tuple[str, int, int]:
        """What names a verdict: (application, version, epoch it was judged in)."""
        return self.application, self.version, self.epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedVersion:
    """A judgement of an application's version: what its tickets and score rest on."""

    application: str
    version: int
    epoch: int
    outcome: VerdictOutcome
    findings: tuple[Finding, ...]
    record: SupplyRecord | None


async def verdicts(connection: Connection, round_id: str) -> list[Current]:
    """The current verdicts of a round."""
    return [Current(*row) async for row in streamed(connection, CURRENT, round_id)]


async def request_leaves(connection: Connection, round_id: str) -> list[tuple[str, int, str]]:
    """(id, version, payload hash) of every request that is not withdrawn."""
    return [tuple(row) for row in await connection.fetch(REQUEST_LEAVES, round_id)]


async def without_facts(connection: Connection, round_id: str) -> list[str]:
    """Applications whose judged version's facts are missing."""
    return [row["application"] async for row in streamed(connection, WITHOUT_FACTS, round_id)]


async def judged(connection: Connection, round_id: str) -> AsyncIterator[JudgedVersion]:
    """The current verdicts whose facts are stored."""
    async for row in streamed(connection, JUDGED, round_id):
        yield _judged(row)


def _judged(row: Any) -> JudgedVersion:
    return JudgedVersion(
        application=row["application"],
        version=row["version"],
        epoch=row["epoch"],
        outcome=VerdictOutcome(row["outcome"]),
        findings=_FINDINGS.validate_python(row["findings"]),
        record=SupplyRecord(**row["record"]) if row["record"] else None,
    )


async def judged_before(connection: Connection, verdicts: Sequence[Current]) -> dict[str, dict[int, JudgedVersion]]:
    """Judgements of earlier epochs, by application and epoch, each of the version current at the time."""
    by_application: dict[str, dict[int, JudgedVersion]] = {}
    if not verdicts:
        return {}
    rows = await connection.fetch(JUDGED_BEFORE, *zip(*(verdict.judgement for verdict in verdicts), strict=True))
    for row in rows:
        by_application.setdefault(row["application"], {})[row["epoch"]] = _judged(row)
    return by_application


async def marks(connection: Connection, round_id: str) -> list[PanelMark]:
    """The stored panel marks."""
    return [PanelMark(**dict(row)) for row in await connection.fetch(MARKS, round_id)]


async def closed_marks_root(connection: Connection, round_id: str) -> str | None:
    """The root of the panel marks that officers closed since the last late admission; None if they have not."""
    root: str | None = await connection.fetchval(SCORES_CLOSED, round_id)
    return root


async def pledges(connection: Connection, round_id: str) -> dict[str, int]:
    """Won by institution."""
    return {row["institution"]: row["won"] for row in await connection.fetch(PLEDGES, round_id)}

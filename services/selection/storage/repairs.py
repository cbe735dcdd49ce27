"""Repairs: reads one bucket of stored inputs, and deletes rows that an owner's list does not have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.selection.storage.current_inputs import Current
from shared.proof.canonical import findings_hash, payload_hash
from shared.service.postgres import Connection

_BUCKET = "round = $1 AND get_byte(sha256(convert_to({}, 'UTF8')), 0) = $2"
VERDICTS = f"""
SELECT application::text, version, payload_hash, epoch, outcome, findings_hash FROM verdicts
WHERE {_BUCKET.format("application::text")}
"""  # noqa: S608
WITHDRAWN = "SELECT application::text, version FROM withdrawals WHERE application = ANY($1::uuid[])"
REQUESTS = f"SELECT request, version, payload_hash, withdrawn FROM requests WHERE {_BUCKET.format('request')}"  # noqa: S608
FINDINGS = """
SELECT application::text, version, epoch, findings, findings_hash, nonce
FROM verdicts JOIN unnest($1::uuid[], $2::int[], $3::int[]) AS asked(application, version, epoch)
     USING (application, version, epoch)
"""
FACTS = """
SELECT application::text, version, nonce, payload_hash, facts
FROM applications JOIN unnest($1::uuid[], $2::int[]) AS asked(application, version) USING (application, version)
WHERE nonce IS NOT NULL
"""
REQUEST_FACTS = """
SELECT request, version, nonce, payload_hash, facts FROM requests
WHERE round = $1 AND NOT withdrawn AND nonce IS NOT NULL
"""
DROP_ALTERED_FACTS = """
DELETE FROM applications USING unnest($1::uuid[], $2::int[]) AS dropped(application, version)
WHERE applications.application = dropped.application AND applications.version = dropped.version
"""
DROP_VERDICTS = """
DELETE FROM verdicts USING unnest($1::uuid[], $2::int[], $3::int[]) AS dropped(application, version, epoch)
WHERE verdicts.application = dropped.application AND verdicts.version = dropped.version
  AND verdicts.epoch = dropped.epoch
"""
DROP_ELSEWHERE = "DELETE FROM verdicts WHERE application = ANY($2::uuid[]) AND round <> $1"
DROP_WITHDRAWALS = "DELETE FROM withdrawals WHERE application = ANY($1::uuid[])"
DROP_REQUESTS = "DELETE FROM requests WHERE request = ANY($1::text[])"
DROP_REQUESTS_ELSEWHERE = "DELETE FROM requests WHERE request = ANY($2::text[]) AND round <> $1"
DROP_FACTS = """
DELETE FROM applications
USING unnest($2::uuid[], $3::int[], $4::text[]) AS listed(application, version, payload_hash)
WHERE applications.application = listed.application AND applications.version = listed.version
  AND (applications.payload_hash <> listed.payload_hash OR applications.round <> $1)
RETURNING applications.application::text
"""


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """The facts of an application or request, with their hash."""

    id: str
    version: int
    nonce: str
    payload_hash: str
    facts: Any

    @property
    def altered(self) -> bool:
        """True if the facts no longer match their hash."""
        return payload_hash(self.nonce, self.facts) != self.payload_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFindings:
    """The findings of a verdict, and the hash that its leaf states."""

    application: str
    version: int
    epoch: int
    findings: Any
    findings_hash: str
    nonce: str | None

    def altered(self, hashed_with: Mapping[str, Any]) -> bool:
        """True if the findings no longer match their hash under this policy and date."""
        return findings_hash({**hashed_with, "findings": self.findings, "nonce": self.nonce}) != self.findings_hash


async def verdicts(connection: Connection, round_id: str, bucket: int) -> list[Current]:
    """All verdicts of the bucket, current or not."""
    return [Current(*row) for row in await connection.fetch(VERDICTS, round_id, bucket)]


async def withdrawn(connection: Connection, applications: Iterable[str]) -> dict[str, int]:
    """Versions of withdrawals, by application."""
    rows = await connection.fetch(WITHDRAWN, sorted(applications))
    return {row["application"]: row["version"] for row in rows}


async def requests(
    connection: Connection, round_id: str, bucket: int
) -> tuple[list[tuple[str, int, str | None]], dict[str, int]]:
    """All requests of the bucket; and for withdrawn ones, a version that is higher than any they had."""
    rows = await connection.fetch(REQUESTS, round_id, bucket)
    every = [(row["request"], row["version"], None if row["withdrawn"] else row["payload_hash"]) for row in rows]
    return every, {row["request"]: row["version"] + 1 for row in rows if row["withdrawn"]}


async def findings(connection: Connection, leaves: Sequence[Current]) -> list[StoredFindings]:
    """The findings of these verdicts, as stored."""
    if not leaves:
        return []
    keys = zip(*(leaf.judgement for leaf in leaves), strict=True)
    return [StoredFindings(**dict(row)) for row in await connection.fetch(FINDINGS, *keys)]


async def facts(connection: Connection, versions: Sequence[tuple[str, int]]) -> list[StatedFacts]:
    """The stored facts of applications; those without a nonce can't be checked and are left out."""
    rows = await connection.fetch(FACTS, [each[0] for each in versions], [each[1] for each in versions])
    return [StatedFacts(*row) for row in rows]


async def request_facts(connection: Connection, round_id: str) -> list[StatedFacts]:
    """The stored facts of all requests that can be checked."""
    return [StatedFacts(*row) for row in await connection.fetch(REQUEST_FACTS, round_id)]


async def drop_altered_facts(connection: Connection, versions: Sequence[tuple[str, int]]) -> None:
    """Deletes the facts of these (application, version)."""
    await connection.execute(DROP_ALTERED_FACTS, [each[0] for each in versions], [each[1] for each in versions])


async def drop_verdicts(
    connection: Connection, round_id: str, rows: Sequence[Current], withdrawals: Sequence[str], listed: Iterable[str]
) -> None:
    """Deletes these verdicts and withdrawals, and verdicts of listed applications in another round."""
    if rows:
        await connection.execute(DROP_VERDICTS, *zip(*sorted(row.judgement for row in rows), strict=True))
    await connection.execute(DROP_WITHDRAWALS, list(withdrawals))
    await connection.execute(DROP_ELSEWHERE, round_id, sorted(listed))


async def drop_requests(connection: Connection, round_id: str, requests: Iterable[str], listed: Iterable[str]) -> None:
    """Deletes these requests, and listed requests in another round."""
    await connection.execute(DROP_REQUESTS, sorted(requests))
    await connection.execute(DROP_REQUESTS_ELSEWHERE, round_id, sorted(listed))


async def drop_facts(connection: Connection, round_id: str, leaves: Sequence[tuple[str, int, str]]) -> list[str]:
    """Deletes facts that differ from the listed versions; returns their applications."""
    ordered = sorted(leaves)
    rows = await connection.fetch(DROP_FACTS, round_id, *([leaf[n] for leaf in ordered] for n in range(3)))
    return [row["application"] for row in rows]

"""The audit log of a service: one hash chain of its decisions and of officers' acts.

`hash` is SHA-256 of the canonical JSON of `[sequence, at, actor, action, detail, previous]`, where `detail` is text
(canonical JSON itself); the first row's `previous` is 64 zeros. Each record also publishes the new head on
`audit-heads.v1`, kept for ever: who holds the heads notices a log whose end was cut off or that was written anew. Rows
hold names of tokens, never a person's address.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.canonical import canonical_json, sha256_hex
from shared.contracts import topics
from shared.contracts.events import AuditHeadPublished
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.postgres import Connection

NO_HEAD: Final = "0" * 64
_LOCK: Final = 0x61756474  # "audt": one writer of the chain at a time, until its transaction ends

LOCK = "SELECT pg_advisory_xact_lock($1)"
LAST = "SELECT sequence, hash FROM audit_log ORDER BY sequence DESC LIMIT 1"
INSERT = """
INSERT INTO audit_log (sequence, at, actor, action, detail, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
ROWS = """
SELECT sequence, at, actor, action, detail, previous, hash FROM audit_log
WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class AuditRow:
    sequence: int
    at: datetime
    actor: str
    action: str
    detail: str
    """Canonical JSON."""
    previous: str
    hash: str

    def computed_hash(self) -> str:
        at = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return sha256_hex(canonical_json([self.sequence, at, self.actor, self.action, self.detail, self.previous]))

    def as_json(self) -> dict[str, Any]:
        at = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {
            "sequence": self.sequence,
            "at": at,
            "actor": self.actor,
            "action": self.action,
            "detail": json.loads(self.detail),
            "previous": self.previous,
            "hash": self.hash,
        }

    @classmethod
    def of_json(cls, row: dict[str, Any]) -> "AuditRow":
        return cls(
            row["sequence"],
            datetime.fromisoformat(row["at"]),
            row["actor"],
            row["action"],
            canonical_json(row["detail"]).decode(),
            row["previous"],
            row["hash"],
        )


async def record(connection: Connection, service: str, now: datetime, actor: str, action: str, detail: Any) -> Outgoing:
    """Appends to the chain in the caller's transaction; returns the head to publish with it. Call it last: other
    writers of the chain wait until the transaction ends."""
    await connection.execute(LOCK, _LOCK)
    last = await connection.fetchrow(LAST)
    sequence, previous = (last["sequence"] + 1, last["hash"]) if last else (1, NO_HEAD)
    draft = AuditRow(sequence, now, actor, action, canonical_json(detail).decode(), previous, "")
    head = draft.computed_hash()
    await connection.execute(INSERT, sequence, now, actor, action, draft.detail, previous, head)
    published = AuditHeadPublished(service=service, count=sequence, head=head, previous_head=previous, published_at=now)
    return outgoing(
        topics.AUDIT_HEADS.name, service, published, event_id=event_id("audit-head", service, sequence, head), time=now
    )


async def record_decisions(
    connection: Connection, service: str, now: datetime, decided: Sequence[Outgoing]
) -> list[Outgoing]:
    """A row for each event a service decided by itself: its id, and the hash of what it says."""
    heads = []
    for event in decided:
        detail = {"subject": event.subject, "event": event.id, "body_hash": sha256_hex(event.body or b"")}
        heads.append(await record(connection, service, now, service, event.type, detail))
    return heads


async def rows(connection: Connection, after: int, limit: int) -> list[AuditRow]:
    return [AuditRow(**dict(row)) for row in await connection.fetch(ROWS, after, limit)]


def faults(chain: Iterable[AuditRow], heads: Iterable[AuditHeadPublished] = ()) -> list[str]:
    """What is wrong with a log, in words; nothing when it is whole and holds every published head."""
    found: list[str] = []
    hashes: dict[int, str] = {}
    expected, previous = 1, NO_HEAD
    for row in chain:
        if row.sequence != expected:
            found.append(f"row {expected} is missing: {row.sequence} follows {expected - 1}")
        if row.previous != previous:
            found.append(f"row {row.sequence} does not follow the row before it")
        if row.computed_hash() != row.hash:
            found.append(f"row {row.sequence} was changed")
        hashes[row.sequence] = row.hash
        expected, previous = row.sequence + 1, row.hash
    for head in heads:
        if head.count >= expected:
            found.append(f"the log was cut off: row {head.count} was published and is not there")
        elif hashes.get(head.count) != head.head:
            found.append(f"row {head.count} is not the one whose head was published")
    return found

"""The audit log of a service: one hash chain over its decisions and officers' acts.

`hash` is SHA-256 of the canonical JSON of `[sequence, at, actor, action, detail, previous]`, where `detail` is text
(canonical JSON itself); the first row's `previous` is 64 zeros. Each record also publishes the new head on
`audit-heads.v1`, which is kept for ever: whoever has the heads notices a log that was cut off or rewritten. Rows have
names of tokens, never a person's address.

What only staff may read of a row (free-text reasons, hashes of guessable values) is sealed: the row stores it with a
nonce beside its detail, and the detail has `seal`, SHA-256 of both. So the chain can be checked without it, and staff
can check that it was not changed. Every row has a nonce, so that published heads reveal nothing to guesses.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from shared.contracts import topics
from shared.contracts.events import AuditHeadPublished
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.canonical import canonical_json, sha256_hex
from shared.service.postgres import Connection

NO_HEAD: Final = "0" * 64
_LOCK: Final = 0x61756474  # "audt": one writer of the chain at a time, until its transaction ends

LOCK = "SELECT pg_advisory_xact_lock($1)"
LAST = "SELECT sequence, hash FROM audit_log ORDER BY sequence DESC LIMIT 1"
INSERT = """
INSERT INTO audit_log (sequence, at, actor, action, detail, previous, hash, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
ROWS = """
SELECT sequence, at, actor, action, detail, previous, hash, sealed FROM audit_log
WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One row of the log."""

    sequence: int
    at: datetime
    actor: str
    action: str
    detail: str
    """Canonical JSON."""
    previous: str
    hash: str
    sealed: str | None = None
    """Canonical JSON of the nonce and what only staff may read. None in rows older than this column."""

    def computed_hash(self) -> str:
        """The hash that the row must have."""
        at = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return sha256_hex(canonical_json([self.sequence, at, self.actor, self.action, self.detail, self.previous]))

    def seal_holds(self) -> bool:
        """True if the sealed part is unchanged, missing, or not shown."""
        return self.sealed is None or json.loads(self.detail).get("seal") == sha256_hex(self.sealed.encode())

    def as_json(self, *, opened: bool) -> dict[str, Any]:
        """The row as JSON. `opened`: with the sealed part."""
        at = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {
            "sequence": self.sequence,
            "at": at,
            "actor": self.actor,
            "action": self.action,
            "detail": json.loads(self.detail),
            "previous": self.previous,
            "hash": self.hash,
            **({"sealed": json.loads(self.sealed)} if opened and self.sealed else {}),
        }

    @classmethod
    def of_json(cls, row: dict[str, Any]) -> "AuditRow":
        """The row of an answer of `GET /audit`."""
        return cls(
            sequence=row["sequence"],
            at=datetime.fromisoformat(row["at"]),
            actor=row["actor"],
            action=row["action"],
            detail=canonical_json(row["detail"]).decode(),
            previous=row["previous"],
            hash=row["hash"],
            sealed=canonical_json(row["sealed"]).decode() if row.get("sealed") else None,
        )


async def record(
    connection: Connection,
    service: str,
    now: datetime,
    actor: str,
    action: str,
    detail: Mapping[str, Any],
    sealed: Mapping[str, Any] = MappingProxyType({}),
) -> Outgoing:
    """Appends a row in the caller's transaction; returns the head to publish with it.

    Call it last: other writers of the chain wait until the transaction ends. `sealed`: for staff only.
    """
    sealed_text = canonical_json({"nonce": secrets.token_hex(16), **sealed}).decode()
    detail = {**detail, "seal": sha256_hex(sealed_text.encode())}
    await connection.execute(LOCK, _LOCK)
    last = await connection.fetchrow(LAST)
    sequence, previous = (last["sequence"] + 1, last["hash"]) if last else (1, NO_HEAD)
    draft = AuditRow(
        sequence=sequence,
        at=now,
        actor=actor,
        action=action,
        detail=canonical_json(detail).decode(),
        previous=previous,
        hash="",
    )
    head = draft.computed_hash()
    await connection.execute(INSERT, sequence, now, actor, action, draft.detail, previous, head, sealed_text)
    published = AuditHeadPublished(service=service, count=sequence, head=head, previous_head=previous, published_at=now)
    return outgoing(
        topics.AUDIT_HEADS.name, service, published, event_id=event_id("audit-head", service, sequence, head), time=now
    )


async def record_decisions(
    connection: Connection, service: str, now: datetime, decided: Sequence[Outgoing]
) -> list[Outgoing]:
    """Appends a row for each event that a service decided by itself: its id and, sealed, the hash of its body."""
    heads = []
    for event in decided:
        detail = {"subject": event.subject, "event": event.id}
        sealed = {"body_hash": sha256_hex(event.body or b"")}
        heads.append(await record(connection, service, now, service, event.type, detail, sealed))
    return heads


async def rows(connection: Connection, after: int, limit: int) -> list[AuditRow]:
    """Rows after a sequence number, in order."""
    return [AuditRow(**dict(row)) for row in await connection.fetch(ROWS, after, limit)]


def faults(chain: Iterable[AuditRow], heads: Iterable[AuditHeadPublished] = ()) -> list[str]:
    """What is wrong with a log, in words; empty if it is complete and contains every published head."""
    problems: list[str] = []
    hashes: dict[int, str] = {}
    expected, previous = 1, NO_HEAD
    for row in chain:
        if row.sequence != expected:
            problems.append(f"row {expected} is missing: {row.sequence} follows {expected - 1}")
        if row.previous != previous:
            problems.append(f"row {row.sequence} does not follow the row before it")
        if row.computed_hash() != row.hash:
            problems.append(f"row {row.sequence} was changed")
        if not row.seal_holds():
            problems.append(f"what is sealed in row {row.sequence} is not what was")
        hashes[row.sequence] = row.hash
        expected, previous = row.sequence + 1, row.hash
    for head in heads:
        if head.count >= expected:
            problems.append(f"the log was cut off: row {head.count} was published and is not there")
        elif hashes.get(head.count) != head.head:
            problems.append(f"row {head.count} is not the one whose head was published")
    return problems

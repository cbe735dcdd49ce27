"""Signed heads of a service's audit log, published by a job, so that writers of the log wait for no signature.

`audit.record` publishes the unsigned head of every row. The job signs the newest head and publishes it again, under its
own id, if the log has grown since the last signed head or that one is a day old. A signed head covers all rows before
it, since each head includes the one before.

**What is signed** (Ed25519): canonical JSON (RFC 8785) of all that `AuditHeadPublished` states but its `signature`:
`service, count, head, previous_head, published_at, key_id`. The keys are at the service's `/.well-known/firstbuy-keys`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from shared.clock import Clock
from shared.contracts import topics
from shared.contracts.events import AuditHeadPublished
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.signing import Signer, verified
from shared.service.keys import SigningKey
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool, connected

SIGNED_AT_LEAST_EVERY: Final = timedelta(days=1)
_LOCK: Final = 0x73686561  # "shea": one replica signs at a time
_log = structlog.get_logger()

LOCK = "SELECT pg_try_advisory_xact_lock($1)"
DUE = """
SELECT newest.sequence AS count, newest.hash AS head, newest.previous AS previous_head
FROM (SELECT sequence, hash, previous FROM audit_log ORDER BY sequence DESC LIMIT 1) newest
LEFT JOIN (SELECT count, head, published_at FROM signed_heads ORDER BY number DESC LIMIT 1) signed ON true
WHERE signed.count IS NULL OR signed.count <> newest.sequence OR signed.head <> newest.hash OR signed.published_at <= $1
"""
SIGNED = "SELECT count, head, previous_head, published_at, key_id, signature FROM signed_heads ORDER BY number"
KEEP = """
INSERT INTO signed_heads (count, head, previous_head, published_at, key_id, signature) VALUES ($1, $2, $3, $4, $5, $6)
"""


async def signed(connection: Connection, service: str) -> list[AuditHeadPublished]:
    """All heads that this service signed, oldest first."""
    return [AuditHeadPublished(service=service, **dict(row)) for row in await connection.fetch(SIGNED)]


async def sign_head(service: str, pool: Pool, outbox: OutboxPublisher, signing: SigningKey, clock: Clock) -> None:
    """A periodic job of every replica: signs and publishes the newest head if that is due."""
    now = clock.now()
    async with connected(pool) as connection:
        if await connection.fetchrow(DUE, now - SIGNED_AT_LEAST_EVERY) is None:
            return
    signer = await signing.signer(pool)
    async with outbox.transaction(pool) as (connection, events):
        if not await connection.fetchval(LOCK, _LOCK):
            return
        # Checked again in a new statement: another replica may have signed before the lock was free.
        due = await connection.fetchrow(DUE, now - SIGNED_AT_LEAST_EVERY)
        if due is None:
            return
        head = signed_head(
            AuditHeadPublished(
                service=service,
                count=due["count"],
                head=due["head"],
                previous_head=due["previous_head"],
                published_at=now,
            ),
            signer,
        )
        await _keep(connection, head)
        events.append(_event(head))
    _log.info("signed audit head", count=head.count, head=head.head, key_id=head.key_id)


def signed_head(head: AuditHeadPublished, signer: Signer) -> AuditHeadPublished:
    """The head with its key id and signature."""
    named = head.model_copy(update={"key_id": signer.key.key_id})
    return named.model_copy(update={"signature": signer.sign(_stated(named.model_dump(mode="json")))})


def head_verified(head: Mapping[str, Any], public: str) -> bool:
    """True if `public` (32 bytes in hex) signed this head, given as the topic's JSON."""
    return verified(_stated(head), str(head.get("signature")), public)


def _stated(head: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in head.items() if name != "signature"}


async def _keep(connection: Connection, head: AuditHeadPublished) -> None:
    await connection.execute(
        KEEP, head.count, head.head, head.previous_head, head.published_at, head.key_id, head.signature
    )


def _event(head: AuditHeadPublished) -> Outgoing:
    """The event. Its id includes the time, since the same head is signed again after a day."""
    at: datetime = head.published_at
    identifier = event_id("signed-audit-head", head.service, head.count, at.isoformat())
    return outgoing(topics.AUDIT_HEADS.name, head.service, head, event_id=identifier, time=at)

"""Purchase requests as inboxes bring them, and the offsets they were read up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.postgres import Connection

MOVE_OFFSET = "UPDATE inboxes SET next_offset = $3 WHERE topic = $1 AND next_offset = $2 RETURNING topic"
REQUEST = "SELECT round, version, facts, payload_hash, withdrawn FROM purchase_requests WHERE request = $1 FOR UPDATE"
SET_REQUEST = """
INSERT INTO purchase_requests
    (request, round, institution, version, payload_hash, facts, withdrawn, received_at, published)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (request) DO UPDATE
SET version = excluded.version, payload_hash = excluded.payload_hash, facts = excluded.facts,
    withdrawn = excluded.withdrawn, received_at = excluded.received_at, published = excluded.published
"""
HOLD = """
INSERT INTO held_messages (topic, "offset", round, institution, type, message_id, body, appended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
TAKE_HELD = """
DELETE FROM held_messages WHERE round = $1
RETURNING topic, "offset", institution, type, message_id, body, appended_at
"""


class InboxMovedError(RuntimeError):
    """Another replica has read this inbox further: the lease was lost, nothing of this batch is written."""


@dataclass(frozen=True, slots=True)
class StoredRequest:
    round: str
    version: int
    facts: dict[str, Any]
    payload_hash: str
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One record of an inbox, its body not looked into yet. `appended_at` is the broker's own time; `type` is empty and
    `message_id` is its place, where headers say neither."""

    topic: str
    offset: int
    institution: str
    type: str
    message_id: str
    body: bytes
    appended_at: datetime
    traceparent: str | None = None
    content_type: str = ""
    schema: str = ""
    unreadable: str = ""
    """Why there is no record at this offset that could be decoded."""

    @property
    def unnamed(self) -> str:
        """What the answer quotes where its sender gave no id."""
        return f"offset:{self.offset}"


async def move_offset(connection: Connection, topic: str, from_offset: int, to_offset: int) -> None:
    if await connection.fetchval(MOVE_OFFSET, topic, from_offset, to_offset) is None:
        raise InboxMovedError(topic)


async def load(connection: Connection, request: str) -> StoredRequest | None:
    row = await connection.fetchrow(REQUEST, request)
    if row is None:
        return None
    return StoredRequest(row["round"], row["version"], row["facts"], row["payload_hash"], row["withdrawn"])


async def save(
    connection: Connection,
    request: str,
    round_id: str,
    institution: str,
    version: int,
    payload_hash: str,
    facts: Any,
    withdrawn: bool,
    received_at: datetime,
    published: bytes | None,
) -> None:
    """`published`: the event's body, kept so that it can be published again as it was."""
    await connection.execute(
        SET_REQUEST,
        request,
        round_id,
        institution,
        version,
        payload_hash,
        facts,
        withdrawn,
        received_at,
        published,
    )


async def hold(connection: Connection, round_id: str, message: InboxMessage) -> None:
    await connection.execute(
        HOLD,
        message.topic,
        message.offset,
        round_id,
        message.institution,
        message.type,
        message.message_id,
        message.body,
        message.appended_at,
    )


async def take_held(connection: Connection, round_id: str) -> Sequence[InboxMessage]:
    """Removes and returns what was held of a round."""
    rows = await connection.fetch(TAKE_HELD, round_id)
    return [
        InboxMessage(
            row["topic"],
            row["offset"],
            row["institution"],
            row["type"],
            row["message_id"],
            row["body"],
            row["appended_at"],
        )
        for row in sorted(rows, key=lambda row: (row["topic"], row["offset"]))
    ]

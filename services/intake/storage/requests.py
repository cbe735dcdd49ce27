"""Purchase requests as they come from inboxes, and the offsets up to which inboxes were read."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from shared.contracts.events import ReadAs
from shared.service.postgres import Connection

MOVE_OFFSET = "UPDATE inboxes SET next_offset = $3 WHERE topic = $1 AND next_offset = $2 RETURNING topic"
REQUESTS = """
SELECT request, round, institution, version, payload_hash, facts, withdrawn, received_at
FROM purchase_requests WHERE request = ANY($1::text[]) ORDER BY request FOR UPDATE
"""
SET_REQUESTS = """
INSERT INTO purchase_requests
    (request, round, institution, version, payload_hash, facts, withdrawn, received_at, published)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::jsonb[], $7::bool[],
                     $8::timestamptz[], $9::bytea[])
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

    code = "inbox-moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestVersion:
    """The newest version of a request. `published`: its event's body, stored so that it can be published again
    unchanged; not loaded."""

    request: str
    round: str
    institution: str
    version: int
    payload_hash: str
    facts: dict[str, Any]
    withdrawn: bool
    received_at: datetime
    published: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMessage:
    """One record of an inbox, its body not parsed yet. `appended_at` is broker time. Without headers `type` is empty
    and `message_id` is the record's place."""

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
    """Why the record at this offset could not be decoded."""
    read_as: tuple[ReadAs, ...] = ()
    """Values that were read differently from how they were written."""

    @property
    def unnamed(self) -> str:
        """What the answer quotes where the sender gave no id."""
        return f"offset:{self.offset}"


async def move_offset(connection: Connection, topic: str, from_offset: int, to_offset: int) -> None:
    """Compare-and-set. Raises InboxMovedError."""
    if await connection.fetchval(MOVE_OFFSET, topic, from_offset, to_offset) is None:
        raise InboxMovedError(topic)


async def load(connection: Connection, named: Sequence[str]) -> dict[str, RequestVersion]:
    """Existing ones among them, locked until the transaction ends."""
    return {row["request"]: RequestVersion(**row) for row in await connection.fetch(REQUESTS, named)}


async def save(connection: Connection, versions: Sequence[RequestVersion]) -> None:
    if versions:
        columns = zip(*(astuple(version) for version in versions), strict=True)
        await connection.execute(SET_REQUESTS, *map(list, columns))


async def hold(connection: Connection, round_id: str, message: InboxMessage) -> None:
    """Keeps a message that came after the close of a round that is not frozen."""
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
    """Removes and returns the messages held for a round."""
    rows = await connection.fetch(TAKE_HELD, round_id)
    return [
        InboxMessage(
            topic=row["topic"],
            offset=row["offset"],
            institution=row["institution"],
            type=row["type"],
            message_id=row["message_id"],
            body=row["body"],
            appended_at=row["appended_at"],
        )
        for row in sorted(rows, key=lambda row: (row["topic"], row["offset"]))
    ]

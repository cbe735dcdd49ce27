"""The SQL of consuming: offsets and parked records, in the service's own database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.kafka.records import Faulty
from shared.service.postgres import Connection

Partition = tuple[str, int]

SAVE_OFFSETS = """
INSERT INTO consumer_offsets (topic, partition, next_offset)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = greatest(consumer_offsets.next_offset, excluded.next_offset)
"""
SAVE_PUBLISHED = """
UPDATE consumer_offsets SET published_offset = greatest(published_offset, done.next_offset)
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS done(topic, partition, next_offset)
WHERE consumer_offsets.topic = done.topic AND consumer_offsets.partition = done.partition
"""
LOAD_OFFSETS = """
SELECT topic, partition, published_offset FROM consumer_offsets
WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
"""
READ_UP_TO = "SELECT partition, next_offset FROM consumer_offsets WHERE topic = $1"
PARK = """
INSERT INTO parked_records (topic, partition, "offset", event_id, error, detail, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
PARK_ALL = """
INSERT INTO parked_records (topic, partition, "offset", event_id, error, detail, attempts)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[])
ON CONFLICT DO NOTHING
"""
PARKED = """
SELECT topic, partition, "offset", event_id, error, detail, attempts, parked_at, settled_at FROM parked_records
WHERE ($1 OR settled_at IS NULL) AND ($3::text IS NULL OR topic = $3)
ORDER BY parked_at, topic, partition, "offset" LIMIT $2
"""
PARKED_ONE = """
SELECT topic, partition, "offset", event_id, error, detail, attempts, parked_at, settled_at FROM parked_records
WHERE topic = $1 AND partition = $2 AND "offset" = $3
"""
COUNT_PARKED = "SELECT count(*) FROM (SELECT FROM parked_records WHERE settled_at IS NULL LIMIT $1) AS counted"
COUNTED_AT_MOST: Final = 100_000
SETTLE = """
UPDATE parked_records SET settled_at = $4
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND settled_at IS NULL RETURNING topic
"""


async def save_offsets(connection: Connection, offsets: Mapping[Partition, int]) -> None:
    """Stores the next offsets to read. They never decrease, so a member that lost its partition undoes nothing."""
    await connection.execute(
        SAVE_OFFSETS, [topic for topic, _ in offsets], [number for _, number in offsets], list(offsets.values())
    )


async def save_published(connection: Connection, offsets: Mapping[Partition, int]) -> None:
    """Stores the offsets up to which outcomes are on the brokers."""
    await connection.execute(
        SAVE_PUBLISHED, [topic for topic, _ in offsets], [number for _, number in offsets], list(offsets.values())
    )


async def load_offsets(connection: Connection, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """The offsets to begin at: records saved but not certainly published are read again."""
    wanted = list(partitions)
    rows = await connection.fetch(LOAD_OFFSETS, [topic for topic, _ in wanted], [number for _, number in wanted])
    return {(row["topic"], row["partition"]): row["published_offset"] for row in rows}


async def read_up_to(connection: Connection, topic: str) -> dict[Partition, int]:
    """The next offsets to read, by partition of a topic."""
    return {(topic, row["partition"]): row["next_offset"] for row in await connection.fetch(READ_UP_TO, topic)}


async def park(
    connection: Connection, partition: Partition, offset: int, event_id: str | None, error: str, detail: str, tries: int
) -> None:
    """Notes a record that could not be handled."""
    await connection.execute(PARK, *partition, offset, event_id, error, detail, tries)


async def park_all(connection: Connection, records: Sequence[Faulty]) -> None:
    """Notes records that could not be handled."""
    places = [(parked.record.topic, parked.record.partition, parked.record.offset) for parked in records]
    reasons = [(parked.event_id, parked.error, parked.detail, parked.attempts) for parked in records]
    await connection.execute(PARK_ALL, *zip(*places, strict=True), *zip(*reasons, strict=True))


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that could not be handled, listed until somebody has dealt with it."""

    topic: str
    partition: int
    offset: int
    event_id: str | None
    error: str
    detail: str
    attempts: int
    parked_at: datetime
    settled_at: datetime | None


async def parked(connection: Connection, *, settled: bool, limit: int, topic: str | None = None) -> list[Parked]:
    """Parked records, of one topic or of all, oldest first; with `settled`, also those dealt with."""
    return [Parked(*row) for row in await connection.fetch(PARKED, settled, limit, topic)]


async def count_parked(connection: Connection) -> int:
    """How many parked records nobody has settled, up to `COUNTED_AT_MOST`."""
    count: int = await connection.fetchval(COUNT_PARKED, COUNTED_AT_MOST)
    return count


async def parked_one(connection: Connection, partition: Partition, offset: int) -> Parked | None:
    """The record parked at this place; None if there is none."""
    row = await connection.fetchrow(PARKED_ONE, *partition, offset)
    return Parked(*row) if row else None


async def settle_parked(connection: Connection, partition: Partition, offset: int, now: datetime) -> bool:
    """Notes that a record was dealt with; False if no such record is waiting."""
    return await connection.fetchval(SETTLE, *partition, offset, now) is not None

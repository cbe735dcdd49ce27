"""How far intake's own topics are in its database, and which inbox messages a lost database had answered."""

from collections.abc import Mapping, Sequence

from shared.kafka.storage import Partition
from shared.service.postgres import Connection

OFFSETS = "SELECT topic, partition, next_offset FROM own_offsets"
# Never backwards: a replica may write older ends later.
NOTE = """
INSERT INTO own_offsets (topic, partition, next_offset)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset
WHERE own_offsets.next_offset < excluded.next_offset
"""
FORGET = "DELETE FROM own_offsets WHERE topic = $1 AND partition = $2"
KEEP_ANSWERED = """
INSERT INTO inbox_answers (topic, "offset")
SELECT answered.topic, answered.number FROM unnest($1::text[], $2::bigint[]) AS answered(topic, number)
JOIN inboxes USING (topic) WHERE answered.number >= inboxes.next_offset
ON CONFLICT DO NOTHING RETURNING "offset"
"""
FORGET_HELD = """
DELETE FROM held_messages USING unnest($1::text[], $2::bigint[]) AS answered(topic, number)
WHERE held_messages.topic = answered.topic AND "offset" = answered.number RETURNING "offset"
"""
TAKE_ANSWERED = 'DELETE FROM inbox_answers WHERE topic = $1 AND "offset" < $2 RETURNING "offset"'


async def offsets(connection: Connection) -> dict[Partition, int]:
    return {(row["topic"], row["partition"]): row["next_offset"] for row in await connection.fetch(OFFSETS)}


async def note_offsets(connection: Connection, ends: Mapping[Partition, int]) -> None:
    """Call it after everything below `ends` is committed. Records are published after their commit, so ends that were
    read before the call qualify."""
    await connection.execute(NOTE, [topic for topic, _ in ends], [number for _, number in ends], list(ends.values()))


async def forget_offset(connection: Connection, partition: Partition) -> None:
    await connection.execute(FORGET, *partition)


async def keep_answered(connection: Connection, answered: Sequence[tuple[str, int]]) -> int:
    """Notes answered inbox messages (topic, offset); returns how many of them this database had yet to answer."""
    where = [topic for topic, _ in answered], [offset for _, offset in answered]
    ahead = await connection.fetch(KEEP_ANSWERED, *where)
    return len(ahead) + len(await connection.fetch(FORGET_HELD, *where))


async def take_answered(connection: Connection, topic: str, up_to: int) -> set[int]:
    """Offsets below `up_to` that were answered before; each is returned once."""
    return {row["offset"] for row in await connection.fetch(TAKE_ANSWERED, topic, up_to)}

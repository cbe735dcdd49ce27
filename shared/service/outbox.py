"""The transactional outbox: events are rows of the transaction that they announce.

A row is a batch. The writer hands it over right after the commit, and the row is deleted once the brokers have it. A
crash in between leaves the row, and the sweep publishes it again under the same ids.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiokafka.errors import TopicAuthorizationFailedError

from shared.kafka.cloudevents import Outgoing
from shared.kafka.producer import EventProducer, EventTooLargeError
from shared.service.postgres import DATABASE_AWAY, Connection, Pool, connected

ENQUEUE = """
INSERT INTO outbox (topics, keys, types, ids, times, traceparents, bodies)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING batch
"""
FINISH = "DELETE FROM outbox WHERE batch = ANY($1::bigint[])"
LEFT_BEHIND = """
SELECT batch, topics, keys, types, ids, times, traceparents, bodies FROM outbox
WHERE created_at < now() - make_interval(secs => $1) ORDER BY batch LIMIT 100
"""
UNPUBLISHED = """
SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS counted),
       coalesce((SELECT extract(epoch FROM now() - created_at) FROM outbox ORDER BY batch LIMIT 1), 0)::float8
"""
COUNTED_AT_MOST: Final = 1000
SWEEP_AFTER_SECONDS: Final = 5.0
_log = structlog.get_logger()


async def enqueue(connection: Connection, events: Sequence[Outgoing]) -> int:
    """Writes one batch in the caller's transaction; see `OutboxPublisher.transaction`."""
    batch: int = await connection.fetchval(
        ENQUEUE,
        [event.topic for event in events],
        [event.key for event in events],
        [event.type for event in events],
        [event.id for event in events],
        [event.time for event in events],
        [event.traceparent or "" for event in events],
        [event.body for event in events],
    )
    return batch


async def unpublished(connection: Connection) -> tuple[int, float]:
    """How many batches are not published, up to `COUNTED_AT_MOST`, and the age of the oldest in seconds."""
    row = await connection.fetchrow(UNPUBLISHED, COUNTED_AT_MOST)
    assert row is not None  # noqa: S101 -- a query without FROM has one row
    return row[0], max(0.0, row[1])


class OutboxPublisher:
    """Publishes batches handed over, many at a time, and batches that a crash left."""

    def __init__(self, producer: EventProducer) -> None:
        self._producer = producer
        self._handed: asyncio.Queue[tuple[int, Sequence[Outgoing]]] = asyncio.Queue()

    @asynccontextmanager
    async def transaction(self, pool: Pool) -> AsyncIterator[tuple[Connection, list[Outgoing]]]:
        """A transaction and its list of events: they are published once it is committed, or not at all."""
        events: list[Outgoing] = []
        async with connected(pool) as connection, connection.transaction():
            yield connection, events
            batch = await enqueue(connection, events) if events else 0
        if events:
            self.hand_over(batch, events)

    def hand_over(self, batch: int, events: Sequence[Outgoing]) -> None:
        """Queues a committed batch for publishing."""
        self._handed.put_nowait((batch, events))

    async def publish_handed(self, pool: Pool) -> None:
        """A periodic job: waits for a batch, and publishes it with all others queued meanwhile."""
        taken = [await self._handed.get()]
        while not self._handed.empty():
            taken.append(self._handed.get_nowait())
        await self._producer.publish([event for _, events in taken for event in events])
        await self._finish(pool, [batch for batch, _ in taken])

    async def sweep(self, pool: Pool, after_seconds: float = SWEEP_AFTER_SECONDS) -> None:
        """A periodic job: publishes batches left by a crash. Two replicas may publish the same, under the same ids."""
        async with connected(pool) as connection:
            rows = await connection.fetch(LEFT_BEHIND, after_seconds)
        for row in rows:
            columns = ("topics", "keys", "types", "ids", "times", "traceparents", "bodies")
            events = [
                Outgoing(
                    topic=topic,
                    key=key,
                    type=kind,
                    id=identifier,
                    subject=key,
                    time=time,
                    body=body,
                    traceparent=traceparent or None,
                )
                for topic, key, kind, identifier, time, traceparent, body in zip(
                    *(row[column] for column in columns), strict=True
                )
            ]
            try:
                await self._producer.publish(events)
            except (EventTooLargeError, TopicAuthorizationFailedError) as error:  # it stays, and the others continue
                _log.error("can't publish batch", batch=row["batch"], error=str(error))
                continue
            _log.warning("published left batch", batch=row["batch"], events=len(events))
            await self._finish(pool, [row["batch"]])

    async def _finish(self, pool: Pool, batches: list[int]) -> None:
        try:
            async with connected(pool) as connection:
                await connection.execute(FINISH, batches)
        except DATABASE_AWAY as error:
            _log.warning("left batches marked unpublished", batches=batches, error=type(error).__name__)

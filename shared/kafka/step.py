"""One step of a consumer: saves the effects of a batch of records and its next offsets in one transaction.

decode → handle and save with the offsets → (the consumer publishes and commits). A failing batch is halved until the
faulty record is alone. That record is retried a few times, then dead-lettered and parked, but only while the database
answers. While the database is unavailable, no record is to blame: the step waits.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog

from shared.contracts.topics import CONTACTS
from shared.contracts.values import Contract
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Decoder, Event, Tombstone, UnreadableRecordError
from shared.kafka.storage import Partition, load_offsets, park, save_offsets, save_published
from shared.service.postgres import CONTENDED, DATABASE_AWAY, Connection, Pool, connected
from shared.service.telemetry import Metrics

ATTEMPTS: Final = 4
Result = TypeVar("Result")
_log = structlog.get_logger()

Incoming = Event[Contract] | Tombstone
Handler = Callable[[Connection, Sequence[Incoming]], Awaitable[Sequence[Outgoing]]]
"""Decides and writes on the given connection; returns what to publish once that is committed."""
DeadLetter = Callable[[Any, str, str, int], Awaitable[None]]
"""Publishes a record as a dead letter: the record, error code, detail, attempts."""


class StoppedError(RuntimeError):
    """The service is stopping; the batch was not saved and will be read again."""

    code = "stopped"


def next_offsets(records: Sequence[Any]) -> dict[tuple[str, int], int]:
    """By partition, the offset after the last record of the batch."""
    offsets: dict[tuple[str, int], int] = {}
    for record in records:
        offsets[record.topic, record.partition] = record.offset + 1
    return offsets


@dataclass(slots=True)
class Step:
    """The steps of one topic's consumer."""

    pool: Callable[[], Pool]
    """Returns the open pool; consumers are declared before there is one."""
    decoder: Decoder
    handle: Handler
    dead_letter: DeadLetter
    metrics: Metrics
    stopping: asyncio.Event

    async def take(self, records: Sequence[Any], settled: Mapping[Partition, int]) -> list[Outgoing]:
        """Saves the effects of every record, or parks it; returns what to publish, in order.

        `settled`: offsets up to which earlier batches are published, noted here. Raises StoppedError.
        """
        published: list[Outgoing] = []
        if settled:
            await self.note_published(settled)
        waiting: list[Sequence[Any]] = [records]
        while waiting:
            part = waiting.pop()
            try:
                published += await self._save(part)
            except StoppedError:
                raise
            except Exception as error:  # noqa: BLE001 -- whatever a handler raises is bisected, retried, then parked
                if len(part) > 1:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]
                    self._count_retry(part, "bisected")
                else:
                    published += await self._retry(part[0], error)
        return published

    async def _save(self, records: Sequence[Any]) -> Sequence[Outgoing]:
        events = [event for event in map(self.decoder.decode, records) if event is not None]

        async def write(connection: Connection) -> Sequence[Outgoing]:
            published = await self.handle(connection, events) if events else ()
            await save_offsets(connection, next_offsets(records))
            return published

        return await self._transact(write)

    async def note_published(self, offsets: Mapping[Partition, int]) -> None:
        """Stores the offsets up to which outcomes are published."""
        await self._transact(lambda connection: save_published(connection, offsets), at_the_end=True)

    async def stored_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offsets to begin at. It waits for the database, since beginning elsewhere could skip records."""
        return await self._transact(lambda connection: load_offsets(connection, partitions))

    async def _transact(self, write: Callable[[Connection], Awaitable[Result]], *, at_the_end: bool = False) -> Result:
        """Runs `write` in one transaction; waits with growing pauses while the database is unavailable.

        While the service is stopping, only writes `at_the_end` begin, and nothing waits. Raises StoppedError.
        """
        pause = 0.1
        while True:
            if self.stopping.is_set() and not at_the_end:
                raise StoppedError
            try:
                async with connected(self.pool()) as connection, connection.transaction():
                    return await write(connection)
            except CONTENDED as error:
                self.metrics.retries.labels("", type(error).__name__).inc()
                await asyncio.sleep(0.05 * random.random())  # noqa: S311 -- jitter
            except DATABASE_AWAY as error:
                if self.stopping.is_set():
                    raise StoppedError from error
                _log.warning("waits for the database", error=str(error), seconds=round(pause, 1))
                self.metrics.retries.labels("", "database-away").inc()
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 -- jitter
                pause = min(pause * 2, 5)

    async def _retry(self, record: Any, error: Exception) -> Sequence[Outgoing]:
        """Retries a single record, unless it is unreadable; then parks it."""
        attempts = 1
        while attempts < ATTEMPTS and not isinstance(error, UnreadableRecordError):
            await asyncio.sleep(0.1 * 2**attempts * random.uniform(0.5, 1.5))  # noqa: S311 -- jitter
            attempts += 1
            self._count_retry([record], type(error).__name__)
            try:
                return await self._save([record])
            except StoppedError:
                raise
            except Exception as again:  # noqa: BLE001 -- counted, and parked with its last error
                error = again
        await self._park(record, error, attempts)
        return ()

    async def _park(self, record: Any, error: Exception, attempts: int) -> None:
        code = getattr(error, "code", None) or type(error).__name__
        # An error may quote the record, and the personal data of contacts.v1 may be nowhere else.
        bare = record.topic.endswith(CONTACTS.name)
        detail = "" if bare else str(error)[:1000].replace("\x00", "␀")
        event_id = next((v.decode(errors="replace") for k, v in record.headers if k == "ce_id" and v), None)
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}

        async def control(connection: Connection) -> None:
            await connection.fetchval("SELECT 1")

        async def write(connection: Connection) -> None:
            place = (record.topic, record.partition)
            await park(connection, place, record.offset, event_id, code, detail, attempts)
            await save_offsets(connection, next_offsets([record]))

        await self._transact(control)
        await self.dead_letter(record, code, detail, attempts)
        await self._transact(write)
        self.metrics.dead_letters.labels(record.topic).inc()
        _log.error("parked record", **where, event_id=event_id, error=code, detail=detail, attempts=attempts)

    def _count_retry(self, records: Sequence[Any], cause: str) -> None:
        self.metrics.retries.labels(records[0].topic, cause).inc()

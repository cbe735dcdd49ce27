"""One step of a consumer: saves the effects of a batch of records and its next offsets in one transaction.

decode → handle and save with the offsets → (the consumer publishes and commits). Records that can't be decoded are
parked first, all at once. If handling the others fails, the batch is halved until the faulty record is alone. That
record is retried a few times, then dead-lettered and parked, but only while the database answers. While the database is
unavailable, no record is to blame: the step waits.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog

from shared.contracts.values import Contract
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Decoder, Event, Faulty, Tombstone, faulty
from shared.kafka.storage import Partition, load_offsets, park_all, save_offsets, save_published
from shared.service.postgres import CONTENDED, DATABASE_AWAY, Connection, Pool, connected
from shared.service.telemetry import Metrics

ATTEMPTS: Final = 4
Result = TypeVar("Result")
_log = structlog.get_logger()

Incoming = Event[Contract] | Tombstone
Handler = Callable[[Connection, Sequence[Incoming]], Awaitable[Sequence[Outgoing]]]
"""Decides and writes on the given connection; returns what to publish once that is committed."""
DeadLetter = Callable[[Sequence[Faulty]], Awaitable[None]]
"""Publishes records as dead letters."""
_Decoded = tuple[Any, Incoming | None]
"""A record, and what it says; None: it is parked, or of a type that this version does not know."""


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
    progressed_at: float = field(default_factory=time.monotonic, init=False)
    """When something was last begun, saved or parked, on the clock of `time.monotonic`."""

    async def take(self, records: Sequence[Any], settled: Mapping[Partition, int]) -> list[Outgoing]:
        """Saves the effects of every record, or parks it; returns what to publish, in order.

        `settled`: offsets up to which earlier batches are published, noted here. Raises StoppedError.
        """
        published: list[Outgoing] = []
        if settled:
            await self.note_published(settled)
        topic = records[0].topic
        with self.metrics.stages.labels(topic, "decode").time():
            decoded, unreadable = self._decoded(records)
        if unreadable:
            await self._park(unreadable)
        waiting: list[Sequence[_Decoded]] = [decoded]
        saving = time.monotonic()
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
                    self._count_retry(part[0][0], "bisected")
                else:
                    published += await self._retry(part[0], error)
            self.progressed_at = time.monotonic()
        self.metrics.stages.labels(topic, "save").observe(self.progressed_at - saving)
        return published

    def _decoded(self, records: Sequence[Any]) -> tuple[list[_Decoded], list[Faulty]]:
        """The records with what they say, and those that can't be decoded. These stay among the records: offsets are
        saved in order, and one that is saved says that everything before it was taken or parked."""
        decoded: list[_Decoded] = []
        unreadable: list[Faulty] = []
        for record in records:
            try:
                decoded.append((record, self.decoder.decode(record)))
            except Exception as error:  # noqa: BLE001 -- decoding is a function of the record alone
                decoded.append((record, None))
                unreadable.append(faulty(record, error, 1))
        return decoded, unreadable

    async def _save(self, part: Sequence[_Decoded]) -> Sequence[Outgoing]:
        events = [event for _, event in part if event is not None]

        async def write(connection: Connection) -> Sequence[Outgoing]:
            published = await self.handle(connection, events) if events else ()
            await save_offsets(connection, next_offsets([record for record, _ in part]))
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

    async def _retry(self, decoded: _Decoded, error: Exception) -> Sequence[Outgoing]:
        """Retries a single record; then parks it."""
        record, _ = decoded
        for attempt in range(2, ATTEMPTS + 1):
            await asyncio.sleep(0.05 * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 -- jitter
            self._count_retry(record, type(error).__name__)
            try:
                return await self._save([decoded])
            except StoppedError:
                raise
            except Exception as again:  # noqa: BLE001 -- counted, and parked with its last error
                error = again
        await self._park([faulty(record, error, ATTEMPTS)])
        return await self._save([(record, None)])

    async def _park(self, records: Sequence[Faulty]) -> None:
        """Publishes the records as dead letters and lists them as parked. A crash in between repeats dead letters."""

        async def control(connection: Connection) -> None:
            await connection.fetchval("SELECT 1")

        await self._transact(control)
        await self.dead_letter(records)
        await self._transact(lambda connection: park_all(connection, records))
        first = records[0]
        self.metrics.dead_letters.labels(first.record.topic).inc(len(records))
        _log.error(
            "parked records",
            records=len(records),
            topic=first.record.topic,
            partition=first.record.partition,
            offset=first.record.offset,
            event_id=first.event_id,
            error=first.error,
            detail=first.detail,
            attempts=first.attempts,
        )
        self.progressed_at = time.monotonic()

    def _count_retry(self, record: Any, cause: str) -> None:
        self.metrics.retries.labels(record.topic, cause).inc()

"""Opens intake once its database holds all that intake ever published: a restored database catches up first.

Every record on the topics was committed here before it was published. So, while intake runs, it notes the topics' end
offsets regularly: everything below is in the database. At the start it reads again what lies behind the notes, usually
a few seconds of records; after a restore that is everything since the backup, and what is missing is put back.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.intake.storage import epochs, institutions, restore, rounds, tokens
from services.intake.usecases.replayed_topics import OUTBOX, PHASES, SHARED, ReplayedTopic
from shared.contracts import topics
from shared.kafka.step import next_offsets
from shared.kafka.storage import Partition, park
from shared.service import audit
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import CONTENDED, DATABASE_AWAY, Connection, Pool, connected
from shared.service.repeating import Job

_NOTE_SECONDS: Final = 5.0
_BATCH_RECORDS: Final = 2000
_log = structlog.get_logger()


class DatabaseSetBackError(RuntimeError):
    """The database was put back to an earlier moment while this replica ran."""

    code = "database-set-back"


@dataclass(slots=True)
class _CatchUp:
    """One pass over the records behind the notes."""

    noted: dict[Partition, int]
    records: int = 0
    rows: int = 0
    put_back: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Restore:
    """Closed at first. Several replicas may catch up at once: rows that exist already stay."""

    def __init__(
        self,
        make_consumer: Callable[[], Any],
        prefix: str,
        outbox: OutboxPublisher,
        now: Callable[[], datetime],
        make_key: Callable[[Pool], Awaitable[object]],
        end: Callable[[], None],
    ) -> None:
        """`make_key` makes the key that signs, if there is none; `end` ends the process, to be started again."""
        self._make_consumer = make_consumer
        self._prefix = prefix
        self._outbox = outbox
        self._now = now
        self._make_key = make_key
        self._end = end
        self._opened = asyncio.Event()
        self._noted: dict[Partition, int] = {}
        self._progress = "not begun"

    def missing(self) -> str | None:
        """Why intake is still closed, or None."""
        return None if self._opened.is_set() else self._progress

    def once_open(self, job: Job) -> Job:
        """The job, begun once the database is complete."""

        async def gated() -> None:
            await self._opened.wait()
            await job()

        return gated

    async def keep(self, pool: Pool) -> None:
        """A periodic job: catches up, opens, and notes how far the topics are in the database, for ever."""
        await self._make_secrets(pool)
        consumer = self._make_consumer()
        try:
            await consumer.start()
            shared = await self._partitions(consumer)
            await self._catch_up(consumer, pool, shared)
            self._opened.set()
            await self._note(consumer, pool, shared)
        except KafkaError as error:
            _log.warning("waits for Kafka", job="restore", error=str(error))
        except DatabaseSetBackError as error:
            self._opened.clear()
            self._progress = "the database was put back: starts again"
            _log.error("ends the process", error=str(error))
            self._end()
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), 10)

    async def _make_secrets(self, pool: Pool) -> None:
        """Makes secrets at the first start, so that every backup has them: tokens made with others could not be
        restored."""
        await self._make_key(pool)
        async with connected(pool) as connection:
            await tokens.secret(connection, "access-tokens")

    async def _partitions(self, consumer: Any) -> list[TopicPartition]:
        """The partitions of the shared topics; a consumer knows a topic's partitions after its first look."""
        self._progress = "waits for its own topics"
        names = [self._prefix + name for name in SHARED]
        await _ends(consumer, [TopicPartition(name, 0) for name in names])
        return sorted(TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name))

    async def _outboxes(self, consumer: Any, pool: Pool) -> list[TopicPartition]:
        """Existing outboxes of registered institutions: one that has left may have lost its topics."""
        async with connected(pool) as connection:
            codes = [row["institution"] for row in await institutions.institutions(connection, public=False)]
        named = {self._prefix + topics.outbox(str(code)).name for code in codes}
        return [TopicPartition(topic, 0) for topic in sorted(named & await consumer.topics())] if named else []

    async def _catch_up(self, consumer: Any, pool: Pool, shared: Sequence[TopicPartition]) -> None:
        began = time.monotonic()
        async with connected(pool) as connection:
            reading = _CatchUp(await self._load(connection))
        behind = await self._behind(consumer, pool, reading, shared)
        for phase in PHASES:
            owned = {self._prefix + name: own for name, own in phase.items()}
            there = {place: end for place, end in behind.items() if place.topic in owned}
            await self._read(consumer, pool, reading, there, owned)
        outboxes = await self._outboxes(consumer, pool)
        behind = await self._behind(consumer, pool, reading, outboxes)
        await self._read(consumer, pool, reading, behind, {place.topic: OUTBOX for place in outboxes})
        if reading.rows:
            await self._record(pool, reading)
        seconds = round(time.monotonic() - began, 3)
        _log.info("caught up", records=reading.records, put_back=dict(reading.put_back), seconds=seconds)

    async def _behind(
        self, consumer: Any, pool: Pool, reading: _CatchUp, places: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """The present ends of partitions with more records than noted: whoever writes after that writes to this
        database too. Seeks the consumer to the notes."""
        ends = await _ends(consumer, places) if places else {}
        behind = {}
        for place, end in ends.items():
            noted = reading.noted.get(tuple(place), 0)
            if noted > end:
                await self._begin_again(pool, place, noted, end)
                noted = 0
            if noted < end:
                consumer.seek(place, noted)
                behind[place] = end
        return behind

    async def _read(
        self,
        consumer: Any,
        pool: Pool,
        reading: _CatchUp,
        behind: dict[TopicPartition, int],
        owned: dict[str, ReplayedTopic],
    ) -> None:
        consumer.resume(*behind)
        while behind:
            left = [end - await consumer.position(place) for place, end in behind.items()]
            self._progress = f"{sum(left)} records behind its own topics"
            by_topic: dict[str, list[Any]] = defaultdict(list)
            for place, records in (await consumer.getmany(timeout_ms=200, max_records=_BATCH_RECORDS)).items():
                by_topic[place.topic] += records
            for topic, records in by_topic.items():
                await self._take(pool, reading, topic, owned[topic], records)
            done = [place for place, end in behind.items() if await consumer.position(place) >= end]
            consumer.pause(*done)
            behind = {place: end for place, end in behind.items() if place not in done}

    async def _begin_again(self, pool: Pool, place: TopicPartition, noted: int, end: int) -> None:
        _log.error("topic is shorter than it was", topic=place.topic, partition=place.partition, noted=noted, end=end)
        async with connected(pool) as connection:
            await restore.forget_offset(connection, (place.topic, place.partition))
        self._noted.pop((place.topic, place.partition), None)

    async def _take(
        self, pool: Pool, reading: _CatchUp, topic: str, own: ReplayedTopic, records: Sequence[Any]
    ) -> None:
        """Halves a failing batch until the bad record is alone; that one is parked."""
        try:
            await self._save(pool, reading, topic, own, records)
        except (*CONTENDED, *DATABASE_AWAY):
            raise
        except Exception as error:  # noqa: BLE001 -- isolated, then parked
            middle = len(records) // 2
            if middle:
                await self._take(pool, reading, topic, own, records[:middle])
                await self._take(pool, reading, topic, own, records[middle:])
            else:
                await self._park(pool, records[0], error)

    async def _save(
        self, pool: Pool, reading: _CatchUp, topic: str, own: ReplayedTopic, records: Sequence[Any]
    ) -> None:
        batch = [event for event in map(own.decoder.decode, records) if event is not None]
        async with connected(pool) as connection, connection.transaction():
            rows = await own.put_back(connection, batch, self._prefix)
            await restore.note_offsets(connection, next_offsets(records))
        reading.records += len(records)
        reading.rows += rows
        if rows:
            reading.put_back[topic.removeprefix(self._prefix)] += rows

    async def _park(self, pool: Pool, record: Any, error: Exception) -> None:
        code = getattr(error, "code", None) or type(error).__name__
        identifier = next((value.decode(errors="replace") for name, value in record.headers if name == "ce_id"), None)
        where = (record.topic, record.partition)
        async with connected(pool) as connection, connection.transaction():
            await park(connection, where, record.offset, identifier, code, str(error)[:1000].replace("\x00", "␀"), 1)
            await restore.note_offsets(connection, next_offsets([record]))
        _log.error("parked record", topic=record.topic, partition=record.partition, offset=record.offset, error=code)

    async def _record(self, pool: Pool, reading: _CatchUp) -> None:
        """Writes a line to the audit log, whose end the restore cut off, and checks every frozen set."""
        async with self._outbox.transaction(pool) as (connection, events):
            detail = {"records": reading.records, "put_back": dict(reading.put_back)}
            events.append(await audit.record(connection, "intake", self._now(), "intake", "restore", detail))
        async with connected(pool) as connection:
            for stored in await rounds.load_all(connection):
                if stored.applications is None or stored.requests is None:
                    continue
                applications = await epochs.application_digest(connection, stored.window.round)
                requests = await epochs.request_digest(connection, stored.window.round)
                if (applications.root, requests.root) != (stored.applications["root"], stored.requests["root"]):
                    _log.error("restored set differs from frozen set", round=stored.window.round, epoch=stored.epoch)

    async def _load(self, connection: Connection) -> dict[Partition, int]:
        """The notes. Raises DatabaseSetBackError when they went backwards."""
        stored = await restore.offsets(connection)
        for (topic, partition), noted in self._noted.items():
            if stored.get((topic, partition), 0) < noted:
                raise DatabaseSetBackError(f"{topic} {partition} was in the database up to {noted}, and is not now")
        self._noted = dict(stored)
        return stored

    async def _note(self, consumer: Any, pool: Pool, shared: Sequence[TopicPartition]) -> None:
        """Reads the ends first: everything below them was committed before it was published."""
        places: list[TopicPartition] = []
        registered = -1
        while True:
            async with connected(pool) as connection:
                known = len(await institutions.inbox_offsets(connection))
            if known != registered:
                places = [*shared, *await self._outboxes(consumer, pool)]
                registered = known
            ends = {tuple(place): end for place, end in (await _ends(consumer, places)).items()}
            async with connected(pool) as connection, connection.transaction():
                stored = await self._load(connection)
                await restore.note_offsets(connection, ends)
            self._noted = stored | {place: max(end, stored.get(place, 0)) for place, end in ends.items()}
            await asyncio.sleep(_NOTE_SECONDS)


async def _ends(consumer: Any, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The end offsets of partitions.

    Assigns them, since ends of unassigned ones take 0.1 s each; pauses them, since a fetch that waits for records
    delays every other request of its connection by half a second.
    """
    if set(places) != consumer.assignment():
        consumer.assign(places)
        consumer.pause(*places)
    ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    return ends

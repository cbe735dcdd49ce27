"""Reads the institutions' inboxes: no group, shards leased by session locks, offsets in our own database.

A lost lease can do no harm: every batch moves the stored offset from what it read to what follows, by compare-and-set,
in the transaction of its effects.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.intake.domain.shards import SHARDS
from services.intake.handlers.messages import answers_among, take_messages
from services.intake.storage import institutions, leases, requests, restore, uploads
from services.intake.storage.requests import InboxMessage, InboxMovedError
from shared.clock import broker_time
from shared.kafka.cloudevents import trace_of, type_name
from shared.kafka.storage import park
from shared.outbox import OutboxPublisher
from shared.postgres import CONTENDED, DATABASE_AWAY, Connection, Pool, connected

_ATTEMPTS = 4
_log = structlog.get_logger()


class Leases:
    """This replica's fair share of the shards."""

    def __init__(self) -> None:
        self.held: set[int] = set()

    async def renew(self, connection: Connection) -> set[int]:
        """Takes or gives back shards until this replica has its share; returns those held."""
        fair = -(-SHARDS // max(1, await leases.live_replicas(connection)))
        for shard in sorted(self.held)[fair:]:
            await leases.give_back_shard(connection, shard)
            self.held.discard(shard)
        for shard in range(SHARDS):
            if len(self.held) < fair and shard not in self.held and await leases.take_shard(connection, shard):
                self.held.add(shard)
        return self.held


class InboxReader:
    """Takes what institutions send. A new inbox is read within a second of its registration."""

    def __init__(
        self, make_consumer: Callable[[], Any], prefix: str, outbox: OutboxPublisher, now: Callable[[], datetime]
    ) -> None:
        self._make_consumer = make_consumer
        self._prefix = prefix
        self._outbox = outbox
        self._now = now
        self._reading: dict[str, int] = {}

    async def read(self, pool: Pool) -> None:
        """A duty: reads until the database or Kafka goes away; then everything is leased and assigned anew."""
        consumer = self._make_consumer()
        try:
            await consumer.start()
            async with connected(pool) as leasing:
                await self._read_leased(consumer, leasing, pool)
        except KafkaError as error:
            _log.warning("waits for Kafka", duty="inboxes", error=str(error))
        finally:
            self._reading = {}
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), 10)

    async def _read_leased(self, consumer: Any, leasing: Connection, pool: Pool) -> None:
        """The leases are locks of the session of `leasing`, which is held as long as inboxes are read."""
        await leases.announce_replica(leasing, secrets.randbelow(2**31))
        mine = Leases()
        while True:
            await self._follow(consumer, leasing, await mine.renew(leasing))
            if self._reading:
                await self._take_for(consumer, pool, 0.3)
            else:
                await asyncio.sleep(0.3)

    async def _follow(self, consumer: Any, connection: Connection, shards: set[int]) -> None:
        """Assigns the inboxes of `shards` if they are not what is read, and seeks to the stored offsets."""
        there = await institutions.inboxes(connection, sorted(shards))
        if {box.topic for box in there} == self._reading.keys():
            return
        if there:
            consumer.assign([TopicPartition(box.topic, 0) for box in there])
        else:
            consumer.unsubscribe()
        for box in there:
            consumer.seek(TopicPartition(box.topic, 0), box.next_offset)
        self._reading = {box.topic: box.next_offset for box in there}
        _log.info("reads inboxes", inboxes=len(there))

    async def _take_for(self, consumer: Any, pool: Pool, seconds: float) -> None:
        ends = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends:
            batch = await consumer.getmany(timeout_ms=100, max_records=500)
            for place, records in batch.items():
                if not await self._take(pool, place.topic, records):
                    self._reading = {}  # another replica has it: lease and assign anew
                    return

    async def _take(self, pool: Pool, topic: str, records: Sequence[Any]) -> bool:
        """Takes a batch of one inbox; a batch that fails is taken record by record. False when the lease is lost."""
        attempts = 0
        while True:
            try:
                await self._save(pool, topic, records)
            except InboxMovedError:
                _log.info("lost inbox", topic=topic)
                return False
            except (*CONTENDED, *DATABASE_AWAY) as error:
                _log.warning("takes inbox again", topic=topic, error=type(error).__name__)
                await asyncio.sleep(0.5)
            except Exception as error:  # noqa: BLE001 -- isolated, retried, then parked
                if len(records) > 1:
                    return all([await self._take(pool, topic, [record]) for record in records])
                attempts += 1
                if attempts >= _ATTEMPTS:
                    await self._park(pool, topic, records[0], error)
                    return True
                await asyncio.sleep(0.2 * 2**attempts)
            else:
                return True

    async def _save(self, pool: Pool, topic: str, records: Sequence[Any]) -> None:
        async with self._outbox.transaction(pool) as (connection, events):
            await requests.move_offset(connection, topic, self._reading[topic], records[-1].offset + 1)
            answered = await restore.take_answered(connection, topic, records[-1].offset + 1)
            messages = [self._message(topic, record) for record in records if record.offset not in answered]
            uploaded = await uploads.taken(connection, messages)
            messages = [one for one in messages if uploaded.get(one.message_id, one.offset) == one.offset]
            nonces = [secrets.token_hex(16) for _ in messages]
            events += await take_messages(connection, messages, self._now(), nonces)
            if uploaded:
                await uploads.answered(connection, answers_among(events))
        self._reading[topic] = records[-1].offset + 1
        _log.info("took inbox messages", topic=topic, messages=len(messages), offset=records[-1].offset)

    async def _park(self, pool: Pool, topic: str, record: Any, error: Exception) -> None:
        detail = str(error)[:1000].replace("\x00", "␀")
        async with connected(pool) as connection, connection.transaction():
            await park(connection, (topic, 0), record.offset, None, type(error).__name__, detail, _ATTEMPTS)
            await requests.move_offset(connection, topic, self._reading[topic], record.offset + 1)
        self._reading[topic] = record.offset + 1
        _log.error("parked inbox message", topic=topic, offset=record.offset, error=type(error).__name__)

    def _message(self, topic: str, record: Any) -> InboxMessage:
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        institution = topic.removeprefix(self._prefix).removeprefix("institution.").removesuffix(".inbox.v1")
        return InboxMessage(
            topic,
            record.offset,
            institution,
            type_name(headers.get("ce_type", "")).replace("\x00", "␀"),
            headers.get("ce_id", f"offset:{record.offset}")[:200].replace("\x00", ""),
            record.value or b"",
            broker_time(record.timestamp),
            trace_of(headers.get("traceparent")),
        )

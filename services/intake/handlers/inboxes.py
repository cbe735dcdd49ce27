"""Reads the institutions' inboxes without a consumer group.

Shards are leased by session locks, and offsets are in our own database. A lost lease does no harm: every read moves the
stored offset from its first record to the next one, by compare-and-set, in the transaction of its effects.

Each inbox gets a read slot per pass: a bounded number of records, a few inboxes at a time. So no inbox waits for more
than one slot of every other.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError

from services.intake.handlers.leasing import Leases
from services.intake.storage import institutions, leases, requests, restore, uploads
from services.intake.storage.requests import InboxMessage, InboxMovedError
from services.intake.usecases.inbox_answers import answers_among
from services.intake.usecases.inbox_messages import take_messages
from services.intake.usecases.inbox_parsing import clean_id, read_message
from services.intake.usecases.inbox_watch import InboxWatch
from shared.clock import broker_time
from shared.contracts.topics import institution_of_inbox
from shared.kafka.batches import Unreadable
from shared.kafka.cloudevents import trace_of, type_name
from shared.kafka.read_slots import SlotReader
from shared.kafka.storage import park
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import CONTENDED, DATABASE_AWAY, Connection, Pool, connected, session_of

SLOT_RECORDS: Final = 100
"""Most records of one read slot."""
FETCH_BYTES: Final = 32_768
"""Most bytes fetched of one inbox: less than a slot of requests, since leftovers delay the next fetch."""
AT_ONCE: Final = 3
"""Inboxes that have a slot at the same time, each on a connection of the pool."""
_ATTEMPTS: Final = 4
_log = structlog.get_logger()


class LeaseLostError(RuntimeError):
    """Another replica reads an inbox that this one was reading."""

    code = "lease-lost"


@dataclass(frozen=True, slots=True)
class _Leftover:
    """Records that an inbox had in its slot and that wait for a later one."""

    records: Sequence[Any]
    following: int
    singly: bool = False
    attempts: int = 0
    """Failed attempts at the first of the records."""
    due: float = 0.0


class InboxReader:
    """Takes the messages that institutions send. A new inbox is read within a second of its registration."""

    def __init__(
        self,
        make_consumer: Callable[[], SlotReader],
        prefix: str,
        outbox: OutboxPublisher,
        now: Callable[[], datetime],
        watch: InboxWatch,
    ) -> None:
        self._make_consumer = make_consumer
        self._prefix = prefix
        self._outbox = outbox
        self._now = now
        self._watch = watch
        self._reading: dict[str, int] = {}
        self._leftovers: dict[str, _Leftover] = {}

    async def read(self, pool: Pool) -> None:
        """A periodic job: reads until the database or Kafka goes away; then leases and assigns everything anew."""
        consumer = self._make_consumer()
        try:
            await consumer.start()
            async with session_of(pool) as leasing:
                await self._read_leased(consumer, leasing, pool)
        except KafkaError as error:
            _log.warning("waits for Kafka", job="inboxes", error=str(error))
        finally:
            self._reading = {}
            await consumer.stop()

    async def _read_leased(self, consumer: SlotReader, leasing: Connection, pool: Pool) -> None:
        """The leases are locks of the session `leasing`, which stays open as long as inboxes are read."""
        await leases.announce_replica(leasing, secrets.randbelow(2**31))
        mine = Leases()
        while True:
            await self._follow(consumer, leasing, await mine.renew(leasing))
            if not self._reading:
                await asyncio.sleep(0.3)
                continue
            try:
                await self._read_slots(consumer, pool, 0.3)
            except LeaseLostError:
                self._reading = {}  # lease and assign anew

    async def _follow(self, consumer: SlotReader, connection: Connection, shards: set[int]) -> None:
        """Starts reading the inboxes of `shards` from the stored offsets, unless it reads them already. Unreadable ones
        are left out until they can be read."""
        there = await institutions.inboxes(connection, sorted(shards))
        offsets = {box.topic: box.next_offset for box in there if box.topic not in self._watch.unreadable}
        if offsets.keys() == self._reading.keys():
            return
        consumer.follow(offsets)
        self._reading, self._leftovers = offsets, {}
        _log.info("reads inboxes", inboxes=len(offsets), left_out=len(there) - len(offsets))

    async def _read_slots(self, consumer: SlotReader, pool: Pool, seconds: float) -> None:
        """Gives ready inboxes a slot each, a few at a time, for about `seconds`."""
        at_once = asyncio.Semaphore(AT_ONCE)

        async def read_slot(topic: str) -> None:
            async with at_once:
                await self._read_slot(consumer, pool, topic)

        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            due = [topic for topic, left in self._leftovers.items() if left.due <= time.monotonic()]
            resting = self._leftovers.keys() | self._watch.unreadable.keys()
            ready = [*due, *await consumer.waiting(0 if due else 0.1, resting)]
            for error in await asyncio.gather(*map(read_slot, ready), return_exceptions=True):
                if error is not None:
                    raise error

    async def _read_slot(self, consumer: SlotReader, pool: Pool, topic: str) -> None:
        left = self._leftovers.pop(topic, None)
        if left is None:
            try:
                taken = await consumer.take(topic, SLOT_RECORDS)
            except KafkaConnectionError:
                raise
            except KafkaError as error:
                self._watch.found(topic, error)
                return
            left = _Leftover(taken.records, taken.next_offset)
        await self._take(pool, topic, left)
        if topic not in self._leftovers and left.following > self._reading[topic]:  # control records follow them
            await self._pass_over(pool, topic, left.following)

    async def _take(self, pool: Pool, topic: str, left: _Leftover) -> None:
        """Takes records of one inbox, one by one if they fail together. A record that fails alone is retried in later
        slots, then parked; meanwhile only its own inbox waits."""
        if left.records and not left.singly and await self._fault(pool, topic, left.records) is None:
            return
        attempts = left.attempts
        for number, record in enumerate(left.records):
            fault = await self._fault(pool, topic, [record])
            if isinstance(fault, (*CONTENDED, *DATABASE_AWAY)):
                self._leave(topic, left, number, attempts, 0.5)
                return
            if fault is not None:
                attempts += 1
                if attempts < _ATTEMPTS:
                    self._leave(topic, left, number, attempts, 0.2 * 2**attempts)
                    return
                await self._park(pool, topic, record, fault)
            attempts = 0

    def _leave(self, topic: str, left: _Leftover, number: int, attempts: int, seconds: float) -> None:
        due = time.monotonic() + seconds
        self._leftovers[topic] = _Leftover(left.records[number:], left.following, True, attempts, due)

    async def _fault(self, pool: Pool, topic: str, records: Sequence[Any]) -> Exception | None:
        """Saves the records; returns the exception if that fails. Raises LeaseLostError."""
        try:
            await self._save(pool, topic, records)
        except InboxMovedError as error:
            _log.info("lost inbox", topic=topic)
            raise LeaseLostError(topic) from error
        except Exception as error:  # noqa: BLE001 -- isolated, retried, then parked
            _log.warning("retries inbox", topic=topic, records=len(records), error=type(error).__name__)
            return error
        return None

    async def _save(self, pool: Pool, topic: str, records: Sequence[Any]) -> None:
        following = records[-1].offset + 1
        async with self._outbox.transaction(pool) as (connection, events):
            await requests.move_offset(connection, topic, self._reading[topic], following)
            answered = await restore.take_answered(connection, topic, following)
            messages = [self._message(topic, record) for record in records if record.offset not in answered]
            uploaded = await uploads.taken(connection, messages)
            messages = [
                message for message in messages if uploaded.get(message.message_id, message.offset) == message.offset
            ]
            nonces = [secrets.token_hex(16) for _ in messages]
            events += await take_messages(connection, messages, self._now(), nonces)
            if uploaded:
                await uploads.answered(connection, answers_among(events))
        self._reading[topic] = following
        _log.info("took inbox messages", topic=topic, messages=len(messages), offset=following - 1)

    async def _pass_over(self, pool: Pool, topic: str, following: int) -> None:
        """Passes control records, such as the end of a transaction, so that no freeze waits for them."""
        async with connected(pool) as connection:
            try:
                await requests.move_offset(connection, topic, self._reading[topic], following)
            except InboxMovedError as error:
                raise LeaseLostError(topic) from error
        self._reading[topic] = following

    async def _park(self, pool: Pool, topic: str, record: Any, error: Exception) -> None:
        """The message is answered once an operator has settled it."""
        detail = str(error)[:1000].replace("\x00", "␀")
        identifier, following = _named(self._message(topic, record)), record.offset + 1
        async with connected(pool) as connection, connection.transaction():
            await park(connection, (topic, 0), record.offset, identifier, type(error).__name__, detail, _ATTEMPTS)
            await requests.move_offset(connection, topic, self._reading[topic], following)
        self._reading[topic] = following
        _log.error("parked inbox message", topic=topic, offset=record.offset, error=type(error).__name__)

    def _message(self, topic: str, record: Any) -> InboxMessage:
        institution = institution_of_inbox(topic.removeprefix(self._prefix)) or ""
        place, stamp = f"offset:{record.offset}", broker_time(record.timestamp)
        if isinstance(record, Unreadable):
            return InboxMessage(
                topic=topic,
                offset=record.offset,
                institution=institution,
                type="",
                message_id=place,
                body=b"",
                appended_at=stamp,
                unreadable=record.why,
            )
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        return InboxMessage(
            topic=topic,
            offset=record.offset,
            institution=institution,
            type=type_name(headers.get("ce_type", "")).replace("\x00", "␀"),
            message_id=headers.get("ce_id", "").replace("\x00", "") or place,
            body=record.value or b"",
            appended_at=stamp,
            traceparent=trace_of(headers.get("traceparent")),
            content_type=headers.get("content-type", ""),
            schema=headers.get("ce_dataschema", ""),
        )


def _named(message: InboxMessage) -> str:
    """The id that its answer will quote. The fault may be in parsing itself."""
    try:
        return read_message(message).message.message_id
    except Exception:  # noqa: BLE001 -- the message is being parked with its own error
        return clean_id(message.message_id)

"""Reads the topics from their beginning, as an auditor would: a plain consumer, no group, that keeps all it saw."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic_core import from_json

from shared.contracts import topics
from shared.contracts.topics import Topic
from shared.kafka.cloudevents import type_name

FOLLOWED: Final = (
    topics.ROUNDS,
    topics.MILESTONES,
    topics.APPLICATIONS,
    topics.PURCHASE_REQUESTS,
    topics.VERDICTS,
    topics.SELECTIONS,
    topics.DELIVERIES,
    *(topic for topic in topics.provisioned() if topic.name.endswith(".dlq")),
)
DEAD_LETTERS: Final = ".dlq"


@dataclass(slots=True)
class Seen:
    """Of one round: every event's body by its type, and of the most frequent what is asked for while it runs.

    A topic may repeat events and have them in any order: what stands is what has the highest version and epoch."""

    bodies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    admitted: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)
    delivered: Counter[str] = field(default_factory=Counter)
    _told: set[str] = field(default_factory=set)

    def keep(self, name: str, body: dict[str, Any]) -> None:
        self.bodies.setdefault(name, []).append(body)
        if name == "ApplicationSubmitted":
            self.admitted.add(body["application"])
        elif name == "ApplicationJudged":
            self.judged.add(body["application"])
        elif name == "NoticeDelivered" and body["round"] is not None:  # audit heads are of no round
            self.delivered[body["channel"]] += body["delivery"] not in self._told
            self._told.add(body["delivery"])

    def of(self, name: str) -> list[dict[str, Any]]:
        return self.bodies.get(name, [])

    def newest(self, name: str) -> dict[str, Any] | None:
        """Of events of which each epoch has one."""
        return max(self.of(name), key=rank, default=None)

    def standing(self, *names: str) -> dict[str, tuple[str, dict[str, Any]]]:
        """By application, the newest of these events on it, with its name."""
        standing: dict[str, tuple[str, dict[str, Any]]] = {}
        for name, body in ((kind, body) for kind in names for body in self.of(kind)):
            known = standing.get(body["application"])
            if known is None or rank(known[1]) < rank(body):
                standing[body["application"]] = name, body
        return standing


def rank(body: Mapping[str, Any]) -> tuple[int, int]:
    """As the services rank what they are told twice."""
    return body.get("version") or 0, body.get("epoch") or 0


@dataclass(slots=True)
class Observer:
    """What names no round, such as the answer to an unreadable message, is kept with `main_round`. `ids`: of
    CloudEvents, which a republished event has again."""

    prefix: str
    main_round: str
    consumer: Any
    rounds: dict[str, Seen] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    repeated: int = 0
    dead_letters: int = 0
    records: int = 0
    task: "asyncio.Task[None] | None" = None

    @classmethod
    async def started(cls, client: dict[str, Any], prefix: str, main_round: str) -> Self:
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", max_partition_fetch_bytes=2**20, **client
        )
        await consumer.start()
        return cls(prefix, main_round, consumer)

    def seen(self, round_id: str) -> Seen:
        return self.rounds.setdefault(round_id, Seen())

    async def follow(self, wanted: Iterable[Topic]) -> None:
        """Reads these topics from their beginning from now on. Called once."""
        places = [
            TopicPartition(self.prefix + topic.name, part) for topic in wanted for part in range(topic.partitions)
        ]
        self.consumer.assign(places)
        await self.consumer.seek_to_beginning(*places)
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            batches = await self.consumer.getmany(timeout_ms=150, max_records=1000)
            for place, records in batches.items():
                for record in records:
                    self._keep(place.topic, record)

    def _keep(self, topic: str, record: Any) -> None:
        self.records += 1
        if topic.endswith(DEAD_LETTERS):
            self.dead_letters += 1
            return
        headers = dict(record.headers)
        identifier = f"{topic} {headers.get('ce_id', b'').decode()}"
        if identifier in self.ids:
            self.repeated += 1
            return
        self.ids.add(identifier)
        body = from_json(record.value)
        self.seen(body.get("round") or self.main_round).keep(type_name(headers.get("ce_type", b"").decode()), body)

    async def until(self, true: Callable[[], bool], seconds: float) -> bool:
        """False when it did not become true in time."""
        ends = asyncio.get_running_loop().time() + seconds
        while not true():
            if self.task is not None and self.task.done():
                self.task.result()
            if asyncio.get_running_loop().time() > ends:
                return False
            await asyncio.sleep(0.05)
        return True

    async def drained(self, seconds: float = 20.0) -> None:
        """Everything the topics hold at this moment has been seen."""
        ends = await self.consumer.end_offsets(list(self.consumer.assignment()))
        deadline = asyncio.get_running_loop().time() + seconds
        for place, end in ends.items():
            while await self.consumer.position(place) < end and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        await self.consumer.stop()

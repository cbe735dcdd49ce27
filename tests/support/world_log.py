"""A log in memory that stands in for Kafka: it repeats, loses and reorders what a test says."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from shared.contracts import topics
from shared.kafka.cloudevents import Outgoing, headers_of
from shared.kafka.storage import read_up_to
from shared.proof.merkle import bucket_of
from shared.service.by_round import ByRound
from shared.service.postgres import Pool, connected
from shared.service.telemetry import open_metrics

PARTITIONS = {topics.APPLICATIONS.name: 2, topics.VERDICTS.name: 2}


STARTED = datetime(2018, 9, 14, 9, tzinfo=UTC)


class Log:
    """Topics in memory. One event id means one thing for ever: that is asserted of every record."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], list[Any]] = defaultdict(list)
        self.contents: dict[str, Any] = {}
        self.heard: Callable[[str, bytes], None] = lambda kind, body: None

    def ends(self, topic: str) -> dict[int, int]:
        return {number: len(self.partitions[topic, number]) for number in range(PARTITIONS.get(topic, 1))}

    def append(self, events: Sequence[Outgoing], source: str) -> None:
        for event in events:
            headers = headers_of(event, source)
            if event.topic == topics.AUDIT_HEADS.name:
                continue  # an emptied service begins its chain anew; nobody here reads it
            timed = dict(headers)["ce_time"] if event.topic == topics.MILESTONES.name else b""
            content = (event.type, event.body, timed)
            assert self.contents.setdefault(event.id, content) == content, f"{event.type} {event.id} means two things"
            self.append_raw(event.topic, event.key, event.body, headers)
            self.heard(event.type, event.body or b"")

    def append_raw(self, topic: str, key: str, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> None:
        number = bucket_of(key) % PARTITIONS.get(topic, 1)
        partition = self.partitions[topic, number]
        moment = int(STARTED.timestamp() * 1000)
        record = {"topic": topic, "partition": number, "offset": len(partition), "key": key.encode(), "value": value}
        partition.append(SimpleNamespace(**record, headers=tuple(headers), timestamp=moment))


class Producer:
    """What an outbox publishes with."""

    def __init__(self, log: Log, source: str) -> None:
        self._log = log
        self._source = source

    async def publish(self, events: Sequence[Outgoing]) -> None:
        self._log.append(events, self._source)


class Own:
    """As `shared.kafka.own.OwnTopic`, over the log."""

    def __init__(self, log: Log) -> None:
        self._end = log.ends(topics.MILESTONES.name)[0]

    async def read_back(self, pool: Pool) -> bool:
        async with connected(pool) as connection:
            read = await read_up_to(connection, topics.MILESTONES.name)
        return read.get((topics.MILESTONES.name, 0), 0) >= self._end


class Failing(ByRound):
    """Nothing may fail here: what does ends the test."""

    def __init__(self) -> None:
        super().__init__("any", open_metrics().round_failures)

    async def each(self, due: Iterable[Any], round_of: Any, work: Callable[[Any], Awaitable[object]]) -> None:
        for one in due:
            await work(one)

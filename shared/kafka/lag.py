"""What a consumer has not read yet of its partitions, in records and in seconds.

The oldest unread record is not known before it is read. It is younger than the last one read, and came after the moment
when nothing was unread: its age is the smaller of the two. Of a partition that is read for the first time, neither is
known: then it is the time since the assignment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.kafka.storage import Partition
from shared.service.metrics import Metrics


@dataclass(slots=True)
class _Place:
    assigned_at: float
    offset: int
    """The next to read."""
    caught_up_at: float | None = None
    stamp: float | None = None
    """Of the last record read, as the broker gives it."""


class Lag:
    """The lag of one consumer. Times are seconds of the same clock as the broker's stamps."""

    def __init__(self, metrics: Metrics, group: str, topic: str) -> None:
        self._metrics = metrics
        self._group = group
        self._topic = topic
        self._places: dict[Partition, _Place] = {}

    def assigned(self, offsets: Mapping[Partition, int], now: float) -> None:
        """Forgets all partitions but these, with the offsets they are read from."""
        for place in self._places.keys() - offsets.keys():
            labels = (self._group, place[0], str(place[1]))
            self._metrics.partition_lag.remove(*labels)
            self._metrics.partition_lag_seconds.remove(*labels)
        self._places = {place: _Place(now, offset) for place, offset in offsets.items()}
        self.look({}, now)

    def read(self, records: Iterable[Any]) -> None:
        """Notes a batch that is saved."""
        for record in {(each.topic, each.partition): each for each in records}.values():
            place = self._places.get((record.topic, record.partition))
            if place is not None:
                place.offset = record.offset + 1
                place.stamp = record.timestamp / 1000

    def look(self, ends: Mapping[Partition, int], now: float) -> int:
        """Sets the metrics; returns the records not read yet. `ends`: of partitions, as of the last fetch."""
        total = 0
        for place, kept in self._places.items():
            end = ends.get(place)
            behind = 0 if end is None else max(0, end - kept.offset)
            total += behind
            if end is not None and not behind:
                kept.caught_up_at = now
            known = [each for each in (kept.caught_up_at, kept.stamp) if each is not None]
            since = max(known, default=kept.assigned_at)
            labels = (self._group, place[0], str(place[1]))
            self._metrics.partition_lag.labels(*labels).set(behind)
            self._metrics.partition_lag_seconds.labels(*labels).set(max(0.0, now - since) if behind else 0)
        self._metrics.lag.labels(self._topic).set(total)
        return total

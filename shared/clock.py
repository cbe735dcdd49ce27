"""Time as an argument. Only `app.py` makes a clock; a round's rehearsal map turns real time into programme time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from shared.contracts.events import Rehearsal


class Clock(Protocol):
    def now(self) -> datetime:
        """The real moment, aware, in UTC."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class SetClock:
    """A clock that stands where it is put; for tests and replays."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


@dataclass(frozen=True, slots=True)
class TimeMap:
    """One line from real to programme time: `programme = programme_anchor + (real - real_anchor) * rate`."""

    real_anchor: datetime
    programme_anchor: datetime
    rate: int

    def programme(self, real: datetime) -> datetime:
        return self.programme_anchor + (real - self.real_anchor) * self.rate

    def real(self, programme: datetime) -> datetime:
        return self.real_anchor + (programme - self.programme_anchor) / self.rate


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REAL_TIME = TimeMap(_EPOCH, _EPOCH, 1)


def time_map(rehearsal: Rehearsal | None) -> TimeMap:
    """The map of a round: its rehearsal's, or real time itself."""
    if rehearsal is None:
        return REAL_TIME
    return TimeMap(rehearsal.real_anchor, rehearsal.programme_anchor, rehearsal.rate)


def broker_time(timestamp_ms: int) -> datetime:
    """A Kafka timestamp as a moment."""
    return _EPOCH + timedelta(milliseconds=timestamp_ms)

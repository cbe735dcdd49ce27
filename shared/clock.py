"""Time as an argument. Only `app.py` makes a clock; a round's rehearsal map turns real time into programme time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

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
        """Stands still at the ends of the calendar that is reckoned with: a fast rehearsal gets there within hours."""
        return _moved(self.programme_anchor, _microseconds(real - self.real_anchor) * self.rate)

    def real(self, programme: datetime) -> datetime:
        return _moved(self.real_anchor, _microseconds((programme - self.programme_anchor) / self.rate))


_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Between these, periods of centuries can be added and taken off without passing what a moment can be."""
_MICROSECOND: Final = timedelta(microseconds=1)


def _microseconds(passed: timedelta) -> int:
    return passed // _MICROSECOND


def _moved(anchor: datetime, microseconds: int) -> datetime:
    if microseconds >= _microseconds(_LAST - anchor):
        return _LAST
    if microseconds <= _microseconds(_FIRST - anchor):
        return _FIRST
    return anchor + timedelta(microseconds=microseconds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REAL_TIME = TimeMap(_EPOCH, _EPOCH, 1)


def time_map(rehearsal: Rehearsal | None) -> TimeMap:
    """The map of a round: its rehearsal's, or real time itself."""
    if rehearsal is None:
        return REAL_TIME
    return TimeMap(rehearsal.real_anchor, rehearsal.programme_anchor, rehearsal.rate)


def not_before(now: datetime, *followed: datetime | None) -> datetime:
    """The moment that something is said to have happened, which follows on others: never earlier than theirs. Their
    clock may be another server's, and any clock may be set back."""
    return max([now, *(moment for moment in followed if moment is not None)])


def broker_time(timestamp_ms: int) -> datetime:
    """A Kafka timestamp as a moment."""
    return _EPOCH + timedelta(milliseconds=timestamp_ms)

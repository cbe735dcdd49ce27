"""Clocks and programme time. Only `app.py` creates a clock; a rehearsal's time map turns real into programme time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from shared.contracts.events import Rehearsal


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """The current real time, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class SetClock:
    """A clock that stays at a given time, for tests and replays."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


@dataclass(frozen=True, slots=True)
class TimeMap:
    """Maps real to programme time: `programme = programme_anchor + (real - real_anchor) * rate`."""

    real_anchor: datetime
    programme_anchor: datetime
    rate: int

    def programme(self, real: datetime) -> datetime:
        """Programme time, clamped to the years 1000 to 9000, which a fast rehearsal can reach within hours."""
        return _moved(self.programme_anchor, _microseconds(real - self.real_anchor) * self.rate)

    def real(self, programme: datetime) -> datetime:
        """Real time, clamped likewise."""
        return _moved(self.real_anchor, _microseconds((programme - self.programme_anchor) / self.rate))


_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Between these, centuries can be added or subtracted without leaving the range of datetime."""
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
    """The time map of a round: its rehearsal's, or real time."""
    if rehearsal is None:
        return REAL_TIME
    return TimeMap(rehearsal.real_anchor, rehearsal.programme_anchor, rehearsal.rate)


def not_before(now: datetime, *followed: datetime | None) -> datetime:
    """The time to state for an event that follows others: never earlier than theirs. Their clocks may differ from ours,
    and any clock may be set back."""
    return max([now, *(moment for moment in followed if moment is not None)])


def broker_time(timestamp_ms: int) -> datetime:
    """A Kafka timestamp (ms since 1970) as a datetime."""
    return _EPOCH + timedelta(milliseconds=timestamp_ms)

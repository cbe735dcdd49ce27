"""Periods as Korean law reckons them: the day of the event is not counted (민법 §157), and a last day that is a
Saturday or a public holiday gives way to the next working day (민법 §161, 행정기본법 §6)."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from holidays import HolidayBase

KST: Final = timezone(timedelta(hours=9), "KST")
_WEEKEND: Final = 5


def korean_date(moment: datetime) -> date:
    """The day a moment falls on in Korea, which has no summer time."""
    return moment.astimezone(KST).date()


def is_working_day(day: date) -> bool:
    return day.weekday() < _WEEKEND and day not in _holidays()


@cache
def _holidays() -> HolidayBase:
    import holidays  # noqa: PLC0415 -- it loads every country of the world: a tenth of a service's start

    return holidays.country_holidays("KR")


def last_day(start: date, days: int) -> date:
    """The last day of a period of `days` that an event on `start` begins."""
    last = start + timedelta(days=days)
    while not is_working_day(last):
        last += timedelta(days=1)
    return last

"""Periods of days by Korean law: the day of the event is not counted (민법 §157), and a period that would end on a
Saturday or public holiday ends on the next working day (민법 §161, 행정기본법 §6)."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from holidays import HolidayBase

KST: Final = timezone(timedelta(hours=9), "KST")
_WEEKEND: Final = 5


def korean_date(moment: datetime) -> date:
    """The Korean date of a moment. Korea has no summer time."""
    return moment.astimezone(KST).date()


def is_working_day(day: date) -> bool:
    """True if the day is neither on a weekend nor a Korean public holiday."""
    return day.weekday() < _WEEKEND and day not in _holidays()


@cache
def _holidays() -> HolidayBase:
    import holidays  # noqa: PLC0415 -- it loads all countries, which takes a tenth of a service's start

    return holidays.country_holidays("KR")


def last_day(start: date, days: int) -> date:
    """The last day of a period of `days` after an event on `start`."""
    last = start + timedelta(days=days)
    while not is_working_day(last):
        last += timedelta(days=1)
    return last

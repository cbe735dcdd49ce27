"""Periods of months and years by the Civil Act (민법 §157, §160): the first day is not counted.

So a period ends on the same day of its last month, or on that month's last day if there is no such day.
"""

from calendar import monthrange
from datetime import date


def months_after(start: date, months: int) -> date:
    """The last day of a period of `months` from `start`; at most the calendar's last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))

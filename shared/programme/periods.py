"""Periods of months and years as the Civil Act reckons them (민법 §157, §160): the first day is not counted.

So a period ends with the same day of its last month, or with the month's last day where that day does not exist.
"""

from calendar import monthrange
from datetime import date


def months_after(start: date, months: int) -> date:
    """The last day of a period of `months` that began on `start`; the calendar's last day where it would pass that."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))

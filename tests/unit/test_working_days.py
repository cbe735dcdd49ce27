"""Last days of periods: the first day is not counted, a Saturday or holiday gives way to the next working day."""

from datetime import UTC, date, datetime

import pytest

from shared.programme.working_days import is_working_day, korean_date, last_day


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        (date(2018, 9, 3), 14, date(2018, 9, 17)),
        (date(2018, 9, 7), 14, date(2018, 9, 21)),
        (date(2018, 9, 10), 14, date(2018, 9, 27)),  # 24 September: Chuseok, its days and the day given for a Sunday
        (date(2018, 9, 1), 14, date(2018, 9, 17)),  # a Saturday
        (date(2018, 9, 6), 30, date(2018, 10, 8)),  # a Saturday, and Hangul Day is the day after the next
        (date(2018, 11, 25), 30, date(2018, 12, 26)),  # Christmas
        (date(2026, 1, 31), 30, date(2026, 3, 3)),  # Sunday 1 March, and the day given for it
    ],
)
def test_a_period_ends_on_a_working_day(start: date, days: int, last: date) -> None:
    assert last_day(start, days) == last
    assert is_working_day(last)


def test_a_moment_falls_on_its_day_in_korea() -> None:
    assert korean_date(datetime(2018, 9, 3, 15, tzinfo=UTC)) == date(2018, 9, 4)
    assert korean_date(datetime(2018, 9, 3, 14, 59, tzinfo=UTC)) == date(2018, 9, 3)

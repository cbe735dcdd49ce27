"""When what can wait is put off, and until when. Korea's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.domain.quiet import QuietHours
from shared.programme.working_days import KST

NIGHT = QuietHours.parse("21:00-08:00")
NOON = QuietHours.parse("12:00-13:00")


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NIGHT, "2018-09-18T20:59:59+09:00", None),
        (NIGHT, "2018-09-18T21:00:00+09:00", "2018-09-19T08:00:00+09:00"),
        (NIGHT, "2018-09-18T23:59:59+09:00", "2018-09-19T08:00:00+09:00"),
        (NIGHT, "2018-09-19T00:00:00+09:00", "2018-09-19T08:00:00+09:00"),
        (NIGHT, "2018-09-19T07:59:59+09:00", "2018-09-19T08:00:00+09:00"),
        (NIGHT, "2018-09-19T08:00:00+09:00", None),
        (NIGHT, "2018-09-18T15:00:00+00:00", "2018-09-19T08:00:00+09:00"),
        (NOON, "2018-09-18T11:59:59+09:00", None),
        (NOON, "2018-09-18T12:30:00+09:00", "2018-09-18T13:00:00+09:00"),
        (NOON, "2018-09-18T13:00:00+09:00", None),
    ],
)
def test_quiet_hours_end_in_the_morning(hours: QuietHours, now: str, until: str | None) -> None:
    assert hours.until(datetime.fromisoformat(now)) == (datetime.fromisoformat(until) if until else None)


def test_no_moment_is_put_off_to_a_quiet_one() -> None:
    assert NIGHT is not None
    for minutes in range(0, 3 * 24 * 60, 7):
        moment = datetime(2018, 9, 18, tzinfo=UTC) + timedelta(minutes=minutes)
        until = NIGHT.until(moment)
        assert until is None or (until > moment and NIGHT.until(until) is None and until.tzinfo is KST)


def test_none_stated_are_none() -> None:
    assert QuietHours.parse("") is None


@pytest.mark.parametrize("stated", ["21:00", "21-", "25:00-08:00", "08:00-08:00", "night", "21:00-08:00-09:00"])
def test_what_is_no_time_of_the_day_is_refused_with_an_example(stated: str) -> None:
    with pytest.raises(ValueError, match="21:00-08:00"):
        QuietHours.parse(stated)

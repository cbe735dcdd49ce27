"""A rolling intake's calendar: when cuts follow each other, and which takes what comes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.rounds import RoundStatus, RoundWindow
from services.intake.domain.series import cut_at, cut_id, next_cut
from services.selection.domain.status import status_until
from shared.clock import REAL_TIME
from shared.programme.periods import months_after
from shared.programme.working_days import KST, korean_date
from tests.data.facts import policy

POLICY: dict[str, Any] = {"as_of": "2019-01-31", "rolling": {"every_months": 1, "status_months": 12}}
JANUARY = datetime(2019, 1, 31, 18, tzinfo=KST)


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [
        (date(2019, 1, 31), 1, date(2019, 2, 28)),
        (date(2020, 1, 31), 1, date(2020, 2, 29)),
        (date(2019, 1, 31), 2, date(2019, 3, 31)),
        (date(2019, 12, 15), 1, date(2020, 1, 15)),
        (date(2019, 11, 30), 3, date(2020, 2, 29)),
        (date(2020, 2, 29), 12, date(2021, 2, 28)),
        (date(2019, 1, 1), 0, date(2019, 1, 1)),
        (date(9999, 12, 1), 1, date.max),
    ],
)
def test_months_end_with_the_same_day_or_the_last(start: date, months: int, last: date) -> None:
    assert months_after(start, months) == last


def test_a_31st_stays_the_last_day_of_every_month() -> None:
    days, closes_at, stated = [], JANUARY, POLICY
    for number in range(1, 5):
        cut = next_cut("small", number, closes_at, closes_at, date(2019, 1, 31), stated)
        assert (cut.opens_at, cut.number, cut.round) == (closes_at, number + 1, cut_id("small", number + 1))
        assert cut.policy == POLICY | {"as_of": korean_date(cut.closes_at).isoformat()}
        assert cut.closes_at.astimezone(KST).time() == JANUARY.time()
        days.append(cut.policy["as_of"])
        closes_at, stated = cut.closes_at, cut.policy
    assert days == ["2019-02-28", "2019-03-31", "2019-04-30", "2019-05-31"]


def test_an_extension_moves_the_next_opening_and_no_later_close() -> None:
    extended = JANUARY + timedelta(days=3, hours=2)
    cut = next_cut("small", 1, extended, JANUARY, date(2019, 1, 31), POLICY)
    assert (cut.opens_at, cut.closes_at) == (extended, datetime(2019, 2, 28, 18, tzinfo=KST))
    beyond = next_cut("small", 1, JANUARY + timedelta(days=28), JANUARY, date(2019, 1, 31), POLICY)
    assert beyond.closes_at == datetime(2019, 3, 31, 18, tzinfo=KST), "no cut is empty from the start"


def window(number: int, status: RoundStatus = RoundStatus.OPEN, extended: int = 0) -> RoundWindow:
    """A day each, one after the other."""
    opens_at = datetime(2019, 1, number, tzinfo=UTC)
    closes_at = opens_at + timedelta(days=1 + extended)
    return RoundWindow(
        round=cut_id("small", number),
        status=status,
        opens_at=opens_at,
        closes_at=closes_at,
        time_map=REAL_TIME,
        seed=None,
    )


@given(st.integers(0, 4 * 86_400_000_000 - 1))
def test_every_moment_belongs_to_exactly_one_cut(microsecond: int) -> None:
    moment = datetime(2019, 1, 1, tzinfo=UTC) + timedelta(microseconds=microsecond)
    taking = cut_at([window(number) for number in range(1, 5)], moment)
    assert taking is not None
    assert taking.opens_at <= moment < taking.closes_at
    assert taking.refusal(moment) is None


def test_the_cut_that_answers_where_none_takes() -> None:
    day = datetime(2019, 1, 2, 12, tzinfo=UTC)
    assert cut_at([], day) is None
    first, second, third = window(1), window(2), window(3)
    assert cut_at([second, third], datetime(2018, 12, 1, tzinfo=UTC)) == second, "not open yet"
    assert cut_at([first, second], datetime(2019, 2, 1, tzinfo=UTC)) == second, "closed"
    assert cut_at([window(1, extended=1), second], day) == window(1, extended=1), "the earlier one while both take"
    assert cut_at([first, window(2, RoundStatus.VOID), third], day) == third, "a void cut takes nothing"
    assert cut_at([window(2, RoundStatus.VOID)], day) == window(2, RoundStatus.VOID)


def test_a_status_ends_at_the_same_time_of_day_in_korea() -> None:
    confirmed = datetime(2019, 2, 28, 15, 30, tzinfo=UTC)  # 1 March in Korea
    assert status_until(policy("rolling"), confirmed) == datetime(2020, 3, 1, 0, 30, tzinfo=KST)
    assert status_until(policy("2018-h2"), confirmed) is None
    assert status_until(policy("rolling"), None) is None, "confirmed before that was kept"

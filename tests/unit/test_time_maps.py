"""Real and programme time: one line, which ends where the calendar that is reckoned with does."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.clock import REAL_TIME, TimeMap, not_before

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2500, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
ANY = st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC))
RATES = st.integers(1, 2**53 - 1)
HARMLESS = timedelta(days=36_525)


@given(MOMENTS, MOMENTS, RATES, ANY)
def test_no_moment_breaks_a_map_and_a_century_can_be_added(
    real: datetime, programme: datetime, rate: int, moment: datetime
) -> None:
    of = TimeMap(real, programme, rate)
    for reckoned in (of.programme(moment), of.real(moment)):
        assert reckoned - HARMLESS < reckoned < reckoned + HARMLESS


@given(MOMENTS, MOMENTS, st.integers(1, 10_000_000), st.timedeltas(timedelta(days=-200), timedelta(days=200)))
def test_within_the_calendar_it_is_one_line(real: datetime, programme: datetime, rate: int, passed: timedelta) -> None:
    of = TimeMap(real, programme, rate)
    try:
        expected = programme + passed * rate
    except OverflowError:
        return
    if datetime(1000, 1, 1, tzinfo=UTC) < expected < datetime(9000, 1, 1, tzinfo=UTC):
        assert of.programme(real + passed) == expected
        assert abs(of.real(expected) - (real + passed)) <= timedelta(microseconds=1)


def test_real_time_is_itself() -> None:
    now = datetime(2026, 11, 29, 13, 0, 0, 123456, tzinfo=UTC)
    assert REAL_TIME.programme(now) == REAL_TIME.real(now) == now


def test_what_follows_is_never_earlier_than_what_it_follows() -> None:
    now = datetime(2026, 11, 29, 13, tzinfo=UTC)
    before, after = now - HARMLESS, now + timedelta(microseconds=1)
    assert not_before(now) == not_before(now, None) == not_before(now, before, None) == now
    assert not_before(now, before, after, None) == not_before(now, after) == after

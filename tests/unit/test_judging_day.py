"""The day a policy judges by, beside the window of the round that is announced under it."""

from datetime import date, datetime, timedelta

import pytest

from services.intake.domain.judging_day import LATEST_AFTER_CLOSE, unfit_day
from shared.programme.working_days import KST

OPENS, CLOSES = datetime(2018, 8, 16, 0, 0, tzinfo=KST), datetime(2018, 9, 14, 18, 0, tzinfo=KST)


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (date(2018, 8, 15), "before it opens"),
        (date(2018, 8, 16), None),
        (date(2018, 9, 14), None),
        (date(2018, 9, 14) + LATEST_AFTER_CLOSE, None),
        (date(2018, 9, 15) + LATEST_AFTER_CLOSE, "more than 183 days after it closes"),
    ],
)
def test_a_day_fits_from_the_opening_to_half_a_year_after_the_close(as_of: date, said: str | None) -> None:
    found = unfit_day(as_of, OPENS, CLOSES)
    if said is None:
        assert found is None
    else:
        assert found is not None
        assert said in found.detail
        assert "2018-09-14" in found.fix


def test_the_day_of_the_opening_is_that_of_korea() -> None:
    """Midnight in Korea is three in the afternoon of the day before in UTC."""
    assert unfit_day(OPENS.date() - timedelta(days=1), OPENS, CLOSES) is not None
    assert unfit_day(OPENS.date(), OPENS, CLOSES) is None

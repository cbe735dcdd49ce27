"""Checks the day by which a round judges papers and dates: one far from its window belongs to another policy."""

from datetime import date, datetime, timedelta
from typing import Final

from shared.contracts.events import Reason
from shared.programme.working_days import korean_date

LATEST_AFTER_CLOSE: Final = timedelta(days=183)


def unfit_day(as_of: date, opens_at: datetime, closes_at: datetime) -> Reason | None:
    """What is wrong with a day before the opening's, or more than half a year after the close's, in Korea."""
    opening, closing = korean_date(opens_at), korean_date(closes_at)
    if opening <= as_of <= closing + LATEST_AFTER_CLOSE:
        return None
    side = "before it opens" if as_of < opening else f"more than {LATEST_AFTER_CLOSE.days} days after it closes"
    return Reason(
        pointer="/policy/as_of",
        code="not-the-day-of-the-round",
        detail=f"the round runs from {opening} to {closing} in Korea, and would be judged by {as_of}, {side}",
        fix=f"let as_of be {closing}, the day of the close, or announce the round the policy is for",
    )

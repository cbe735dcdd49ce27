"""What became of an award, and by when it has to be said."""

from datetime import UTC, date, datetime

import pytest

from shared.programme.purchases import Awarded, Report, State, due_on
from shared.programme.working_days import KST

CONFIRMED = datetime(2018, 10, 1, 23, tzinfo=UTC)  # 2 October in Korea
BOUGHT = Report(quantity=3, amount_won=3_000_000, contracted_on=date(2018, 11, 1))
NOT_BOUGHT = Report(reason="budget cut")


def award(report: Report | None = None, confirmed: datetime | None = CONFIRMED) -> Awarded:
    return Awarded(
        application="a",
        product="센서",
        request="lh/1",
        institution="lh",
        quantity=3,
        amount_won=3_000_000,
        due_on=due_on(confirmed),
        report=report,
    )


def test_sixty_days_end_on_a_working_day_in_korea() -> None:
    assert due_on(CONFIRMED) == date(2018, 12, 3), "1 December is a Saturday"
    assert due_on(datetime(2018, 10, 1, 14, 59, tzinfo=UTC)) == date(2018, 11, 30), "still the first in Korea"
    assert due_on(None) is None


@pytest.mark.parametrize(
    ("report", "state"), [(BOUGHT, State.CONTRACTED), (NOT_BOUGHT, State.NOT_PURCHASED), (None, State.OVERDUE)]
)
def test_what_was_reported_is_never_overdue(report: Report | None, state: State) -> None:
    assert award(report).state(datetime(2018, 12, 4, 0, 1, tzinfo=KST)) is state


def test_the_last_day_counts_whole() -> None:
    assert award().state(datetime(2018, 12, 3, 23, 59, 59, tzinfo=KST)) is State.OPEN
    assert award().state(datetime(2018, 12, 4, tzinfo=KST)) is State.OVERDUE
    assert award(confirmed=None).state(datetime(2030, 1, 1, tzinfo=UTC)) is State.OPEN, "from before it was kept"

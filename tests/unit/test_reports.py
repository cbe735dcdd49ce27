"""Reports on awards are held against what was awarded: every reason at once, each by its field."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.intake.domain.reports import Award, Subject, refusal
from services.intake.domain.rounds import RoundStatus, RoundWindow
from shared.clock import REAL_TIME
from shared.contracts.events import ReportNonPurchase, ReportPurchase

CONFIRMED = datetime(2018, 10, 1, 16, tzinfo=UTC)  # 2 October in Korea
NOW = datetime(2018, 11, 10, 16, tzinfo=UTC)  # 11 November in Korea
WINDOW = RoundWindow(
    round="r1",
    status=RoundStatus.CONFIRMED,
    opens_at=CONFIRMED - timedelta(days=60),
    closes_at=CONFIRMED,
    time_map=REAL_TIME,
    seed=None,
)
AWARD = Award(10, 5_000_000, CONFIRMED)
STANDS = Subject(request_stands=True, entered=True, decided=True, award=AWARD)
NOT_BOUGHT = ReportNonPurchase(
    round="r1", request="r1", application="09d5c924-6bf6-49fa-89dc-f992dd3cf7ef", reason="예산 삭감"
)


def bought(quantity: int = 10, amount_won: int = 5_000_000, contracted_on: str = "2018-11-01") -> ReportPurchase:
    return ReportPurchase(
        round="r1",
        request="r1",
        application="09d5c924-6bf6-49fa-89dc-f992dd3cf7ef",
        quantity=quantity,
        amount_won=amount_won,
        contracted_on=date.fromisoformat(contracted_on),
    )


def codes(asks: ReportPurchase | ReportNonPurchase, subject: Subject = STANDS, tolerance: int = 0) -> dict[str, str]:
    reasons = refusal(asks, WINDOW, subject, tolerance, NOW)
    assert all(reason.detail and reason.fix for reason in reasons)
    return {reason.pointer: reason.code for reason in reasons}


@pytest.mark.parametrize("asks", [bought(), bought(1, 0), bought(10, 1), NOT_BOUGHT])
def test_what_can_be_true_is_taken(asks: ReportPurchase | ReportNonPurchase) -> None:
    assert codes(asks) == {}


@pytest.mark.parametrize("day", ["2018-10-02", "2018-11-11"])
def test_a_contract_is_of_a_day_from_the_confirmation_to_today_in_korea(day: str) -> None:
    assert codes(bought(contracted_on=day)) == {}


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        (bought(11), {"/quantity": "above-award"}),
        (bought(1, 5_000_001), {"/amount_won": "above-award"}),
        (bought(1000, 5_000_000_000_000), {"/quantity": "above-award", "/amount_won": "above-award"}),
        (bought(contracted_on="2018-10-01"), {"/contracted_on": "before-confirmation"}),
        (bought(contracted_on="1900-01-01"), {"/contracted_on": "before-confirmation"}),
        (bought(contracted_on="2018-11-12"), {"/contracted_on": "in-the-future"}),
        (bought(contracted_on="2206-07-10"), {"/contracted_on": "in-the-future"}),
        (bought(11, contracted_on="0001-01-01"), {"/quantity": "above-award", "/contracted_on": "before-confirmation"}),
    ],
)
def test_what_is_beyond_the_award_is_refused_by_field(asks: ReportPurchase, told: dict[str, str]) -> None:
    assert codes(asks) == told


@pytest.mark.parametrize("asks", [bought(), bought(1000, contracted_on="1900-01-01"), NOT_BOUGHT])
@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (replace(STANDS, request_stands=False, award=None), {"/request": "unknown-request"}),
        (replace(STANDS, award=None), {"/application": "no-such-award"}),
        (Subject(True, True, False, None), {"/application": "not-decided"}),
        (Subject(True, False, False, None), {"/application": "unknown-application"}),
        (
            Subject(False, False, False, None),
            {"/request": "unknown-request", "/application": "unknown-application"},
        ),
    ],
)
def test_what_is_not_there_is_refused_whatever_is_said_of_it(
    asks: ReportPurchase | ReportNonPurchase, subject: Subject, told: dict[str, str]
) -> None:
    assert codes(asks, subject) == told


def test_a_policy_may_let_a_contract_be_dearer_by_some_per_cent() -> None:
    assert codes(bought(amount_won=5_500_000), tolerance=10) == {}
    assert codes(bought(amount_won=5_500_001), tolerance=10) == {"/amount_won": "above-award"}
    assert codes(bought(quantity=11), tolerance=10) == {"/quantity": "above-award"}, "units are never more"


def test_of_a_void_round_nothing_is_reported() -> None:
    (reason,) = refusal(bought(), replace(WINDOW, status=RoundStatus.VOID), STANDS, 0, NOW)
    assert (reason.pointer, reason.code) == ("/round", "void")


def test_an_award_of_before_its_confirmation_was_kept_is_of_any_day_until_today() -> None:
    subject = replace(STANDS, award=replace(AWARD, confirmed_at=None))
    assert codes(bought(contracted_on="2018-01-01"), subject) == {}
    assert codes(bought(contracted_on="2018-11-12"), subject) == {"/contracted_on": "in-the-future"}

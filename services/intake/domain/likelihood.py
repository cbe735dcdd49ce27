"""Remarks on a purchase request that looks like a mistake. It is accepted all the same: the institution may know
better."""

from collections.abc import Iterator
from typing import Final

from services.intake.domain.requests import LEAST_PRICE_WON
from shared.contracts.events import Reason
from shared.contracts.facts import RequestFacts

_LEFT_OVER: Final = 2
"""Factor by which the budget exceeds what the ceiling lets it spend."""
_OUT_OF_REACH: Final = 10
"""Factor by which the quantity at the ceiling exceeds the budget."""
_FEW_DAYS: Final = 3


def warnings(facts: RequestFacts) -> tuple[Reason, ...]:
    """Remarks on an accepted request."""
    return tuple(_unlikely(facts))


def _unlikely(facts: RequestFacts) -> Iterator[Reason]:
    if facts.budget_won < facts.quantity * LEAST_PRICE_WON:
        detail = f"{facts.budget_won} won for {facts.quantity} units is less than {LEAST_PRICE_WON} won for each"
        fix = "see whether the quantity is in units and the budget in won, such as 50 units for 120000000 won"
        yield Reason(pointer="/facts/quantity", code="budget-below-any-price", detail=detail, fix=fix)
    elif facts.price_ceiling_won is not None:
        yield from _unlikely_ceiling(facts, facts.price_ceiling_won)
    if facts.delivery_days_at_most is not None and facts.delivery_days_at_most < _FEW_DAYS:
        detail = f"hardly any product is delivered within {facts.delivery_days_at_most} days"
        fix = "state the days from the order to the delivery, such as 60, or leave it out"
        yield Reason(pointer="/facts/delivery_days_at_most", code="hardly-deliverable", detail=detail, fix=fix)


def _unlikely_ceiling(facts: RequestFacts, ceiling: int) -> Iterator[Reason]:
    whole = ceiling * facts.quantity
    if whole * _LEFT_OVER < facts.budget_won:
        detail = f"{facts.quantity} units of {ceiling} won use {whole} won of a budget of {facts.budget_won} won"
        fix = "see whether the ceiling is for one unit, in won; or raise the quantity, or lower the budget"
        yield Reason(pointer="/facts/price_ceiling_won", code="ceiling-far-below", detail=detail, fix=fix)
    elif whole > facts.budget_won * _OUT_OF_REACH:
        detail = (
            f"at a ceiling of {ceiling} won the budget buys {facts.budget_won // ceiling} of {facts.quantity} units"
        )
        fix = "see whether the ceiling is for one unit, in won; or lower the quantity, or raise the budget"
        yield Reason(pointer="/facts/price_ceiling_won", code="ceiling-far-above", detail=detail, fix=fix)

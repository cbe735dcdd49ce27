"""Chances: exact for one place, simulated by the real draw, and beside each other they agree."""

import re
from dataclasses import replace
from itertools import permutations
from math import prod

import pytest

from services.selection.domain.chances import PLACED, chances, draws_of, method_in_words, seed_for
from services.selection.domain.commitment import Entry
from services.selection.domain.offers import Demand, Offer
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Method
from shared.wording.in_korean import in_korean
from tests.data.facts import policy

H2 = policy("2018-h2")
ROOT = "ab" * 32
TICKETS = {"a": 6, "b": 3, "c": 2, "d": 1}
ENTRIES = [Entry(one, VerdictOutcome.ELIGIBLE, count) for one, count in TICKETS.items()]
OFFERS = {
    ticket: Offer(
        application=ticket,
        track="general",
        firm=ticket,
        class_code="41112201",
        price_won=100,
        capacity=1,
        delivery_days=1,
    )
    for ticket in [*TICKETS, "out"]
}


def demand(units: int) -> list[Demand]:
    return [Demand(request="lh/1", institution="lh", class_code="41112201", quantity=units, budget_won=100 * units)]


def exact(places: int) -> dict[str, float]:
    """Of standing among the first, drawn without replacement by tickets."""
    found = dict.fromkeys(TICKETS, 0.0)
    for order in permutations(TICKETS, places):
        left = [sum(TICKETS.values()) - sum(TICKETS[one] for one in order[:turn]) for turn in range(places)]
        share = prod(TICKETS[one] / of for one, of in zip(order, left, strict=True))
        for one in order:
            found[one] += share
    return found


@pytest.mark.parametrize("places", [1, 2, 3])
def test_the_simulated_share_is_the_exact_one_within_its_error(places: int) -> None:
    found = chances(H2, ROOT, ENTRIES, OFFERS, demand(places), {"lh": 10_000})
    assert found.draws == 1000
    for one, share in exact(places).items():
        chance = found.of(one)
        assert chance is not None
        assert chance.selected is not None
        assert chance.error is not None
        assert abs(chance.selected - share) < 4 * max(chance.error, 0.002)
        assert (chance.tickets, chance.of_tickets) == (TICKETS[one], 12)
    assert sum(found.times.values()) == 1000 * places


def test_who_does_not_stand_has_no_chance_and_takes_none_away() -> None:
    out = Entry("out", VerdictOutcome.INELIGIBLE, 6)
    found = chances(H2, ROOT, [*ENTRIES, out], OFFERS, demand(1), {"lh": 10_000})
    assert found.of("out") is None
    assert found == chances(H2, ROOT, ENTRIES, OFFERS, demand(1), {"lh": 10_000})


def test_the_estimate_is_the_same_for_everybody_and_of_no_real_seed() -> None:
    assert seed_for(ROOT, 1) == seed_for(ROOT, 1) != seed_for(ROOT, 2)
    assert chances(H2, ROOT, reversed(ENTRIES), OFFERS, demand(2), {"lh": 10_000}) == chances(
        H2, ROOT, ENTRIES, OFFERS, demand(2), {"lh": 10_000}
    )


@pytest.mark.parametrize(("standing", "draws"), [(0, 1000), (1, 1000), (2000, 1000), (PLACED // 50, 50), (PLACED, 0)])
def test_as_many_draws_as_can_be_placed(standing: int, draws: int) -> None:
    assert draws_of(standing) == draws
    assert ("too many" in method_in_words(H2, draws)) is (draws == 0)


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("draws", [0, 1000])
def test_how_it_was_found_is_said_in_korean_too(method: Method, draws: int) -> None:
    korean = in_korean(method_in_words(replace(H2, method=method), draws))
    assert not re.search("[a-z]", korean)
    assert ("1000번" in korean) is (draws == 1000)


def test_nobody_stands() -> None:
    found = chances(H2, ROOT, [], {}, [], {})
    assert (found.of_tickets, found.times, found.draws) == (0, {}, 1000)


def test_a_firms_chance_is_that_of_all_its_entries() -> None:
    """One that has three of four entries, and another with one: for one place, by all its tickets."""
    offers = {one: replace(offer, firm="d" if one == "d" else "abc") for one, offer in OFFERS.items()}
    found = chances(H2, ROOT, ENTRIES, offers, demand(1), {"lh": 10_000})
    whole, single = found.of_firm("a"), found.of_firm("d")
    assert whole is not None
    assert single is not None
    assert whole == found.of_firm("c"), "whichever of its entries is asked for"
    assert (whole.entries, whole.tickets, single.entries, single.tickets) == (3, 11, 1, 1)
    assert whole.selected is not None
    assert abs(whole.selected - 11 / 12) < 0.04
    assert whole.selected + (single.selected or 0) == pytest.approx(1)
    assert found.by_entries() == {1: single, 3: whole}
    assert found.of_firm("out") is None


def test_firms_with_as_many_entries_are_told_in_the_mean() -> None:
    found = chances(H2, ROOT, ENTRIES, OFFERS, demand(1), {"lh": 10_000})
    (mean,) = found.by_entries().values()
    assert (mean.firms, mean.entries, mean.tickets) == (4, 1, 3)
    assert mean.selected == pytest.approx(0.25)

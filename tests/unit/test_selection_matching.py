"""Matching: what each bound does, and what holds for every market."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.selection.domain.matching import Placement, Result, match
from services.selection.domain.offers import Award, Demand, Offer, demand_of, offer_of
from shared.contracts.facts import RequestFacts
from shared.contracts.policy import Limits, TrackLimits
from shared.programme.certificates import AcceptedKinds
from tests.data.facts import GOOD, policy
from tests.support.matching import FREE, TRACKS, UNBOUNDED, Market, demand, markets, meets, offer


def matched(
    *offers: Offer, by: list[Demand], limits: Limits = FREE, general: TrackLimits | None = None, **pledges: int
) -> list[Placement]:
    """`general`: limits of that track."""
    return match(
        offers, by, pledges or {"lh": 10_000, "kepco": 10_000}, limits, {"general": general} if general else {}
    )


def results(placements: list[Placement]) -> list[tuple[str, str, str | None]]:
    return [(p.application, p.result.value, p.reason) for p in placements]


def test_a_product_takes_what_is_asked_within_its_capacity() -> None:
    (placed,) = matched(offer(capacity=3), by=[demand()])
    assert placed.awards == (Award("lh/1", "lh", 3, 300),)


@pytest.mark.parametrize(
    ("of", "by"),
    [
        ({}, {"class_code": "41112202"}),
        ({}, {"price_ceiling_won": 99}),
        ({}, {"budget_won": 99}),
        ({}, {"certificate_kinds": ("nep",)}),
        ({"certificates": ("gs",)}, {"certificate_kinds": ("nep", "epc")}),
        ({"regions": ("busan",)}, {"region": "seoul"}),
        ({}, {"delivery_days_at_most": 29}),
        ({}, {"institution": "nobody"}),
    ],
)
def test_a_request_that_is_not_met_is_no_demand(of: dict[str, Any], by: dict[str, Any]) -> None:
    assert results(matched(offer(**of), by=[demand(**by)])) == [("a", "not-selected", "no-demand")]


@pytest.mark.parametrize(
    ("of", "by"),
    [
        ({}, {"price_ceiling_won": 100}),
        ({"certificates": ("gs", "nep")}, {"certificate_kinds": ("nep", "epc")}),
        ({"regions": ("busan", "seoul")}, {"region": "seoul"}),
        ({}, {"region": "seoul", "delivery_days_at_most": 30}),
    ],
)
def test_a_request_that_is_met_to_the_bound_is_served(of: dict[str, Any], by: dict[str, Any]) -> None:
    assert results(matched(offer(**of), by=[demand(**by)])) == [("a", "selected", None)]


def test_most_remaining_budget_comes_first_and_requests_are_bounded() -> None:
    asked = [demand("lh/1", budget_won=500), demand("kepco/1", budget_won=900), demand("lh/2", budget_won=700)]
    (placed,) = matched(offer(capacity=50), by=asked, limits=replace(FREE, requests_per_product=2))
    assert [award.request for award in placed.awards] == ["kepco/1", "lh/2"]


def test_equal_budgets_stand_by_the_hash_of_the_request() -> None:
    asked = [demand("lh/1", quantity=1), demand("lh/2", quantity=1), demand("lh/3", quantity=1)]
    (placed,) = matched(offer(capacity=1), by=asked)
    assert placed.awards[0].request == min(["lh/1", "lh/2", "lh/3"], key=_sha)


def _sha(request: str) -> str:
    return sha256(request.encode()).hexdigest()


def test_a_pledge_is_shared_by_all_requests_of_its_institution() -> None:
    asked = [demand("lh/1"), demand("lh/2", class_code="43000000")]
    placed = matched(offer("a"), offer("b", class_code="43000000"), by=asked, lh=600)
    assert [(p.result, sum(award.amount_won for award in p.awards)) for p in placed] == [
        ("selected", 500),
        ("selected", 100),
    ]


def test_who_comes_when_the_money_is_gone_is_in_reserve_in_order() -> None:
    placed = matched(offer("a"), offer("b"), offer("c"), by=[demand()])
    assert results(placed) == [("a", "selected", None), ("b", "reserve", None), ("c", "reserve", None)]
    assert [p.reserve_position for p in placed] == [None, 1, 2]


def test_places_and_the_length_of_the_reserve_are_bounded() -> None:
    limits = replace(FREE, places=1, reserve=1)
    placed = matched(offer("a", capacity=1), offer("b"), offer("c"), by=[demand()], limits=limits)
    assert results(placed) == [
        ("a", "selected", None),
        ("b", "reserve", None),
        ("c", "not-selected", "reserve-full"),
    ]


def test_a_firm_is_selected_as_often_as_the_policy_allows() -> None:
    limits = replace(FREE, selections_per_firm=1)
    offers = [offer("a", capacity=1, firm="x"), offer("b", firm="x"), offer("c", firm="y")]
    placed = matched(*offers, by=[demand()], limits=limits)
    assert results(placed) == [("a", "selected", None), ("b", "not-selected", "firm-limit"), ("c", "selected", None)]


def test_a_track_that_is_full_leaves_the_money_to_another() -> None:
    offers = [offer("a", capacity=1), offer("b", capacity=1), offer("c", capacity=1, track="startup")]
    placed = matched(*offers, by=[demand()], general=TrackLimits(places=1))
    assert results(placed) == [("a", "selected", None), ("b", "reserve", None), ("c", "selected", None)]


def test_a_track_has_its_places_within_those_of_the_round() -> None:
    offers = [offer("a", track="startup", capacity=1), offer("b", capacity=1), offer("c", capacity=1)]
    placed = matched(*offers, by=[demand()], limits=replace(FREE, places=2), general=TrackLimits(places=2))
    assert results(placed) == [("a", "selected", None), ("b", "selected", None), ("c", "reserve", None)]


def test_a_track_has_a_reserve_of_its_own_length() -> None:
    offers = [offer("a", track="startup"), offer("b"), offer("c"), offer("d", track="startup"), offer("e")]
    placed = matched(*offers, by=[demand()], limits=replace(FREE, reserve=2), general=TrackLimits(reserve=1))
    assert results(placed) == [
        ("a", "selected", None),
        ("b", "reserve", None),
        ("c", "not-selected", "reserve-full"),
        ("d", "reserve", None),
        ("e", "not-selected", "reserve-full"),
    ]
    assert [p.reserve_position for p in placed] == [None, 1, None, 2, None]


def test_a_firm_is_selected_in_a_track_as_often_as_the_track_allows() -> None:
    offers = [offer("a", capacity=1, firm="x"), offer("b", firm="x"), offer("c", firm="x", track="startup")]
    placed = matched(*offers, by=[demand()], general=TrackLimits(selections_per_firm=1))
    assert results(placed) == [("a", "selected", None), ("b", "not-selected", "firm-limit"), ("c", "selected", None)]


def test_offers_and_demands_are_made_of_facts() -> None:
    accepted = AcceptedKinds.compile(policy("2018-h2").as_of, policy("2018-h2").certificates)
    made = offer_of("a", "p", GOOD, accepted)
    assert (made.track, made.price_won, made.certificates) == ("general", 1_200_000, ("nep",))
    asked = demand_of("lh/1", "lh", RequestFacts(class_code="41112201", quantity=2, budget_won=2_400_000))
    (placed,) = match([made], [asked], {"lh": 10**9}, FREE)
    assert placed.awards == (Award("lh/1", "lh", 2, 2_400_000),)


def within(count: int, most: int | None) -> bool:
    return most is None or count <= most


@given(markets())
def test_no_budget_quantity_pledge_capacity_or_limit_is_exceeded(market: Market) -> None:
    offers, demands, pledges, limits, tracks = market
    placements = match(*market)
    asked = {d.request: d for d in demands}
    units: Counter[str] = Counter()
    won: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    firms: Counter[tuple[str, str]] = Counter()
    reserves: Counter[str] = Counter()
    for one, placed in zip(offers, placements, strict=True):
        assert placed.application == one.application
        assert (placed.result is Result.SELECTED) == bool(placed.awards)
        assert (placed.result is Result.NOT_SELECTED) == (placed.reason is not None)
        assert (placed.result is Result.RESERVE) == (placed.reserve_position is not None)
        assert sum(award.quantity for award in placed.awards) <= one.capacity
        assert len({award.request for award in placed.awards}) == len(placed.awards) <= limits.requests_per_product
        firms[one.track, one.firm] += bool(placed.awards)
        reserves[one.track] += placed.result is Result.RESERVE
        for award in placed.awards:
            assert meets(one, asked[award.request])
            assert award.amount_won == award.quantity * one.price_won
            units[award.request] += award.quantity
            won[award.request] += award.amount_won
            paid[award.institution] += award.amount_won
    assert all(units[d.request] <= d.quantity and won[d.request] <= d.budget_won for d in demands)
    assert all(amount <= pledges[institution] for institution, amount in paid.items() if amount)
    assert within(firms.total(), limits.places)
    assert within(reserves.total(), limits.reserve)
    assert all(sum(firms[track, firm] for track in TRACKS) <= limits.selections_per_firm for firm in "xyz")
    for track, own in tracks.items():
        assert within(sum(firms[track, firm] for firm in "xyz"), own.places)
        assert within(reserves[track], own.reserve)
        assert all(within(firms[track, firm], own.selections_per_firm) for firm in "xyz")
    assert [p.reserve_position for p in placements if p.reserve_position] == list(range(1, reserves.total() + 1))


@given(markets())
def test_nobody_unselected_stood_before_one_who_got_what_it_could_have_had(market: Market) -> None:
    """Replays the awards: a product passed over had no request with a unit's price and a unit left at its turn, or its
    firm, its track or the round had reached its limit by then."""
    offers, demands, pledges, limits, tracks = market
    placements = match(*market)
    quantity = {d.request: d.quantity for d in demands}
    budget = {d.request: d.budget_won for d in demands}
    pledge = dict(pledges)
    selected: list[Offer] = []
    for one, placed in zip(offers, placements, strict=True):
        beside = [other for other in selected if other.track == one.track]
        of_firm = [[other for other in there if other.firm == one.firm] for there in (selected, beside)]
        own = tracks.get(one.track, UNBOUNDED)
        bounded = (
            len(selected) == limits.places
            or len(beside) == own.places
            or len(of_firm[0]) == limits.selections_per_firm
            or len(of_firm[1]) == own.selections_per_firm
        )
        if not placed.awards and not bounded:
            for d in demands:
                money = min(budget[d.request], pledge.get(d.institution, 0))
                assert not (meets(one, d) and quantity[d.request] and money >= one.price_won)
        assert not (placed.awards and bounded)
        selected += [one] if placed.awards else []
        for award in placed.awards:
            quantity[award.request] -= award.quantity
            budget[award.request] -= award.amount_won
            pledge[award.institution] -= award.amount_won


@given(markets())
def test_what_a_later_product_of_the_track_got_an_earlier_one_was_too_dear_or_unfit_for(market: Market) -> None:
    """Without replaying anything: where neither firm nor track was in the way, only price and conditions are left."""
    offers, demands, _, limits, tracks = market
    asked = {d.request: d for d in demands}
    placed = list(zip(offers, match(*market), strict=True))
    for index, (one, got) in enumerate(placed):
        own = tracks.get(one.track, UNBOUNDED)
        taken = [other for other, had in placed if had.awards and other.firm == one.firm]
        full = len(taken) == limits.selections_per_firm
        if got.awards or full or len([t for t in taken if t.track == one.track]) == own.selections_per_firm:
            continue
        for later, had in placed[index + 1 :]:
            for award in had.awards if later.track == one.track else ():
                assert one.price_won > later.price_won or not meets(one, asked[award.request])


@given(markets())
def test_limits_no_narrower_than_the_rounds_change_nothing(market: Market) -> None:
    offers, demands, pledges, limits, _ = market
    wide = TrackLimits(places=limits.places, reserve=limits.reserve, selections_per_firm=limits.selections_per_firm)
    alone = match(offers, demands, pledges, limits)
    assert match(offers, demands, pledges, limits, dict.fromkeys(TRACKS, wide)) == alone
    assert match(offers, demands, pledges, limits, dict.fromkeys(TRACKS, UNBOUNDED)) == alone


@given(markets(), st.randoms(use_true_random=False))
def test_the_order_requests_and_pledges_are_given_in_does_not_count(market: Market, random: Any) -> None:
    offers, demands, pledges, limits, tracks = market
    shuffled = random.sample(demands, len(demands))
    turned = dict(reversed(pledges.items()))
    assert match(offers, shuffled, turned, limits, tracks) == match(*market)

"""Releases: what a batch sets free goes to the reserve in draw order, and nobody loses what they still have."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.selection.domain.matching import Result, match
from services.selection.domain.offers import Award, Demand, Offer
from services.selection.domain.releases import Freed, Place, Release, release, root_of_moves
from shared.contracts.events import NotSelectedReason
from shared.contracts.policy import Limits, TrackLimits
from tests.support.matching import FREE, UNBOUNDED, Market, demand, markets, meets, offer

MONEY = {"lh": 10_000, "kepco": 10_000}
GIVEN_UP = NotSelectedReason.GIVEN_UP


def places_of(offers: Sequence[Offer], by: Sequence[Demand], **bounds: Any) -> list[Place]:
    limits, tracks, pledges = bounds.get("limits", FREE), bounds.get("tracks", {}), bounds.get("pledges", MONEY)
    placed = zip(offers, match(offers, by, pledges, limits, tracks), strict=True)
    return [Place(one, at.awards) for one, at in placed if at.result is not Result.NOT_SELECTED]


def released(
    places: Sequence[Place], by: Sequence[Demand], *cancelled: str, limits: Limits = FREE, **leaving: NotSelectedReason
) -> list[tuple[str, str, list[str]]]:
    """(application, result, requests) of everybody it changed something for. `leaving`: by application."""
    made = release(places, Freed(leaving, frozenset(cancelled)), by, MONEY, limits, {})
    return [(one.application, one.result.value, [award.request for award in one.awards]) for one in made.moved]


def after(places: Sequence[Place], made: Release) -> list[Place]:
    """Who is selected or in reserve once a batch was given out."""
    moved = {one.application: one for one in made.moved}
    kept = []
    for place in places:
        one = moved.get(place.offer.application)
        if one is None:
            kept.append(place)
        elif one.result is not Result.NOT_SELECTED:
            kept.append(Place(place.offer, one.awards))
    return kept


def test_what_one_gave_up_goes_to_the_first_of_the_reserve_that_can_have_it() -> None:
    by = [demand(quantity=1, budget_won=500)]
    places = places_of([offer("a"), offer("b", price_won=400), offer("c"), offer("d")], by)
    dear = [
        replace(place, offer=replace(place.offer, price_won=600)) if n == 1 else place for n, place in enumerate(places)
    ]
    assert released(dear, by, a=GIVEN_UP) == [("a", "not-selected", []), ("c", "selected", ["lh/1"])]


def test_one_that_gives_up_its_place_in_the_reserve_is_passed_over() -> None:
    by = [demand(quantity=1)]
    places = places_of([offer("a"), offer("b"), offer("c")], by)
    assert released(places, by, a=GIVEN_UP, b=GIVEN_UP) == [
        ("a", "not-selected", []),
        ("b", "not-selected", []),
        ("c", "selected", ["lh/1"]),
    ]


def test_whose_request_was_cancelled_stands_again_at_its_place_in_the_draw() -> None:
    by = [demand("lh/1", quantity=1, budget_won=900), demand("kepco/1", quantity=1, budget_won=800)]
    places = places_of([offer("a", capacity=1), offer("b", capacity=1), offer("c", capacity=1)], by)
    assert released(places, by, "lh/1") == [("a", "reserve", [])], "nothing else is free, and b keeps what it has"
    assert released(places, by, "lh/1", b=GIVEN_UP) == [("a", "selected", ["kepco/1"]), ("b", "not-selected", [])]


def test_who_keeps_a_part_takes_what_is_free_before_those_who_stand_behind() -> None:
    by = [demand("lh/1", quantity=2, budget_won=900), demand("kepco/1", quantity=2, budget_won=800)]
    places = places_of([offer("a", capacity=4), offer("b", capacity=2)], by)
    more = [*by, demand("kepco/2", quantity=3, budget_won=300)]
    assert released(places, more, "lh/1") == [
        ("a", "selected", ["kepco/1", "kepco/2"]),
        ("b", "selected", ["kepco/2"]),
    ]


def test_who_lost_nothing_takes_nothing_more() -> None:
    by = [demand("lh/1", quantity=1, budget_won=900), demand("lh/2", quantity=1, budget_won=800)]
    places = places_of([offer("a", capacity=1), offer("b", capacity=5), offer("c", capacity=1)], by)
    assert released(places, by, a=GIVEN_UP) == [("a", "not-selected", []), ("c", "selected", ["lh/1"])]


def test_a_place_that_was_given_up_is_free_for_the_firm_and_the_round() -> None:
    limits = replace(FREE, places=1, selections_per_firm=1)
    by = [demand(quantity=9)]
    places = places_of(
        [offer("a", firm="x", capacity=1), offer("b", firm="y"), offer("c", firm="z")], by, limits=limits
    )
    assert released(places, by, limits=limits) == []
    assert released(places, by, limits=limits, a=GIVEN_UP) == [
        ("a", "not-selected", []),
        ("b", "selected", ["lh/1"]),
    ]


def test_who_keeps_a_part_still_has_its_place() -> None:
    limits = replace(FREE, places=1)
    by = [demand("lh/1", quantity=2, budget_won=900), demand("kepco/1", quantity=2, budget_won=800)]
    places = places_of([offer("a", capacity=4), offer("b")], by, limits=limits)
    more = [*by, demand("kepco/2", quantity=3, budget_won=300)]
    assert released(places, more, "lh/1", limits=limits) == [("a", "selected", ["kepco/1", "kepco/2"])]


def test_the_state_before_the_batch_has_what_was_set_free() -> None:
    by = [demand("lh/1", quantity=1, budget_won=900), demand("kepco/1", quantity=1, budget_won=800)]
    places = places_of([offer("a", capacity=1), offer("b", capacity=1)], by)
    freed = Freed({"b": GIVEN_UP}, frozenset({"lh/1"}))
    made = release(places, freed, by, MONEY, FREE, {})
    again = release(places, Freed({}, frozenset({"lh/1"})), by, MONEY, FREE, {})
    assert made.state_hash != again.state_hash
    assert made.root == root_of_moves(
        [["a", "selected", None, [["kepco/1", 1, 100]]], ["b", "not-selected", "given-up", []]]
    )
    assert (made.promoted, made.changed, made.withdrawn) == (0, 1, 1)


Batch = tuple[list[str], list[str]]


@st.composite
def released_markets(draw: st.DrawFn) -> tuple[Market, list[Batch]]:
    """A market, and batches of who leaves and which requests are cancelled; a subject is in one batch at the most."""
    market = draw(markets())
    subjects = [one.application for one in market[0]] + [one.request for one in market[1]]
    left = draw(st.lists(st.sampled_from(subjects), unique=True, max_size=6)) if subjects else []
    batches: list[Batch] = []
    while left:
        size = draw(st.integers(1, len(left)))
        taken, left = left[:size], left[size:]
        batches.append(([one for one in taken if "/" not in one], [one for one in taken if "/" in one]))
    return market, batches


def given_out(market: Market, batches: Sequence[Batch]) -> list[tuple[list[Place], Release, list[Place], set[str]]]:
    """Of each batch: the places before, what it gave, the places after, and all requests cancelled by then."""
    offers, demands, pledges, limits, tracks = market
    places = places_of(offers, demands, limits=limits, tracks=tracks, pledges=pledges)
    cancelled: set[str] = set()
    found = []
    for leaving, gone in batches:
        standing = [one for one in demands if one.request not in cancelled]
        freed = Freed(dict.fromkeys(leaving, GIVEN_UP), frozenset(gone))
        made = release(places, freed, standing, pledges, limits, tracks)
        cancelled |= set(gone)
        found.append((places, made, after(places, made), set(cancelled)))
        places = found[-1][2]
    return found


@given(released_markets())
def test_no_batch_exceeds_a_budget_a_quantity_a_pledge_a_capacity_or_a_limit(case: tuple[Market, list[Batch]]) -> None:
    market, batches = case
    _, demands, pledges, limits, tracks = market
    asked = {one.request: one for one in demands}
    for _, _, places, cancelled in given_out(market, batches):
        units: Counter[str] = Counter()
        won: Counter[str] = Counter()
        paid: Counter[str] = Counter()
        selected = [place for place in places if place.awards]
        for place in selected:
            assert sum(award.quantity for award in place.awards) <= place.offer.capacity
            assert len({award.request for award in place.awards}) == len(place.awards) <= limits.requests_per_product
            for award in place.awards:
                assert award.request not in cancelled
                assert meets(place.offer, asked[award.request])
                assert award.amount_won == award.quantity * place.offer.price_won
                units[award.request] += award.quantity
                won[award.request] += award.amount_won
                paid[award.institution] += award.amount_won
        assert all(units[unit] <= asked[unit].quantity and won[unit] <= asked[unit].budget_won for unit in units)
        assert all(amount <= pledges[institution] for institution, amount in paid.items())
        assert limits.places is None or len(selected) <= limits.places
        for track, own in tracks.items():
            assert own.places is None or sum(place.offer.track == track for place in selected) <= own.places
        firms = Counter(place.offer.firm for place in selected)
        assert all(count <= limits.selections_per_firm for count in firms.values())


@given(released_markets())
def test_nobody_left_in_reserve_stood_before_one_who_got_what_it_could_have_had(
    case: tuple[Market, list[Batch]],
) -> None:
    """Batch by batch: the awards of who stood behind are taken back, and what then is left has nothing for it."""
    market, batches = case
    _, demands, pledges, limits, tracks = market
    for before, made, places, cancelled in given_out(market, batches):
        had = {place.offer.application: place.awards for place in before}
        order = [place.offer.application for place in places]
        for index, place in enumerate(places):
            if place.awards:
                continue
            behind = {one for one in order[index + 1 :] if one in {moved.application for moved in made.moved}}
            held = [
                Place(
                    each.offer,
                    _kept(had[each.offer.application], cancelled) if each.offer.application in behind else each.awards,
                )
                for each in places
            ]
            assert not _could_have(place.offer, held, demands, pledges, limits, tracks, cancelled)


def _kept(awards: tuple[Award, ...], cancelled: set[str]) -> tuple[Award, ...]:
    return tuple(award for award in awards if award.request not in cancelled)


def _could_have(
    one: Offer,
    held: Sequence[Place],
    demands: Sequence[Demand],
    pledges: dict[str, int],
    limits: Limits,
    tracks: dict[str, TrackLimits],
    cancelled: set[str],
) -> bool:
    """Whether a unit of it could be bought beside what is held, said in other words than the code's."""
    awards = [award for place in held for award in place.awards]
    selected = [place.offer for place in held if place.awards]
    beside = [other for other in selected if other.track == one.track]
    own = tracks.get(one.track, UNBOUNDED)
    bounded = (
        len(selected) == limits.places
        or len(beside) == own.places
        or sum(other.firm == one.firm for other in selected) == limits.selections_per_firm
        or sum(other.firm == one.firm for other in beside) == own.selections_per_firm
    )
    if bounded:
        return False
    for asked in demands:
        if asked.request in cancelled or not meets(one, asked):
            continue
        of_request = [award for award in awards if award.request == asked.request]
        spent = sum(award.amount_won for award in awards if award.institution == asked.institution)
        money = min(
            asked.budget_won - sum(award.amount_won for award in of_request), pledges.get(asked.institution, 0) - spent
        )
        if sum(award.quantity for award in of_request) < asked.quantity and money >= one.price_won:
            return True
    return False


@given(released_markets())
def test_who_neither_left_nor_lost_an_award_keeps_what_they_had(case: tuple[Market, list[Batch]]) -> None:
    for before, made, _, cancelled in given_out(*case):
        moved = {one.application for one in made.moved}
        for place in before:
            untouched = place.awards and place.awards == _kept(place.awards, cancelled)
            if untouched and place.offer.application in moved:
                (one,) = [each for each in made.moved if each.application == place.offer.application]
                assert one.reason is GIVEN_UP


@given(markets())
def test_a_batch_that_sets_nothing_free_gives_nothing(market: Market) -> None:
    ((_, made, _, _),) = given_out(market, [([], [])])
    assert made.moved == ()


@given(released_markets(), st.randoms(use_true_random=False))
def test_the_same_batches_come_to_the_same_root_whatever_order_requests_come_in(
    case: tuple[Market, list[Batch]], random: Any
) -> None:
    (offers, demands, pledges, limits, tracks), batches = case
    turned = (offers, random.sample(demands, len(demands)), dict(reversed(pledges.items())), limits, tracks)
    roots = [(made.root, made.state_hash) for _, made, _, _ in given_out(case[0], batches)]
    assert [(made.root, made.state_hash) for _, made, _, _ in given_out(turned, batches)] == roots

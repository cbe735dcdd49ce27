"""Matching: products in draw order take what institutions asked for, within every budget, pledge, capacity and limit.

One pass, no looking back. What is left of money, quantity and places only shrinks, so whoever got nothing could not
have had what a later product got: nothing it met was left at its turn, or its firm, its track or the round had reached
its limit by then. A track that is full leaves its money to the tracks that are not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from services.selection.domain.bounds import Bound, Bounds
from shared.certificates import AcceptedKinds
from shared.contracts.events import NotSelectedReason
from shared.contracts.facts import ApplicationFacts, RequestFacts
from shared.contracts.policy import Limits, TrackLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an application offers. `certificates` are the kinds of which a valid one is held."""

    application: str
    track: str
    firm: str  # its business number: limits are per firm
    class_code: str
    price_won: int
    capacity: int
    delivery_days: int
    regions: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A purchase request: up to `quantity` units within `budget_won`."""

    request: str
    institution: str
    class_code: str
    quantity: int
    budget_won: int
    price_ceiling_won: int | None = None
    certificate_kinds: tuple[str, ...] = ()
    region: str | None = None
    delivery_days_at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Award:
    request: str
    institution: str
    quantity: int
    amount_won: int


class Result(StrEnum):
    SELECTED = "selected"
    RESERVE = "reserve"
    NOT_SELECTED = "not-selected"


class Placement(NamedTuple):
    """What became of an application; `reserve_position` counts from 1, `reason` says why it is not selected.

    A tuple, as is a line of the proposal: a round may make a million of each.
    """

    application: str
    result: Result
    awards: tuple[Award, ...] = ()
    reserve_position: int | None = None
    reason: NotSelectedReason | None = None


def offer_of(application: str, firm: str, facts: ApplicationFacts, accepted: AcceptedKinds) -> Offer:
    product = facts.product
    return Offer(
        application=application,
        track=facts.track,
        firm=firm,
        class_code=product.class_code,
        price_won=product.price_won,
        capacity=product.capacity,
        delivery_days=product.delivery_days,
        regions=product.regions,
        certificates=accepted.held(facts.certificates),
    )


def demand_of(request: str, institution: str, facts: RequestFacts) -> Demand:
    return Demand(
        request=request,
        institution=institution,
        class_code=facts.class_code,
        quantity=facts.quantity,
        budget_won=facts.budget_won,
        price_ceiling_won=facts.price_ceiling_won,
        certificate_kinds=facts.certificate_kinds,
        region=facts.region,
        delivery_days_at_most=facts.delivery_days_at_most,
    )


def match(
    offers: Sequence[Offer],
    demands: Iterable[Demand],
    pledges: Mapping[str, int],
    limits: Limits,
    tracks: Mapping[str, TrackLimits] = MappingProxyType({}),
) -> list[Placement]:
    """A placement for each of `offers`, which stand in draw order. An institution without a pledge buys nothing.

    `tracks`: limits of those that have their own, within the round's.
    """
    market = _Market(offers, demands, pledges)
    bounds = Bounds(limits, tracks)
    reserve = 0
    placements: list[Placement] = []
    for offer in offers:
        over = bounds.over(offer.track)
        awards: tuple[Award, ...] = ()
        if not any(bound.without_place() or bound.firm_has_its_share(offer.firm) for bound in over):
            awards = market.buy(offer, limits.requests_per_product)
        if awards:
            for bound in over:
                bound.select(offer.firm)
            placements.append(Placement(offer.application, Result.SELECTED, awards))
            continue
        reason = _reason(offer, market, over)
        if reason is None:
            reserve += 1
            for bound in over:
                bound.put_in_reserve()
            placements.append(Placement(offer.application, Result.RESERVE, (), reserve))
        else:
            placements.append(Placement(offer.application, Result.NOT_SELECTED, (), None, reason))
    return placements


def _reason(offer: Offer, market: "_Market", over: Iterable[Bound]) -> NotSelectedReason | None:
    """Why an offer that got nothing is not even in reserve: None when only money, quantity or places were gone."""
    if not market.wanted(offer):
        return NotSelectedReason.NO_DEMAND
    if any(bound.firm_has_its_share(offer.firm) for bound in over):
        return NotSelectedReason.FIRM_LIMIT
    if any(bound.reserve_is_full() for bound in over):
        return NotSelectedReason.RESERVE_FULL
    return None


class _Line:
    """A demand and what is left of it. `price_limit` is what one unit may cost when all its money is still there."""

    __slots__ = ("budget", "certificates", "days", "demand", "price_limit", "quantity", "region", "tie")

    def __init__(self, demand: Demand, pledge: int) -> None:
        ceiling = demand.budget_won if demand.price_ceiling_won is None else demand.price_ceiling_won
        self.demand = demand
        self.quantity = demand.quantity
        self.budget = demand.budget_won
        self.price_limit = min(ceiling, demand.budget_won, pledge)
        self.region = demand.region
        self.days = demand.delivery_days_at_most
        self.certificates = frozenset(demand.certificate_kinds)
        self.tie = sha256(demand.request.encode()).digest()

    def met_by(self, offer: Offer) -> bool:
        return (
            offer.price_won <= self.price_limit
            and (self.days is None or offer.delivery_days <= self.days)
            and (self.region is None or not offer.regions or self.region in offer.regions)
            and (not self.certificates or not self.certificates.isdisjoint(offer.certificates))
        )


class _Shelf:
    """The demands of one class. Money and quantity only shrink, so a bound once found holds for all that come later."""

    __slots__ = ("free_limit", "lines", "most", "open")

    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self.open: list[_Line] = []
        self.free_limit = 0
        """The highest price that a demand with no other condition takes."""
        self.most = 0
        """No open line takes a higher price than this."""

    def add(self, line: _Line) -> None:
        self.lines.append(line)
        self.open.append(line)
        self.most = max(self.most, line.price_limit)
        if line.region is None and line.days is None and not line.certificates:
            self.free_limit = max(self.free_limit, line.price_limit)

    def drop_spent(self, cheapest: int, pledges: Mapping[str, int]) -> None:
        """Leaves out the lines that nothing offered can be bought with any more."""
        left = [
            (min(line.price_limit, line.budget, pledges[line.demand.institution]), line)
            for line in self.open
            if line.quantity
        ]
        self.open = [line for money, line in left if money >= cheapest]
        self.most = max((money for money, _ in left), default=0)


class _Market:
    """What is left to be had, by class."""

    def __init__(self, offers: Iterable[Offer], demands: Iterable[Demand], pledges: Mapping[str, int]) -> None:
        self.pledges = dict(pledges)
        self.shelves: dict[str, _Shelf] = {}
        for demand in demands:
            line = _Line(demand, self.pledges.setdefault(demand.institution, 0))
            self.shelves.setdefault(demand.class_code, _Shelf()).add(line)
        self.cheapest: dict[str, int] = {}
        for offer in offers:
            if offer.price_won < self.cheapest.get(offer.class_code, offer.price_won + 1):
                self.cheapest[offer.class_code] = offer.price_won

    def wanted(self, offer: Offer) -> bool:
        """Whether it could have been bought with all the money and quantity there was."""
        shelf = self.shelves.get(offer.class_code)
        if shelf is None:
            return False
        return offer.price_won <= shelf.free_limit or any(line.met_by(offer) for line in shelf.lines)

    def buy(self, offer: Offer, requests_at_most: int) -> tuple[Award, ...]:
        """Most remaining budget first, ties by the hash of the request's id."""
        price, pledges = offer.price_won, self.pledges
        shelf = self.shelves.get(offer.class_code)
        if shelf is None or price > shelf.most:
            return ()
        fitting = [
            line
            for line in shelf.open
            if line.quantity
            and line.budget >= price
            and line.met_by(offer)
            and pledges[line.demand.institution] >= price
        ]
        if not fitting:
            shelf.drop_spent(self.cheapest[offer.class_code], pledges)
            return ()
        if len(fitting) > 1:
            fitting.sort(key=lambda line: (-line.budget, line.tie))
        return self._take(offer, fitting, requests_at_most)

    def _take(self, offer: Offer, lines: list[_Line], requests_at_most: int) -> tuple[Award, ...]:
        price, capacity = offer.price_won, offer.capacity
        awards: list[Award] = []
        for line in lines:
            if capacity == 0 or len(awards) == requests_at_most:
                break
            institution = line.demand.institution
            units = min(capacity, line.quantity, min(line.budget, self.pledges[institution]) // price)
            if units:
                won = units * price
                capacity -= units
                line.quantity -= units
                line.budget -= won
                self.pledges[institution] -= won
                awards.append(Award(line.demand.request, institution, units, won))
        return tuple(awards)

"""Releases: what was set free after a proposal is given out to the reserve, a batch at a time.

Set free is what a product had that left, and all money of a cancelled request. Then one pass in draw order over the
reserve and over whom a cancellation cost an award, as in the first matching: nobody who stands there is left without
what a later one got. Whoever lost nothing keeps what they have and takes nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.selection.domain.bounds import Bounds, barred
from services.selection.domain.market import Market
from services.selection.domain.matching import Result
from services.selection.domain.offers import Award, Demand, Offer
from shared.contracts.events import NotSelectedReason
from shared.contracts.policy import Limits, TrackLimits
from shared.proof.canonical import canonical_json, json_hash
from shared.proof.merkle import merkle_root


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody of the draw who is selected or in reserve, as the batch before left them. In draw order."""

    offer: Offer
    awards: tuple[Award, ...] = ()


@dataclass(frozen=True, slots=True)
class Freed:
    """What a batch sets free: who leaves and why, and requests cancelled."""

    leaving: Mapping[str, NotSelectedReason]
    cancelled: frozenset[str]


class Moved(NamedTuple):
    """What a batch made of an application: selected with these awards in all, back in the reserve, or gone."""

    application: str
    result: Result
    reason: NotSelectedReason | None
    awards: tuple[Award, ...]

    def leaf(self) -> list[Any]:
        """`[id, result, reason, [[request, quantity, won], …]]`."""
        awards = [[award.request, award.quantity, award.amount_won] for award in self.awards]
        return [self.application, self.result.value, self.reason and self.reason.value, awards]


@dataclass(frozen=True, slots=True)
class Release:
    """A batch as it is proposed: everybody it changed something for, in draw order. `promoted`: who had nothing."""

    moved: tuple[Moved, ...]
    state_hash: str
    promoted: int

    @property
    def root(self) -> str:
        return root_of_moves(move.leaf() for move in self.moved)

    @property
    def changed(self) -> int:
        """Those who stay selected with other awards."""
        return sum(move.result is Result.SELECTED for move in self.moved) - self.promoted

    @property
    def withdrawn(self) -> int:
        return sum(move.result is not Result.SELECTED for move in self.moved)


def root_of_moves(leaves: Iterable[list[Any]]) -> str:
    """RFC 9162 root over the leaves of a batch as they stand."""
    return merkle_root(map(canonical_json, leaves)).hex()


def release(
    places: Sequence[Place],
    freed: Freed,
    demands: Iterable[Demand],
    pledges: Mapping[str, int],
    limits: Limits,
    tracks: Mapping[str, TrackLimits],
) -> Release:
    """`demands`: all that were committed, but for those that earlier batches cancelled; `pledges` as committed."""
    market = Market((each for each in demands if each.request not in freed.cancelled), pledges)
    bounds = Bounds(limits, tracks)
    held_by: dict[str, tuple[Award, ...]] = {}
    for place in places:
        who = place.offer.application
        held_by[who] = () if who in freed.leaving else _without(place.awards, freed.cancelled)
        if held_by[who]:
            for bound in bounds.over(place.offer.track):
                bound.select(place.offer.firm)
    market.occupy(award for awards in held_by.values() for award in awards)
    state_hash = json_hash(market.state())
    moved, promoted = [], 0
    for place in places:
        offer, had, held = place.offer, place.awards, held_by[place.offer.application]
        if offer.application in freed.leaving:
            moved.append(Moved(offer.application, Result.NOT_SELECTED, freed.leaving[offer.application], ()))
            continue
        if held and held == had:
            continue
        awards = _take(market, bounds, offer, held, limits.requests_per_product)
        if awards == had:
            continue
        promoted += not had
        moved.append(Moved(offer.application, Result.SELECTED if awards else Result.RESERVE, None, awards))
    return Release(tuple(moved), state_hash, promoted)


def _take(
    market: Market, bounds: Bounds, offer: Offer, held: tuple[Award, ...], requests_at_most: int
) -> tuple[Award, ...]:
    """What an offer has after its turn. One that still holds an award has its place; others need one to be free."""
    over = bounds.over(offer.track)
    if not held and barred(over, offer.firm):
        return ()
    more = market.buy_more(offer, held, requests_at_most)
    if more and not held:
        for bound in over:
            bound.select(offer.firm)
    return held + more


def _without(awards: tuple[Award, ...], cancelled: frozenset[str]) -> tuple[Award, ...]:
    return tuple(award for award in awards if award.request not in cancelled)

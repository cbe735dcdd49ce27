"""Releases: what is set free after a proposal goes to the reserve, one batch at a time.

Set free are the awards of a product that leaves, and all money of a cancelled request. Then one pass in draw order goes
over the reserve and over products that a cancellation cost an award, as in the first matching: nobody there misses what
a later one got. Products that lost nothing keep what they have and get nothing more.
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
    """An application that is selected or in reserve after the previous batch."""

    offer: Offer
    awards: tuple[Award, ...] = ()


@dataclass(frozen=True, slots=True)
class Freed:
    """What a batch sets free: applications that leave, with the reason, and cancelled requests."""

    leaving: Mapping[str, NotSelectedReason]
    cancelled: frozenset[str]


class Moved(NamedTuple):
    """A change that a batch makes to an application: selected with these awards, back in reserve, or out."""

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
    """A proposed batch: all changed applications, in draw order. `promoted`: how many had no award before."""

    moved: tuple[Moved, ...]
    state_hash: str
    promoted: int

    @property
    def root(self) -> str:
        """The batch root over all moves."""
        return root_of_moves(move.leaf() for move in self.moved)

    @property
    def changed(self) -> int:
        """How many stay selected with other awards."""
        return sum(move.result is Result.SELECTED for move in self.moved) - self.promoted

    @property
    def withdrawn(self) -> int:
        """How many lose their selection."""
        return sum(move.result is not Result.SELECTED for move in self.moved)


def root_of_moves(leaves: Iterable[list[Any]]) -> str:
    """RFC 9162 root over the leaves of a batch, in their order."""
    return merkle_root(map(canonical_json, leaves)).hex()


def release(
    places: Sequence[Place],
    freed: Freed,
    demands: Iterable[Demand],
    pledges: Mapping[str, int],
    limits: Limits,
    tracks: Mapping[str, TrackLimits],
) -> Release:
    """Computes a batch.

    `demands`: as committed, without those that earlier batches cancelled; `pledges`: as committed.
    """
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
    """An offer's awards after this pass. An offer with an award keeps its place; others need a free one."""
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

"""Matching: products in draw order get what institutions asked for, within every budget, pledge, capacity and limit.

It is one pass without backtracking. Money, quantity and places only shrink, so a product that got nothing could not
have had what a later product got: either no demand it meets was left, or its firm, track or round had reached its
limit. A full track leaves its money to the other tracks.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from services.selection.domain.bounds import Bound, Bounds, barred
from services.selection.domain.market import Market
from services.selection.domain.offers import Award, Demand, Offer
from shared.contracts.events import NotSelectedReason
from shared.contracts.policy import Limits, TrackLimits


class Result(StrEnum):
    """What became of an application in the matching."""

    SELECTED = "selected"
    RESERVE = "reserve"
    NOT_SELECTED = "not-selected"


class Placement(NamedTuple):
    """The result of one application. `reserve_position` counts from 1; `reason` says why it is not selected.

    A tuple for speed, as is a line of the proposal: a round may have a million of each.
    """

    application: str
    result: Result
    awards: tuple[Award, ...] = ()
    reserve_position: int | None = None
    reason: NotSelectedReason | None = None


def match(
    offers: Sequence[Offer],
    demands: Iterable[Demand],
    pledges: Mapping[str, int],
    limits: Limits,
    tracks: Mapping[str, TrackLimits] = MappingProxyType({}),
) -> list[Placement]:
    """A placement for each offer; `offers` are in draw order. An institution without a pledge buys nothing.

    `pledges`: won by institution. `tracks`: limits of the tracks that have their own, within the round's.
    """
    market = Market(demands, pledges)
    bounds = Bounds(limits, tracks)
    reserve = 0
    placements: list[Placement] = []
    for offer in offers:
        over, reach = bounds.over(offer.track), market.reach(offer)
        if offer.price_won <= reach.most and not barred(over, offer.firm):
            awards = market.buy(offer, reach, limits.requests_per_product)
            if awards:
                for bound in over:
                    bound.select(offer.firm)
                placements.append(Placement(offer.application, Result.SELECTED, awards))
                continue
        reason = _no_demand if offer.price_won > reach.dearest else _reason(offer.firm, over)
        if reason is None:
            reserve += 1
            for bound in over:
                bound.reserve -= 1
            placements.append(Placement(offer.application, Result.RESERVE, (), reserve))
        else:
            placements.append(Placement(offer.application, _not_selected, (), None, reason))
    return placements


_not_selected: Final = Result.NOT_SELECTED
_no_demand: Final = NotSelectedReason.NO_DEMAND


def _reason(firm: str, over: Iterable[Bound]) -> NotSelectedReason | None:
    """Why an offer with demand that got nothing is not in reserve either; None if it is."""
    reason = None
    for bound in over:
        if firm in bound.firms_at_limit:
            return NotSelectedReason.FIRM_LIMIT
        if bound.reserve <= 0:
            reason = NotSelectedReason.RESERVE_FULL
    return reason

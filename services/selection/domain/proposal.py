"""The proposal: computes a result for every application from committed entries and a seed, under one root."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from services.selection.domain.commitment import Entry
from services.selection.domain.draw import draw_key, draw_keys, in_order
from services.selection.domain.matching import Placement, Result, match
from services.selection.domain.offers import Demand, Offer
from services.selection.domain.score import by_score
from shared.contracts.events import NotSelectedReason
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Method, Policy
from shared.proof.canonical import canonical_json
from shared.proof.merkle import merkle_root


class Proposed(NamedTuple):
    """An application's line in the proposal. Position and key are None if it was not in the draw."""

    placement: Placement
    position: int | None = None
    key: str | None = None

    def leaf(self) -> list[Any]:
        """`[id, result, position, key, [[request, quantity, won], …]]`."""
        placement = self.placement
        awards = [[award.request, award.quantity, award.amount_won] for award in placement.awards]
        return [placement.application, placement.result.value, self.position, self.key, awards]

    def canonical_leaf(self) -> bytes:
        """The leaf in RFC 8785 form. Leaves without awards, the most, are formatted directly for speed."""
        placement = self.placement
        if placement.awards:
            return canonical_json(self.leaf())
        if self.key is None:
            return f'["{placement.application}","{placement.result}",null,null,[]]'.encode()
        return f'["{placement.application}","{placement.result}",{self.position},"{self.key}",[]]'.encode()


@dataclass(frozen=True, slots=True)
class Proposal:
    """Lines of applications in the draw, in draw order, then of the others, in order of id."""

    lines: tuple[Proposed, ...]
    selection_root: str

    def count(self, result: Result) -> int:
        """How many lines have this result."""
        return sum(line.placement.result is result for line in self.lines)


def propose(
    policy: Policy,
    seed: str,
    entries: Iterable[Entry],
    offers: Mapping[str, Offer],
    demands: Iterable[Demand],
    pledges: Mapping[str, int],
    other_seeds: Mapping[str, str] = MappingProxyType({}),
    left: Mapping[str, NotSelectedReason] = MappingProxyType({}),
) -> Proposal:
    """Draws and matches. The result does not depend on the order of any argument.

    `offers`: by application id, at least for all in the draw. `other_seeds`: seeds of applications that draw under a
    supplementary value; their keys are as uniform as the others', so every ticket has the same chance. `left`: why an
    application left in a batch of an earlier epoch.
    """
    standing: list[Entry] = []
    aside: list[Proposed] = []
    for entry in entries:
        if reason := _aside(entry, policy) or left.get(entry.application):
            aside.append(Proposed(Placement(entry.application, Result.NOT_SELECTED, (), None, reason)))
        else:
            standing.append(entry)
    order = placed(policy, seed, standing, offers, demands, pledges, other_seeds)
    lines = [Proposed(placement, position, key.hex()) for position, (key, placement) in enumerate(order, start=1)]
    aside.sort(key=lambda line: line.placement.application)
    lines += aside
    return Proposal(tuple(lines), selection_root(lines))


def stands(entry: Entry, policy: Policy) -> bool:
    """True if an entry is in the draw."""
    return _aside(entry, policy) is None


def placed(
    policy: Policy,
    seed: str,
    standing: Sequence[Entry],
    offers: Mapping[str, Offer],
    demands: Iterable[Demand],
    pledges: Mapping[str, int],
    other_seeds: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[bytes, Placement]]:
    """(draw key, placement) of the entries in the draw, in order."""
    keys = draw_keys(seed, [(entry.application, entry.tickets) for entry in standing])
    if other_seeds:
        for place, entry in enumerate(standing):
            if entry.application in other_seeds:
                keys[place] = draw_key(other_seeds[entry.application], entry.application, entry.tickets)
    order = in_order(keys, [entry.application for entry in standing])
    if policy.method is Method.SCORE:
        order = by_score(order, [entry.score or 0 for entry in standing])
    theirs = [offers[entry.application] for entry in standing]
    tracks = {track.track: track.limits for track in policy.tracks if track.limits is not None}
    placements = match([theirs[place] for place in order], demands, pledges, policy.limits, tracks)
    return zip([keys[place] for place in order], placements, strict=True)


def selection_root(lines: Iterable[Proposed]) -> str:
    """RFC 9162 root over the canonical leaves, in their order."""
    return merkle_root(line.canonical_leaf() for line in lines).hex()


def root_of_leaves(leaves: Iterable[list[Any]]) -> str:
    """The same root, from leaves as `Proposed.leaf` makes them."""
    return merkle_root(map(canonical_json, leaves)).hex()


def _aside(entry: Entry, policy: Policy) -> NotSelectedReason | None:
    """Why an entry is not in the draw; None if it is."""
    if entry.outcome is not VerdictOutcome.ELIGIBLE or entry.tickets == 0:
        return NotSelectedReason.INELIGIBLE
    if policy.scoring is not None and (entry.score or 0) < policy.scoring.threshold:
        return NotSelectedReason.BELOW_THRESHOLD
    return None

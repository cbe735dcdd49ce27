"""What bounds a selection beside demand: places, products of one firm, the reserve; of the round and of each track."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.contracts.policy import Limits, TrackLimits

_UNBOUNDED: Final = 2**63


class Bound:
    """What is left of the limits of the round or of one track. Asked for every application: attributes, not calls."""

    __slots__ = ("_most_of_firm", "_of_firm", "firms_at_limit", "places", "reserve")

    def __init__(self, limits: Limits | TrackLimits) -> None:
        self.places = _or_unbounded(limits.places)
        self.reserve = _or_unbounded(limits.reserve)
        self.firms_at_limit: set[str] = set()
        self._most_of_firm = _or_unbounded(limits.selections_per_firm)
        self._of_firm: dict[str, int] = {}

    def select(self, firm: str) -> None:
        self.places -= 1
        self._of_firm[firm] = count = self._of_firm.get(firm, 0) + 1
        if count >= self._most_of_firm:
            self.firms_at_limit.add(firm)


class Bounds:
    """Every bound an offer stands under. Counts only rise: one that is reached stays so for all that come later."""

    def __init__(self, limits: Limits, tracks: Mapping[str, TrackLimits]) -> None:
        self._round = (Bound(limits),)
        self._tracks = {track: (*self._round, Bound(own)) for track, own in tracks.items()}

    def over(self, track: str) -> tuple[Bound, ...]:
        """The round's and, where the track has limits of its own, the track's."""
        return self._tracks.get(track, self._round)


def barred(over: Iterable[Bound], firm: str) -> bool:
    """Whether a firm's offer could not be selected, whatever demand there is."""
    return any(bound.places <= 0 or firm in bound.firms_at_limit for bound in over)


def _or_unbounded(limit: int | None) -> int:
    return _UNBOUNDED if limit is None else limit

"""Limits on a selection besides demand: places, products per firm and reserve, per round and per track."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.contracts.policy import Limits, TrackLimits

_UNBOUNDED: Final = 2**63


class Bound:
    """What is left of the limits of the round or one track. Hot path: attributes, not methods."""

    __slots__ = ("_most_of_firm", "_of_firm", "firms_at_limit", "places", "reserve")

    def __init__(self, limits: Limits | TrackLimits) -> None:
        self.places = _or_unbounded(limits.places)
        self.reserve = _or_unbounded(limits.reserve)
        self.firms_at_limit: set[str] = set()
        self._most_of_firm = _or_unbounded(limits.selections_per_firm)
        self._of_firm: dict[str, int] = {}

    def select(self, firm: str) -> None:
        """Counts a selected product of the firm."""
        self.places -= 1
        self._of_firm[firm] = count = self._of_firm.get(firm, 0) + 1
        if count >= self._most_of_firm:
            self.firms_at_limit.add(firm)


class Bounds:
    """All bounds of a round. Counts only rise, so a limit once reached stays reached."""

    def __init__(self, limits: Limits, tracks: Mapping[str, TrackLimits]) -> None:
        self._round = (Bound(limits),)
        self._tracks = {track: (*self._round, Bound(own)) for track, own in tracks.items()}

    def over(self, track: str) -> tuple[Bound, ...]:
        """The round's bound, and the track's if it has limits of its own."""
        return self._tracks.get(track, self._round)


def barred(over: Iterable[Bound], firm: str) -> bool:
    """True if no offer of the firm could be selected, whatever the demand."""
    return any(bound.places <= 0 or firm in bound.firms_at_limit for bound in over)


def _or_unbounded(limit: int | None) -> int:
    return _UNBOUNDED if limit is None else limit

"""What bounds a selection beside demand: places, products of one firm, the reserve; of the round and of each track."""

from collections import Counter
from collections.abc import Iterable, Mapping

from shared.contracts.policy import Limits, TrackLimits


class Bound:
    """The limits of the round or of one track, and what was given out of them."""

    __slots__ = ("_limits", "_of_firm", "_reserved", "_selected")

    def __init__(self, limits: Limits | TrackLimits) -> None:
        self._limits = limits
        self._selected = self._reserved = 0
        self._of_firm: Counter[str] = Counter()

    def without_place(self) -> bool:
        return self._limits.places is not None and self._selected >= self._limits.places

    def firm_has_its_share(self, firm: str) -> bool:
        most = self._limits.selections_per_firm
        return most is not None and self._of_firm.get(firm, 0) >= most

    def reserve_is_full(self) -> bool:
        return self._limits.reserve is not None and self._reserved >= self._limits.reserve

    def select(self, firm: str) -> None:
        self._selected += 1
        self._of_firm[firm] += 1

    def put_in_reserve(self) -> None:
        self._reserved += 1


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
    return any(bound.without_place() or bound.firm_has_its_share(firm) for bound in over)

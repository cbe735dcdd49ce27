"""Institution names by time, so that a release does not change when an institution is renamed."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime

from services.selection.domain.ocds.release import NotReadYetError, Party


class Names:
    """Looks up names by institution and moment."""

    def __init__(self, named: Iterable[tuple[str, datetime, str]]) -> None:
        """`named`: rows of (institution, since when, name)."""
        self._of: dict[str, list[tuple[datetime, str]]] = {}
        for institution, since, name in sorted(named):
            self._of.setdefault(institution, []).append((since, name))

    def at(self, institution: str, moment: datetime) -> str:
        """The name at a moment; before the first name, the first. Raises NotReadYetError if it has none."""
        names = self._of.get(institution)
        if names is None:
            raise NotReadYetError(f"institution {institution} has no name yet")
        return names[max(0, bisect_right(names, moment, key=lambda entry: entry[0]) - 1)][1]

    def buyer(self, institution: str, moment: datetime, *more: str) -> Party:
        """The institution as a buyer. `more`: its other roles."""
        return Party(id=institution, name=self.at(institution, moment), roles=("buyer", *more))

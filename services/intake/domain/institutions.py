"""An institution's way: interest → agreement → active, suspended for a while or for good, left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.contracts.events import InstitutionStatus

_NEW: Final = frozenset({InstitutionStatus.INTERESTED, InstitutionStatus.AGREED, InstitutionStatus.ACTIVE})
_NEXT: Final = {
    InstitutionStatus.INTERESTED: {InstitutionStatus.AGREED, InstitutionStatus.LEFT},
    InstitutionStatus.AGREED: {InstitutionStatus.ACTIVE, InstitutionStatus.LEFT},
    InstitutionStatus.ACTIVE: {InstitutionStatus.SUSPENDED, InstitutionStatus.LEFT},
    InstitutionStatus.SUSPENDED: {InstitutionStatus.ACTIVE, InstitutionStatus.LEFT},
    InstitutionStatus.LEFT: {InstitutionStatus.AGREED},
}
"""Whoever comes back agrees anew."""


@dataclass(frozen=True, slots=True)
class Institution:
    """As it stands. `pledges`: won by round."""

    name: str
    status: InstitutionStatus
    pledges: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WrongChange:
    code: str
    detail: str


def changed(
    before: Institution | None, name: str | None, status: InstitutionStatus | None, pledges: Mapping[str, int]
) -> Institution | WrongChange:
    """What was not said stays, and so does the name of one that is known: renaming is an act of its own. A new
    institution is active, unless it is said to be on its way; its name is needed. Pledges are amended one by one, never
    taken away: 0 won is a pledge too."""
    if before is None:
        if name is None:
            return WrongChange("name-missing", "A new institution needs its name.")
        wanted = status or InstitutionStatus.ACTIVE
        if wanted not in _NEW:
            return WrongChange("wrong-status", f"A new institution can't be {wanted} at once.")
        return Institution(name, wanted, dict(pledges))
    wanted = status or before.status
    if wanted is not before.status and wanted not in _NEXT[before.status]:
        ways = " or ".join(sorted(_NEXT[before.status]))
        return WrongChange("wrong-status", f"It is {before.status}: from there it becomes {ways}, not {wanted}.")
    return Institution(before.name, wanted, {**before.pledges, **pledges})

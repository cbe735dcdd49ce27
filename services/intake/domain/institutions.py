"""The status of an institution: interest → agreement → active, suspended for a while or for good, left."""

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
"""Allowed next statuses; an institution that comes back agrees anew."""


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution's current state. `pledges`: won by round."""

    name: str
    status: InstitutionStatus
    pledges: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WrongChange:
    """Why a change is not allowed."""

    code: str
    detail: str


def changed(
    before: Institution | None, name: str | None, status: InstitutionStatus | None, pledges: Mapping[str, int]
) -> Institution | WrongChange:
    """The institution after a change. Fields left out stay, and so does the name of a known one: renaming is a request
    of its own. A new institution needs a name, and is active unless another status is given. Pledges are amended one by
    one and never removed: 0 won is a pledge too."""
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

"""What a rule takes and what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from shared.contracts.findings import FindingOutcome, Unit
from shared.programme.certificates import AcceptedKinds

_PASS, _FAIL, _UNKNOWN = FindingOutcome.PASS, FindingOutcome.FAIL, FindingOutcome.UNKNOWN


class Observation(NamedTuple):
    """A finding before it is bound to its condition. A tuple for speed: each application has a dozen."""

    outcome: FindingOutcome
    seen: str | int | None = None
    needed: str | int | None = None
    margin: int | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the round's policy gives a rule: its date, its parameters by type, and the tables that it looks up."""

    as_of: date
    as_of_text: str
    accepted: AcceptedKinds
    purchasable_classes: tuple[str, ...] = ()
    numbers: Mapping[str, int]
    texts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]


def passed(
    seen: str | int | None,
    needed: str | int | None = None,
    margin: int | None = None,
    unit: Unit | None = None,
) -> Observation:
    return Observation(_PASS, seen, needed, margin, unit)


def failed(
    seen: str | int | None,
    needed: str | int | None = None,
    margin: int | None = None,
    unit: Unit | None = None,
) -> Observation:
    return Observation(_FAIL, seen, needed, margin, unit)


def unknown(
    needed: str | int | None,
    seen: str | int | None = None,
    margin: int | None = None,
    unit: Unit | None = None,
) -> Observation:
    """The evidence is missing or unreadable, which is not the same as false."""
    return Observation(_UNKNOWN, seen, needed, margin, unit)


def measured(margin: int, unit: Unit, seen: str | int, needed: str | int) -> Observation:
    """Passes from a margin of 0, which is on the bound, upwards."""
    return Observation(_PASS if margin >= 0 else _FAIL, seen, needed, margin, unit)

"""Findings of rules. A verdict lists all findings, not only the first failure."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.values import Code, Line


class FindingOutcome(StrEnum):
    PASS = "pass"  # noqa: S105 -- an outcome, not a secret
    FAIL = "fail"
    WAIVED = "waived"
    UNKNOWN = "unknown"


class VerdictOutcome(StrEnum):
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    PARKED = "parked"


class Unit(StrEnum):
    WON = "won"
    DAYS = "days"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact that would have had to be otherwise: where it stands in an application, and what it had to be."""

    rule: Code
    pointer: Line
    needed: str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`seen` against `needed`; `margin` is how far inside (positive) or outside (negative) the bound, in `unit`.

    A condition counts toward the verdict; a finding that is no condition (`decides` false) only states a fact that
    tickets or waivers use, such as being a startup.
    """

    rule: Code
    legal_source: Line
    outcome: FindingOutcome
    seen: str | int | None = None
    needed: str | int | None = None
    margin: int | None = None
    unit: Unit | None = None
    decides: bool = True

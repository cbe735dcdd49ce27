"""Whether a stated certificate or confirmation is valid on a date, for eligibility and for selection."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from shared.contracts.facts import Certificate
from shared.contracts.policy import CertificateKind
from shared.programme.periods import months_after


def last_day_of_years(start: date, years: int) -> date:
    """The last day of a period of `years` from `start`; at most the calendar's last day."""
    year = start.year + years
    if year > date.max.year:
        return date.max
    try:
        return start.replace(year=year)
    except ValueError:  # 29 February of a year that is no leap year
        return months_after(start, 12 * years)


class Flaw(IntEnum):
    """Why a certificate is not valid. The lower, the closer to valid."""

    NONE = 0
    NOT_VALID_ON_DATE = 1
    GRADE_MISSING = 2
    GRADE = 3
    NUMBER = 4
    KIND = 5


@dataclass(frozen=True, slots=True)
class Examined:
    """A certificate and its flaw. `margin_days`: days left (negative: days off); None if it never ends."""

    flaw: Flaw
    certificate: Certificate
    margin_days: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedKinds:
    """The kinds of certificate accepted on a date, with their number patterns compiled once."""

    as_of: date
    kinds: Mapping[str, tuple[re.Pattern[str], CertificateKind]]

    @classmethod
    def compile(cls, as_of: date, kinds: Iterable[CertificateKind]) -> "AcceptedKinds":
        """The accepted kinds of a policy."""
        return cls(as_of, {kind.kind: (re.compile(kind.number_pattern, re.ASCII), kind) for kind in kinds})

    def examine(self, certificate: Certificate) -> Examined:
        """The first flaw of the certificate, or Flaw.NONE."""
        accepted = self.kinds.get(certificate.kind)
        if accepted is None:
            return Examined(Flaw.KIND, certificate)
        pattern, kind = accepted
        if pattern.fullmatch(certificate.number) is None:
            return Examined(Flaw.NUMBER, certificate)
        if kind.grades and certificate.grade not in kind.grades:
            return Examined(Flaw.GRADE if certificate.grade else Flaw.GRADE_MISSING, certificate)
        margin = days_inside(self.as_of, certificate.issued_on, certificate.expires_on, kind.validity_years)
        flaw = Flaw.NOT_VALID_ON_DATE if margin is not None and margin < 0 else Flaw.NONE
        return Examined(flaw, certificate, margin)

    def held(self, certificates: Iterable[Certificate]) -> tuple[str, ...]:
        """The kinds of the valid certificates, sorted."""
        return tuple(sorted({c.kind for c in certificates if self.examine(c).flaw is Flaw.NONE}))


def days_inside(on: date, issued_on: date, expires_on: date | None, validity_years: int | None) -> int | None:
    """Days left of a validity, both ends included; negative outside it; None if it never ends."""
    if on < issued_on:
        return (on - issued_on).days
    if expires_on is None:
        if validity_years is None:
            return None
        expires_on = last_day_of_years(issued_on, validity_years)
    return (expires_on - on).days

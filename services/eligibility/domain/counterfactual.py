"""Finds what would have made an ineligible application eligible: the fewest changes of its facts, by the rules.

A change meets one condition exactly on its bound. Candidates are every track, and in each track either all failed
conditions, or those that a waiver needs and those it does not waive. Each candidate is judged, so that every answer
really passes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from services.eligibility.domain.compiled import CompiledTrack, PolicyRules
from services.eligibility.domain.judge import judge
from services.eligibility.domain.number_examples import example_of
from services.eligibility.domain.observation import Terms
from services.eligibility.domain.rules import company, documents, files, numbers, product, record
from services.eligibility.domain.rules.track import TRACK
from shared.contracts.facts import (
    Applicant,
    ApplicationFacts,
    BusinessStatus,
    Certificate,
    Document,
    DocumentFile,
    Origin,
    SupplyRecord,
)
from shared.contracts.findings import Change, FindingOutcome, VerdictOutcome
from shared.programme.certificates import AcceptedKinds, Examined, Flaw, days_inside, last_day_of_years
from shared.programme.file_types import PDF
from shared.programme.registration_numbers import business_check_digit, corporate_check_digit

_ANOTHER_TRACK: Final = 1
_ANOTHER_START: Final = 5
"""Cost of another founding day: a firm can't be founded again, so this is the last resort."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """Facts with which a rule passes, and what was changed in them."""

    facts: ApplicationFacts
    change: Change
    cost: int = 1


Mend = Callable[[ApplicationFacts, Terms], Remedy | None]
"""The nearest change that makes a rule pass; None where no fact of the firm could do so."""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The changes that would have been needed, and the facts with those changes."""

    changes: tuple[Change, ...]
    facts: ApplicationFacts


def counterfactual(facts: ApplicationFacts, rules: PolicyRules) -> Counterfactual | None:
    """The cheapest changes under which `judge` finds an ineligible application eligible; None if none would do."""
    cheapest: tuple[int, Counterfactual] | None = None
    for name, track in rules.tracks.items():
        there, cost = facts, 0
        moved: tuple[Change, ...] = ()
        if name != facts.track:
            there, cost = replace(facts, track=name), _ANOTHER_TRACK
            moved = (Change(rule=TRACK, pointer="/track", needed=name),)
        for wanted in _ways(there, track):
            mended = _mended(there, track, wanted)
            if mended is None or (cheapest is not None and cheapest[0] <= cost + mended[0]):
                continue
            if judge(mended[1].facts, rules).outcome is VerdictOutcome.ELIGIBLE:
                cheapest = cost + mended[0], replace(mended[1], changes=moved + mended[1].changes)
    return cheapest[1] if cheapest else None


def _ways(facts: ApplicationFacts, track: CompiledTrack) -> Iterable[Sequence[str]]:
    """Rules to mend: all failed conditions, or those that a waiver needs and those it leaves."""
    failing = [
        bound.rule for bound in track.conditions if bound.observe(facts, bound.terms).outcome is not FindingOutcome.PASS
    ]
    deciding = {bound.rule for bound in track.conditions if bound.decides}
    yield [rule for rule in failing if rule in deciding]
    for waiver in track.waivers:
        yield [rule for rule in failing if rule in waiver.when or (rule in deciding and rule not in waiver.waives)]


def _mended(facts: ApplicationFacts, track: CompiledTrack, wanted: Sequence[str]) -> tuple[int, Counterfactual] | None:
    """The cost and the changes that mend all `wanted` rules; None where one of them can't be mended."""
    changes: list[Change] = []
    cost = 0
    for bound in track.conditions:
        if bound.rule not in wanted:
            continue
        mend = MENDS.get(bound.rule)
        remedy = mend(facts, bound.terms) if mend else None
        if remedy is None:
            return None
        facts, cost = remedy.facts, cost + remedy.cost
        changes.append(replace(remedy.change, rule=bound.rule))
    return cost, Counterfactual(tuple(changes), facts)


def _applicant(facts: ApplicationFacts, name: str, value: Any, needed: str | int, cost: int = 1) -> Remedy:
    applicant: Applicant = replace(facts.applicant, **{name: value})
    return Remedy(replace(facts, applicant=applicant), _change(f"/applicant/{name}", needed), cost)


def _change(pointer: str, needed: str | int) -> Change:
    return Change(rule="", pointer=pointer, needed=needed)


def _business_number(facts: ApplicationFacts, terms: Terms) -> Remedy:
    number = facts.applicant.business_number
    right = f"{number[:9]}{business_check_digit(number)}"
    return _applicant(facts, "business_number", right, f"check digit {right[9]}")


def _corporate_number(facts: ApplicationFacts, terms: Terms) -> Remedy:
    number = facts.applicant.corporate_number
    if number is None:
        return _applicant(facts, "corporate_number", "0" * 13, "corporate number of a corporation")
    right = f"{number[:12]}{corporate_check_digit(number)}"
    return _applicant(facts, "corporate_number", right, f"check digit {right[12]}")


def _business_active(facts: ApplicationFacts, terms: Terms) -> Remedy:
    return _applicant(facts, "status", BusinessStatus.ACTIVE, BusinessStatus.ACTIVE.value)


def _not_sanctioned(facts: ApplicationFacts, terms: Terms) -> Remedy:
    return _applicant(facts, "sanctioned", False, "not sanctioned")


def _sme_confirmation(facts: ApplicationFacts, terms: Terms) -> Remedy:
    document = _valid(facts.applicant.sme_confirmation, terms.as_of)
    return _applicant(facts, "sme_confirmation", document, f"valid on {terms.as_of_text}")


def _direct_production(facts: ApplicationFacts, terms: Terms) -> Remedy:
    product = replace(facts.product, direct_production=_valid(facts.product.direct_production, terms.as_of))
    change = _change("/product/direct_production", f"valid on {terms.as_of_text}")
    return Remedy(replace(facts, product=product), change)


def _valid(document: Document | None, on: date) -> Document:
    if document is None:
        return Document(number="-", issued_on=on, expires_on=on)
    if on < document.issued_on:
        expires_on = document.expires_on and max(on, document.expires_on)
        return replace(document, issued_on=on, expires_on=expires_on or on)
    return replace(document, expires_on=on)


def _certificate(facts: ApplicationFacts, terms: Terms) -> Remedy | None:
    """Mends the certificate nearest to being valid, or else adds one of an accepted kind."""
    accepted = terms.accepted
    examined = sorted(map(accepted.examine, facts.certificates), key=lambda each: each.flaw)
    for candidate in examined:
        if candidate.flaw in (Flaw.NOT_VALID_ON_DATE, Flaw.GRADE_MISSING, Flaw.GRADE):
            at = facts.certificates.index(candidate.certificate)
            mended, pointer, needed = _holding(candidate, accepted)
            certificates = (*facts.certificates[:at], mended, *facts.certificates[at + 1 :])
            return Remedy(replace(facts, certificates=certificates), _change(f"/certificates/{at}{pointer}", needed))
    for kind in sorted(accepted.kinds):
        number = example_of(accepted.kinds[kind][0])
        if number is not None:
            grades = accepted.kinds[kind][1].grades
            more = Certificate(
                kind=kind,
                number=number,
                issued_on=terms.as_of,
                expires_on=terms.as_of,
                grade=grades[0] if grades else None,
            )
            change = _change("/certificates/-", f"accepted certificate valid on {terms.as_of_text}")
            return Remedy(replace(facts, certificates=(*facts.certificates, more)), change)
    return None


def _holding(examined: Examined, accepted: AcceptedKinds) -> tuple[Certificate, str, str]:
    held, on = examined.certificate, accepted.as_of
    kind = accepted.kinds[held.kind][1]
    if examined.flaw is not Flaw.NOT_VALID_ON_DATE:
        grade = kind.grades[0]
        held = replace(held, grade=grade)
        if (days_inside(on, held.issued_on, held.expires_on, kind.validity_years) or 0) >= 0:
            return held, "/grade", f"grade {' or '.join(kind.grades)}"
    issued_on = min(held.issued_on, on)
    expires_on = held.expires_on and max(held.expires_on, on)
    if expires_on is None and (days_inside(on, issued_on, None, kind.validity_years) or 0) < 0:
        expires_on = on
    pointer = "/issued_on" if held.issued_on > on else "/expires_on"
    return replace(held, issued_on=issued_on, expires_on=expires_on), pointer, f"valid on {on.isoformat()}"


def _documents(facts: ApplicationFacts, terms: Terms) -> Remedy:
    """Adds what is missing; which file that is, nobody knows yet."""
    held = facts.documents or ()
    missing = [kind for kind in terms.lists["kinds"] if kind not in {document.kind for document in held}]
    more = [
        DocumentFile(kind=kind, sha256="0" * 64, bytes=1, media_type=PDF.media_type, name=f"{kind}.pdf")
        for kind in missing
    ]
    return Remedy(replace(facts, documents=(*held, *more)), _change("/documents/-", files.stated(missing) or ""))


def _sales_or_credit(facts: ApplicationFacts, terms: Terms) -> Remedy:
    if facts.applicant.annual_sales_won is None and facts.applicant.credit_grade is not None:
        least = terms.texts["credit_at_least"]
        return _applicant(facts, "credit_grade", least, f"credit grade {least}")
    floor = terms.numbers["sales_floor_won"]
    return _applicant(facts, "annual_sales_won", floor, floor)


def _product_class(facts: ApplicationFacts, terms: Terms) -> Remedy:
    prefix = min(terms.purchasable_classes)
    product = replace(facts.product, class_code=prefix.ljust(8, "0")[:8])
    needed = f"class beginning with {', '.join(terms.purchasable_classes)}"
    return Remedy(replace(facts, product=product), _change("/product/class_code", needed))


def _startup(facts: ApplicationFacts, terms: Terms) -> Remedy | None:
    """The earliest founding day that is recent enough; None where the business did not begin as a new one."""
    if facts.applicant.origin is not Origin.NEW:
        return None
    years, on = terms.numbers["years"], terms.as_of
    if facts.applicant.started_on > on:
        return _applicant(facts, "started_on", on, f"started by {terms.as_of_text}", _ANOTHER_START)
    earliest = last_day_of_years(on, -years)
    if last_day_of_years(earliest, years) < on:  # from a 29 February to a year that has none
        earliest += timedelta(days=1)
    return _applicant(facts, "started_on", earliest, f"started {earliest.isoformat()}", _ANOTHER_START)


def _within_cap(facts: ApplicationFacts, terms: Terms) -> Remedy:
    cap, record = terms.numbers["cap_won"], facts.applicant.supply_record
    within = SupplyRecord(won=0, count=0) if record is None else replace(record, won=cap)
    remedy = _applicant(facts, "supply_record", within, cap)
    return replace(remedy, change=_change("/applicant/supply_record/won", cap))


MENDS: Final[Mapping[str, Mend]] = {
    numbers.BUSINESS_NUMBER: _business_number,
    numbers.CORPORATE_NUMBER: _corporate_number,
    company.BUSINESS_ACTIVE: _business_active,
    company.NOT_SANCTIONED: _not_sanctioned,
    company.SALES_OR_CREDIT: _sales_or_credit,
    documents.SME_CONFIRMATION: _sme_confirmation,
    documents.DIRECT_PRODUCTION: _direct_production,
    documents.CERTIFICATE: _certificate,
    files.DOCUMENTS: _documents,
    product.PRODUCT_CLASS: _product_class,
    record.STARTUP: _startup,
    record.FIRST_TIMER: _within_cap,
    record.TRACK_CAP: _within_cap,
}
"""By rule. A test checks that every rule is here."""

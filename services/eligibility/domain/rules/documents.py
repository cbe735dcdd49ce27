"""Rules about confirmations and certificates that a firm holds on the date of judgement."""

from services.eligibility.domain.observation import Observation, Terms, failed, measured, passed, unknown
from shared.contracts.facts import ApplicationFacts, Document
from shared.contracts.findings import Unit
from shared.programme.certificates import Examined, Flaw, days_inside

SME_CONFIRMATION = "sme-confirmation"
DIRECT_PRODUCTION = "direct-production"
CERTIFICATE = "certificate"


def sme_confirmation(facts: ApplicationFacts, terms: Terms) -> Observation:
    """중소기업확인서, valid on the date of judgement."""
    return _valid(facts.applicant.sme_confirmation, terms)


def direct_production(facts: ApplicationFacts, terms: Terms) -> Observation:
    """직접생산확인 of the product, valid on the date of judgement."""
    return _valid(facts.product.direct_production, terms)


def certificate(facts: ApplicationFacts, terms: Terms) -> Observation:
    """One accepted certificate: of a kind of the track, with that kind's number and grade, valid on the date.

    Among several, the one valid longest counts, or else the one nearest to being valid, in whatever order they are
    stated.
    """
    held = facts.certificates
    if not held:
        return unknown(f"accepted certificate valid on {terms.as_of_text}")
    if len(held) == 1:
        return _explained(terms.accepted.examine(held[0]), terms)
    return _explained(min(map(terms.accepted.examine, held), key=_nearest_to_holding), terms)


def _nearest_to_holding(examined: Examined) -> tuple[int, int, str, str]:
    margin = examined.margin_days
    without_end = examined.flaw is Flaw.NONE and margin is None
    return (
        examined.flaw,
        -(2**53) if without_end else -(margin or 0),
        examined.certificate.kind,
        examined.certificate.number,
    )


def _explained(examined: Examined, terms: Terms) -> Observation:
    held = examined.certificate
    match examined.flaw:
        case Flaw.NONE:
            seen = f"{held.kind} {held.number}"
            if examined.margin_days is None:
                return passed(seen, f"valid on {terms.as_of_text}")
            return passed(seen, f"valid on {terms.as_of_text}", examined.margin_days, Unit.DAYS)
        case Flaw.NOT_VALID_ON_DATE:
            seen = f"{held.kind} {held.number}"
            return failed(seen, f"valid on {terms.as_of_text}", examined.margin_days, Unit.DAYS)
        case Flaw.GRADE_MISSING:
            return unknown(f"{held.kind} of grade {_grades(held.kind, terms)}", f"{held.kind} {held.number}")
        case Flaw.GRADE:
            return failed(f"{held.kind} of grade {held.grade}", f"grade {_grades(held.kind, terms)}")
        case Flaw.NUMBER:
            return failed(f"{held.kind} {held.number}", f"number as {terms.accepted.kinds[held.kind][0].pattern}")
        case Flaw.KIND:
            return failed(held.kind, f"one of {', '.join(sorted(terms.accepted.kinds))}")


def _grades(kind: str, terms: Terms) -> str:
    return " or ".join(terms.accepted.kinds[kind][1].grades)


def _valid(document: Document | None, terms: Terms) -> Observation:
    """A period without a stated end lasts `validity_years`; without that parameter its end is unknown."""
    if document is None:
        return unknown(f"valid on {terms.as_of_text}")
    margin = days_inside(terms.as_of, document.issued_on, document.expires_on, terms.numbers.get("validity_years"))
    if margin is None:
        return unknown(f"end of validity, after {terms.as_of_text}", f"issued {document.issued_on}")
    expires_on = document.expires_on
    seen = f"until {expires_on.isoformat()}" if expires_on else f"issued {document.issued_on}"
    return measured(margin, Unit.DAYS, seen, f"valid on {terms.as_of_text}")

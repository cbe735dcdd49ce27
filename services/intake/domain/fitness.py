"""Checks at the edge: an application that can never count in its round, or probably won't.

What can never count is refused, by field and with the fix, while there is time to mend it. What only looks wrong is
admitted with a remark: eligibility judges, and a firm may know better.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from services.intake.domain.requests import LEAST_PRICE_WON
from services.intake.domain.rounds import latest_today
from shared.clock import TimeMap
from shared.contracts.events import Reason
from shared.contracts.facts import Applicant, ApplicationFacts, Certificate, Document, LegalForm, Product
from shared.contracts.identity import IdentityLevel
from shared.contracts.policy import Policy
from shared.programme.certificates import AcceptedKinds, Flaw
from shared.programme.documents import kinds_asked
from shared.programme.regions import REGIONS
from shared.programme.registration_numbers import business_check_digit, corporate_check_digit

_FLAWS: Final = {
    Flaw.KIND: ("kind", "not-of-the-track"),
    Flaw.NUMBER: ("number", "unusual-number"),
    Flaw.GRADE: ("grade", "grade-not-accepted"),
    Flaw.GRADE_MISSING: ("grade", "grade-not-accepted"),
    Flaw.NOT_VALID_ON_DATE: ("expires_on", "not-valid-on-the-day"),
}


class Fitness:
    """Checks applications to one round by its policy."""

    def __init__(self, policy: Policy, clock: TimeMap) -> None:
        self._policy = policy
        self._clock = clock
        self.kinds_asked = kinds_asked(policy)
        """Kinds of documents that each track asks for."""
        self._kinds = {kind.kind: kind for kind in policy.certificates}
        self._accepted = {
            track.track: AcceptedKinds.compile(
                policy.as_of, (kind for kind in policy.certificates if kind.kind in track.certificates)
            )
            for track in policy.tracks
        }

    @property
    def identity(self) -> IdentityLevel | None:
        """The identity level that the round requires."""
        return self._policy.identity

    def faults(self, facts: ApplicationFacts, received_at: datetime) -> tuple[Reason, ...]:
        """Every reason why it can never count. `received_at`: real time."""
        return (
            *self._track_faults(facts),
            *_applicant_faults(facts.applicant, latest_today(self._clock, received_at)),
            *(
                fault
                for place, certificate in enumerate(facts.certificates)
                for fault in self._certificate_faults(place, certificate)
            ),
            *_product_faults(facts.product),
            *_paper_faults("/applicant/sme_confirmation", facts.applicant.sme_confirmation),
            *_paper_faults("/product/direct_production", facts.product.direct_production),
        )

    def warnings(self, facts: ApplicationFacts) -> tuple[Reason, ...]:
        """What will probably be judged against an application without faults."""
        accepted, product = self._accepted[facts.track], facts.product
        remarks = [
            _flawed(place, accepted, examined.certificate, examined.flaw)
            for place, examined in enumerate(map(accepted.examine, facts.certificates))
            if examined.flaw is not Flaw.NONE
        ]
        if accepted.kinds and not facts.certificates:
            fix = f"add one of {', '.join(accepted.kinds)}"
            remarks.append(_reason("/certificates", "no-certificate", f"track {facts.track} asks for one", fix))
        named = {document.kind for document in facts.documents or ()}
        if missing := [kind for kind in self.kinds_asked[facts.track] if kind not in named]:
            detail = f"track {facts.track} asks for {', '.join(missing)} too"
            fix = "upload it with POST /rounds/{round}/documents, and name it in documents"
            remarks.append(_reason("/documents", "no-document", detail, fix))
        bought = self._policy.purchasable_classes
        if bought and not product.class_code.startswith(bought):
            detail = f"{product.class_code} is no class that institutions may buy in this round"
            fix = f"see whether it belongs to one of {', '.join(bought)}"
            remarks.append(_reason("/product/class_code", "class-not-bought", detail, fix))
        if product.price_won < LEAST_PRICE_WON:
            detail, fix = f"it costs {product.price_won} won", "state the price of one unit, VAT included, in won"
            remarks.append(_reason("/product/price_won", "below-any-price", detail, fix))
        return tuple(remarks)

    def _track_faults(self, facts: ApplicationFacts) -> Iterator[Reason]:
        if facts.track not in self._accepted:
            detail, fix = f"the round has no track '{facts.track}'", f"one of {', '.join(self._accepted)}"
            yield _reason("/track", "unknown-track", detail, fix)

    def _certificate_faults(self, place: int, certificate: Certificate) -> Iterator[Reason]:
        at = f"/certificates/{place}"
        if certificate.kind not in self._kinds:
            fix = f"one of {', '.join(self._kinds)}; leave out what the round does not ask for"
            yield _reason(f"{at}/kind", "unknown-kind", f"the round knows no certificate '{certificate.kind}'", fix)
        yield from _paper_faults(at, certificate)


def _flawed(place: int, accepted: AcceptedKinds, certificate: Certificate, flaw: Flaw) -> Reason:
    field, code = _FLAWS[flaw]
    pattern, kind = accepted.kinds.get(certificate.kind, (None, None))
    match flaw:
        case Flaw.KIND:
            detail = f"{certificate.kind} does not count in this track"
            fix = f"the track takes {', '.join(accepted.kinds) or 'none'}"
        case Flaw.NUMBER:
            detail = f"'{certificate.number}' does not look like a number of {certificate.kind}"
            fix = f"compare it with {pattern.pattern if pattern else ''}"
        case Flaw.NOT_VALID_ON_DATE:
            until = f" to {certificate.expires_on}" if certificate.expires_on else ""
            detail = f"it holds from {certificate.issued_on}{until}, and the round is judged by {accepted.as_of}"
            fix = "add one that holds on that day"
        case _:
            detail = f"grade {certificate.grade or 'not stated'}"
            fix = f"one of {', '.join(kind.grades if kind else ())}"
    return _reason(f"/certificates/{place}/{field}", code, detail, fix)


def _applicant_faults(applicant: Applicant, today: date) -> Iterator[Reason]:
    number = applicant.business_number
    if business_check_digit(number) != int(number[9]):
        yield _mistyped("/applicant/business_number", number)
    corporate = applicant.corporate_number if applicant.legal_form is LegalForm.CORPORATION else None
    if corporate is not None and corporate_check_digit(corporate) != int(corporate[12]):
        yield _mistyped("/applicant/corporate_number", corporate)
    if applicant.started_on > today:
        detail = f"{applicant.started_on} has not come; today is {today}"
        fix = "state the day the business began, as its registration does"
        yield _reason("/applicant/started_on", "in-the-future", detail, fix)


def _product_faults(product: Product) -> Iterator[Reason]:
    for place, region in enumerate(product.regions):
        if region not in REGIONS:
            detail, fix = (
                f"there is no region '{region}'",
                f"one of {', '.join(REGIONS)}; without any the whole country",
            )
            yield _reason(f"/product/regions/{place}", "unknown-region", detail, fix)


def _paper_faults(at: str, paper: Certificate | Document | None) -> Iterator[Reason]:
    if paper is not None and paper.expires_on is not None and paper.expires_on < paper.issued_on:
        detail = f"it ends on {paper.expires_on}, before it was issued, on {paper.issued_on}"
        yield _reason(f"{at}/expires_on", "ends-before-issue", detail, "state both days as the paper does")


def _mistyped(pointer: str, number: str) -> Reason:
    detail = f"the last digit of {number} does not fit the others: one of them is mistyped"
    return _reason(pointer, "check-digit", detail, "state the number as the registration certificate does")


def _reason(pointer: str, code: str, detail: str, fix: str) -> Reason:
    return Reason(pointer=pointer, code=code, detail=detail, fix=fix)

"""Registration numbers. A checksum only filters typing errors; whether a firm exists is a registry's business."""

from operator import mul

from services.eligibility.domain.observation import Observation, Terms, failed, passed, unknown
from shared.contracts.facts import ApplicationFacts, LegalForm

BUSINESS_NUMBER = "business-number"
CORPORATE_NUMBER = "corporate-number"

_BUSINESS_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_CORPORATE_WEIGHTS = (1, 2) * 6
_ZERO = ord("0")


def business_check_digit(number: str) -> int:
    """`S = Σ dᵢwᵢ + ⌊5·d₉/10⌋` over the first nine digits; the check digit is `(10 − S mod 10) mod 10`."""
    digits = number.encode()
    total: int = sum(map(mul, digits, _BUSINESS_WEIGHTS)) - _ZERO * sum(_BUSINESS_WEIGHTS)
    return (10 - (total + (digits[8] - _ZERO) * 5 // 10) % 10) % 10


def corporate_check_digit(number: str) -> int:
    """Weights 1 and 2 in turn over the first twelve digits, no digit-summing."""
    total: int = sum(map(mul, number.encode(), _CORPORATE_WEIGHTS)) - _ZERO * sum(_CORPORATE_WEIGHTS)
    return (10 - total % 10) % 10


def business_number(facts: ApplicationFacts, terms: Terms) -> Observation:
    """사업자등록번호: its tenth digit is the check digit of the nine before it."""
    number = facts.applicant.business_number
    check = business_check_digit(number)
    if int(number[9]) == check:
        return passed(number)
    return failed(number, f"check digit {check}")


def corporate_number(facts: ApplicationFacts, terms: Terms) -> Observation:
    """법인등록번호: asked of a corporation alone; its thirteenth digit is the check digit."""
    applicant = facts.applicant
    if applicant.legal_form is not LegalForm.CORPORATION:
        return passed("sole-proprietor")
    number = applicant.corporate_number
    if number is None:
        return unknown("corporate number of a corporation")
    check = corporate_check_digit(number)
    if int(number[12]) == check:
        return passed(number)
    return failed(number, f"check digit {check}")

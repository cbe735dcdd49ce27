"""Rules about registration numbers and their check digits."""

from services.eligibility.domain.observation import Observation, Terms, failed, passed, unknown
from shared.contracts.facts import ApplicationFacts, LegalForm
from shared.programme.registration_numbers import business_check_digit, corporate_check_digit

BUSINESS_NUMBER = "business-number"
CORPORATE_NUMBER = "corporate-number"


def business_number(facts: ApplicationFacts, terms: Terms) -> Observation:
    """사업자등록번호: its tenth digit is the check digit of the nine before it."""
    number = facts.applicant.business_number
    check = business_check_digit(number)
    if int(number[9]) == check:
        return passed(number)
    return failed(number, f"check digit {check}")


def corporate_number(facts: ApplicationFacts, terms: Terms) -> Observation:
    """법인등록번호: required of corporations only; its thirteenth digit is the check digit."""
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

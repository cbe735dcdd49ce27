"""Rules about the company: active, not barred from public contracts, able to deliver."""

from services.eligibility.domain.observation import Observation, Terms, failed, measured, passed, unknown
from shared.contracts.facts import ApplicationFacts, BusinessStatus
from shared.contracts.findings import Unit

BUSINESS_ACTIVE = "business-active"
NOT_SANCTIONED = "not-sanctioned"
SALES_OR_CREDIT = "sales-or-credit"

_ACTIVE = passed("active", "active")
_NOT_SANCTIONED = passed("not sanctioned", "not sanctioned")
_SANCTIONED = failed("sanctioned", "not sanctioned")


def business_active(facts: ApplicationFacts, terms: Terms) -> Observation:
    """Neither suspended nor closed."""
    status = facts.applicant.status
    if status is None:
        return unknown("active")
    return _ACTIVE if status is BusinessStatus.ACTIVE else failed(status.value, "active")


def not_sanctioned(facts: ApplicationFacts, terms: Terms) -> Observation:
    """Not barred as an improper contractor (부정당업자 제재)."""
    sanctioned = facts.applicant.sanctioned
    if sanctioned is None:
        return unknown("not sanctioned")
    return _SANCTIONED if sanctioned else _NOT_SANCTIONED


def sales_or_credit(facts: ApplicationFacts, terms: Terms) -> Observation:
    """Annual sales of at least `sales_floor_won`, or a credit grade of at least `credit_at_least`.

    `credit_grades` lists the grades from best to worst. Where sales fall short and the grade is missing or not in the
    list, the rule is unknown: the missing evidence might have passed it.
    """
    sales, grade = facts.applicant.annual_sales_won, facts.applicant.credit_grade
    floor, least = terms.numbers["sales_floor_won"], terms.texts["credit_at_least"]
    if sales is not None and sales >= floor:
        return measured(sales - floor, Unit.WON, sales, floor)
    grades = terms.lists["credit_grades"]
    steps = grades.index(least) - grades.index(grade) if grade in grades else None
    if steps is not None and steps >= 0:
        return measured(steps, Unit.COUNT, f"credit grade {grade}", f"credit grade {least}")
    if sales is None:
        return unknown(f"sales of {floor} won or credit grade {least}", grade and f"credit grade {grade}")
    if steps is None:
        return unknown(f"sales of {floor} won or credit grade {least}", sales, sales - floor, Unit.WON)
    return measured(sales - floor, Unit.WON, sales, floor)

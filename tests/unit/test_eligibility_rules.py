"""Each rule by a table of facts on both sides of its bound."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.eligibility.domain.observation import Observation, Terms
from services.eligibility.domain.rules import RULES
from shared.contracts.facts import (
    ApplicationFacts,
    BusinessStatus,
    Certificate,
    Document,
    LegalForm,
    Origin,
    SupplyRecord,
)
from shared.contracts.policy import CertificateKind, Titled
from shared.programme.certificates import AcceptedKinds, last_day_of_years
from shared.programme.registration_numbers import business_check_digit, corporate_check_digit
from tests.data.facts import GOOD, firm, holding, product

DAY = date(2018, 9, 14)
NAME = Titled(ko="인증", en="Certificate")
KINDS = (
    CertificateKind(kind="nep", name=NAME, authority="KATS", number_pattern="NEP-[0-9]{3}", validity_years=3),
    CertificateKind(kind="gs", name=NAME, authority="TTA", number_pattern="[0-9]{2}-[0-9]{4}", grades=("1",)),
)


def observe(rule: str, facts: ApplicationFacts, classes: tuple[str, ...] = (), **given: Any) -> Observation:
    terms = Terms(
        as_of=DAY,
        as_of_text="2018-09-14",
        accepted=AcceptedKinds.compile(DAY, KINDS),
        purchasable_classes=classes,
        numbers={k: v for k, v in given.items() if isinstance(v, int)},
        texts={k: v for k, v in given.items() if isinstance(v, str)},
        lists={k: v for k, v in given.items() if isinstance(v, tuple)},
    )
    return RULES[rule].observe(facts, terms)


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("1248100998", "pass"),
        ("2208162517", "pass"),
        ("1168200276", "pass"),
        ("1111111119", "pass"),
        ("2222222227", "pass"),
        ("3333333336", "pass"),
        ("1248100997", "fail"),
        ("2148100998", "fail"),
        ("0000000001", "fail"),
    ],
)
def test_business_number_has_its_check_digit(number: str, outcome: str) -> None:
    assert observe("business-number", firm(business_number=number)).outcome == outcome


def test_a_wrong_business_number_names_the_digit_it_needs() -> None:
    found = observe("business-number", firm(business_number="1248100997"))
    assert (found.seen, found.needed) == ("1248100997", "check digit 8")


@pytest.mark.parametrize("position", range(9))
def test_one_mistyped_digit_of_a_business_number_is_seen(position: int) -> None:
    number = "1248100998"
    for digit in set("0123456789") - {number[position]}:
        mistyped = number[:position] + digit + number[position + 1 :]
        # The ninth digit counts by 5·d + ⌊5·d/10⌋, a sum that leaves no two digits alike.
        assert business_check_digit(mistyped) != 8, mistyped


@pytest.mark.parametrize(
    ("number", "form", "outcome"),
    [
        ("1101110062432", LegalForm.CORPORATION, "pass"),
        ("1301110006246", LegalForm.CORPORATION, "pass"),
        ("1101110062433", LegalForm.CORPORATION, "fail"),
        (None, LegalForm.CORPORATION, "unknown"),
        (None, LegalForm.SOLE_PROPRIETOR, "pass"),
        ("1101110062433", LegalForm.SOLE_PROPRIETOR, "pass"),
    ],
)
def test_corporate_number_is_asked_of_a_corporation(number: str | None, form: LegalForm, outcome: str) -> None:
    assert observe("corporate-number", firm(corporate_number=number, legal_form=form)).outcome == outcome


def test_corporate_check_digit_is_zero_when_the_sum_ends_in_zero() -> None:
    assert corporate_check_digit("0000000000000") == 0


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (BusinessStatus.ACTIVE, "pass"),
        (BusinessStatus.SUSPENDED, "fail"),
        (BusinessStatus.CLOSED, "fail"),
        (None, "unknown"),
    ],
)
def test_business_is_active(status: BusinessStatus | None, outcome: str) -> None:
    assert observe("business-active", firm(status=status)).outcome == outcome


@pytest.mark.parametrize(("sanctioned", "outcome"), [(False, "pass"), (True, "fail"), (None, "unknown")])
def test_firm_is_not_barred(sanctioned: bool | None, outcome: str) -> None:
    assert observe("not-sanctioned", firm(sanctioned=sanctioned)).outcome == outcome


VALIDITY = [
    # issued, expires, outcome, margin
    (date(2018, 9, 14), date(2019, 9, 13), "pass", 364),
    (date(2018, 9, 15), date(2019, 9, 14), "fail", -1),
    (date(2017, 9, 15), date(2018, 9, 14), "pass", 0),
    (date(2017, 9, 14), date(2018, 9, 13), "fail", -1),
]


@pytest.mark.parametrize(("issued", "expires", "outcome", "margin"), VALIDITY)
def test_confirmations_are_valid_from_issue_to_expiry_both_included(
    issued: date, expires: date, outcome: str, margin: int
) -> None:
    document = Document(number="1", issued_on=issued, expires_on=expires)
    for found in (
        observe("sme-confirmation", firm(sme_confirmation=document)),
        observe("direct-production", product(direct_production=document)),
    ):
        assert (found.outcome, found.margin, found.unit) == (outcome, margin, "days")


def test_a_missing_confirmation_is_unknown() -> None:
    assert observe("sme-confirmation", firm(sme_confirmation=None)).outcome == "unknown"
    assert observe("direct-production", product(direct_production=None)).outcome == "unknown"


@pytest.mark.parametrize(
    ("issued", "years", "outcome", "margin"),
    [
        (date(2016, 9, 14), 2, "pass", 0),
        (date(2016, 9, 13), 2, "fail", -1),
        (date(2016, 9, 14), None, "unknown", None),
    ],
)
def test_a_confirmation_without_an_end_lasts_the_years_of_the_policy(
    issued: date, years: int | None, outcome: str, margin: int | None
) -> None:
    given: dict[str, Any] = {} if years is None else {"validity_years": years}
    document = Document(number="1", issued_on=issued)
    found = observe("direct-production", product(direct_production=document), **given)
    assert (found.outcome, found.margin) == (outcome, margin)


def nep(
    number: str = "NEP-001", issued: date = date(2017, 1, 1), expires: date | None = date(2019, 1, 1)
) -> Certificate:
    return Certificate(kind="nep", number=number, issued_on=issued, expires_on=expires)


def gs(grade: str | None, expires: date | None = None) -> Certificate:
    return Certificate(kind="gs", number="17-0001", issued_on=date(2017, 1, 1), expires_on=expires, grade=grade)


@pytest.mark.parametrize(
    ("certificates", "outcome", "seen", "margin"),
    [
        ((), "unknown", None, None),
        ((nep(expires=date(2018, 9, 14)),), "pass", "nep NEP-001", 0),
        ((nep(expires=date(2018, 9, 13)),), "fail", "nep NEP-001", -1),
        ((nep(issued=date(2018, 9, 15)),), "fail", "nep NEP-001", -1),
        ((nep(issued=date(2015, 9, 14), expires=None),), "pass", "nep NEP-001", 0),
        ((nep(issued=date(2015, 9, 13), expires=None),), "fail", "nep NEP-001", -1),
        ((nep(number="NEP-0011"),), "fail", "nep NEP-0011", None),
        ((nep(number="x NEP-001"),), "fail", "nep x NEP-001", None),
        ((gs("1"),), "pass", "gs 17-0001", None),
        ((gs("2"),), "fail", "gs of grade 2", None),
        ((gs(None),), "unknown", "gs 17-0001", None),
        ((replace(nep(), kind="iso-9001"),), "fail", "iso-9001", None),
    ],
)
def test_certificate_is_of_an_accepted_kind_number_grade_and_date(
    certificates: tuple[Certificate, ...], outcome: str, seen: str | None, margin: int | None
) -> None:
    found = observe("certificate", holding(*certificates))
    assert (found.outcome, found.seen, found.margin) == (outcome, seen, margin)


@pytest.mark.parametrize(
    ("held", "outcome", "seen"),
    [
        ((gs("2"), nep()), "pass", "nep NEP-001"),
        ((nep(), nep("NEP-002", expires=date(2019, 6, 1))), "pass", "nep NEP-002"),
        ((nep(), gs("1")), "pass", "gs 17-0001"),
        ((gs("2"), nep(expires=date(2018, 9, 1))), "fail", "nep NEP-001"),
    ],
)
def test_of_several_certificates_the_best_speaks_whatever_their_order(
    held: tuple[Certificate, ...], outcome: str, seen: str
) -> None:
    assert observe("certificate", holding(*held)) == observe("certificate", holding(*reversed(held)))
    found = observe("certificate", holding(*held))
    assert (found.outcome, found.seen) == (outcome, seen)


@pytest.mark.parametrize(
    ("started_on", "origin", "outcome", "margin"),
    [
        (date(2011, 9, 14), Origin.NEW, "pass", 0),
        (date(2011, 9, 13), Origin.NEW, "fail", -1),
        (date(2018, 9, 14), Origin.NEW, "pass", 2557),
        (date(2018, 9, 15), Origin.NEW, "fail", -1),
        (date(2016, 1, 1), Origin.SUCCESSION, "fail", None),
        (date(2016, 1, 1), Origin.CONVERSION, "fail", None),
        (date(2016, 1, 1), Origin.REOPENING, "fail", None),
    ],
)
def test_startup_is_a_true_start_of_which_seven_years_have_not_elapsed(
    started_on: date, origin: Origin, outcome: str, margin: int | None
) -> None:
    found = observe("startup", firm(started_on=started_on, origin=origin), years=7)
    assert (found.outcome, found.margin) == (outcome, margin)


@pytest.mark.parametrize(
    ("start", "years", "last"),
    [
        (date(2012, 2, 29), 7, date(2019, 2, 28)),
        (date(2012, 2, 29), 4, date(2016, 2, 29)),
        (date(2012, 2, 28), 7, date(2019, 2, 28)),
        (date(2012, 1, 1), 9000, date.max),
    ],
)
def test_a_period_of_years_ends_as_the_civil_act_reckons(start: date, years: int, last: date) -> None:
    assert last_day_of_years(start, years) == last


@pytest.mark.parametrize("rule", ["first-timer", "track-cap"])
@pytest.mark.parametrize(
    ("won", "outcome", "margin"),
    [(0, "pass", 500_000_000), (500_000_000, "pass", 0), (500_000_001, "fail", -1), (None, "unknown", None)],
)
def test_supply_record_is_within_the_cap(rule: str, won: int | None, outcome: str, margin: int | None) -> None:
    record = None if won is None else SupplyRecord(won=won, count=1)
    found = observe(rule, firm(supply_record=record), cap_won=500_000_000)
    assert (found.outcome, found.margin, found.needed, found.unit) == (outcome, margin, 500_000_000, "won")


@pytest.mark.parametrize(
    ("sales", "grade", "outcome", "margin", "unit"),
    [
        (500, None, "pass", 0, "won"),
        (499, None, "unknown", -1, "won"),
        (499, "CCC", "fail", -1, "won"),
        (499, "B", "pass", 0, "count"),
        (0, "AAA", "pass", 2, "count"),
        (499, "Z9", "unknown", -1, "won"),
        (None, "BB", "pass", 1, "count"),
        (None, "CCC", "unknown", None, None),
        (None, None, "unknown", None, None),
    ],
)
def test_sales_or_credit_suffices(
    sales: int | None, grade: str | None, outcome: str, margin: int | None, unit: str | None
) -> None:
    found = observe(
        "sales-or-credit",
        firm(annual_sales_won=sales, credit_grade=grade),
        sales_floor_won=500,
        credit_at_least="B",
        credit_grades=("AAA", "BB", "B", "CCC"),
    )
    assert (found.outcome, found.margin, found.unit) == (outcome, margin, unit)


@pytest.mark.parametrize(
    ("classes", "outcome"), [((), "pass"), (("4111",), "pass"), (("43", "41112201"), "pass"), (("42", "4112"), "fail")]
)
def test_product_class_begins_with_a_purchasable_prefix(classes: tuple[str, ...], outcome: str) -> None:
    assert observe("product-class", GOOD, classes).outcome == outcome

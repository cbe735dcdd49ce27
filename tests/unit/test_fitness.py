"""What can be told of an application at the edge: that it can never count, or that it hardly will."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.intake.domain.fitness import Fitness
from shared.clock import REAL_TIME, TimeMap
from shared.contracts.facts import ApplicationFacts, Certificate, Document, LegalForm
from tests.data.facts import GOOD, firm, holding, policy, product

RECEIVED = datetime(2018, 9, 1, 16, tzinfo=UTC)  # 2 September in Korea
H2 = policy("2018-h2")
FITNESS = Fitness(H2, REAL_TIME)
NEP = GOOD.certificates[0]
ENDED = Document(number="1", issued_on=date(2018, 4, 1), expires_on=date(2018, 3, 31))


def faults(stated: ApplicationFacts) -> dict[str, str]:
    found = FITNESS.faults(stated, RECEIVED)
    assert all(one.detail and one.fix for one in found)
    return {one.pointer: one.code for one in found}


def warnings(stated: ApplicationFacts) -> dict[str, str]:
    assert faults(stated) == {}, "only what is taken is remarked on"
    found = FITNESS.warnings(stated)
    assert all(one.detail and one.fix for one in found)
    return {one.pointer: one.code for one in found}


def test_a_good_application_has_neither() -> None:
    assert warnings(GOOD) == {}


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (replace(GOOD, track="special"), {"/track": "unknown-track"}),
        (firm(business_number="1248100997"), {"/applicant/business_number": "check-digit"}),
        (firm(corporate_number="1101110062431"), {"/applicant/corporate_number": "check-digit"}),
        (firm(started_on=date(2018, 9, 3)), {"/applicant/started_on": "in-the-future"}),
        (firm(started_on=date(9999, 12, 31)), {"/applicant/started_on": "in-the-future"}),
        (firm(sme_confirmation=ENDED), {"/applicant/sme_confirmation/expires_on": "ends-before-issue"}),
        (product(direct_production=ENDED), {"/product/direct_production/expires_on": "ends-before-issue"}),
        (product(regions=("seoul", "mars")), {"/product/regions/1": "unknown-region"}),
        (holding(NEP, replace(NEP, kind="zzz")), {"/certificates/1/kind": "unknown-kind"}),
        (
            holding(replace(NEP, expires_on=date(2017, 3, 1))),
            {"/certificates/0/expires_on": "ends-before-issue"},
        ),
        (
            replace(firm(business_number="1248100997"), track="", certificates=(replace(NEP, kind="zzz"),)),
            {
                "/track": "unknown-track",
                "/applicant/business_number": "check-digit",
                "/certificates/0/kind": "unknown-kind",
            },
        ),
    ],
)
def test_what_can_never_count_is_a_fault_of_its_field_all_at_once(
    stated: ApplicationFacts, told: dict[str, str]
) -> None:
    assert faults(stated) == told


@pytest.mark.parametrize(
    "stated",
    [
        firm(started_on=date(2018, 9, 2)),
        firm(corporate_number=None),
        firm(corporate_number="1101110062431", legal_form=LegalForm.SOLE_PROPRIETOR),
        holding(replace(NEP, issued_on=NEP.expires_on or date.max)),
    ],
)
def test_what_may_count_is_none(stated: ApplicationFacts) -> None:
    assert faults(stated) == {}


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (holding(), {"/certificates": "no-certificate"}),
        (product(price_won=9), {"/product/price_won": "below-any-price"}),
        (holding(replace(NEP, number="NEP 12")), {"/certificates/0/number": "unusual-number"}),
        (holding(replace(NEP, expires_on=date(2018, 9, 1))), {"/certificates/0/expires_on": "not-valid-on-the-day"}),
        (holding(replace(NEP, issued_on=date(2019, 1, 1))), {"/certificates/0/expires_on": "not-valid-on-the-day"}),
        (
            holding(Certificate(kind="gs", number="17-0001", issued_on=date(2017, 5, 1), grade="2")),
            {"/certificates/0/grade": "grade-not-accepted"},
        ),
        (
            holding(Certificate(kind="gs", number="17-0001", issued_on=date(2017, 5, 1))),
            {"/certificates/0/grade": "grade-not-accepted"},
        ),
    ],
)
def test_what_hardly_counts_is_taken_and_remarked_on(stated: ApplicationFacts, told: dict[str, str]) -> None:
    assert warnings(stated) == told


def test_a_class_that_is_not_bought_is_remarked_on() -> None:
    bought = Fitness(replace(H2, purchasable_classes=("4111", "42")), REAL_TIME)
    assert bought.warnings(GOOD) == ()
    (warning,) = bought.warnings(product(class_code="99999999"))
    assert (warning.pointer, warning.code) == ("/product/class_code", "class-not-bought")


def test_a_kind_of_another_track_is_remarked_on() -> None:
    bare = replace(H2, tracks=(replace(H2.tracks[0], certificates=("gs",)),))
    (warning,) = Fitness(bare, REAL_TIME).warnings(GOOD)
    assert (warning.pointer, warning.code) == ("/certificates/0/kind", "not-of-the-track")


def test_in_a_rehearsal_the_future_is_what_has_come_by_neither_clock() -> None:
    slow = Fitness(H2, TimeMap(RECEIVED, datetime(2010, 1, 1, tzinfo=UTC), 1))
    fast = Fitness(H2, TimeMap(RECEIVED, datetime(2030, 1, 1, tzinfo=UTC), 1))
    assert slow.faults(firm(started_on=date(2018, 9, 2)), RECEIVED) == ()
    assert fast.faults(firm(started_on=date(2030, 1, 1)), RECEIVED) == ()
    assert [fault.code for fault in fast.faults(firm(started_on=date(2030, 1, 2)), RECEIVED)] == ["in-the-future"]

"""What would have helped, in both languages: golden lines, and a word for every fact a rule may ask to be otherwise."""

from dataclasses import replace
from datetime import date

import pytest

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.counterfactual import counterfactual
from shared.contracts.events import Language
from shared.contracts.facts import ApplicationFacts, BusinessStatus, Origin, SupplyRecord
from shared.contracts.findings import Change
from shared.wording.explanation import explain_change
from tests.data.facts import GOOD, firm, holding, policy, product

H1, H2 = (PolicyRules.compile(policy(name), "a" * 64) for name in ("2018-h1", "2018-h2"))
FALLEN = {
    "business number": (
        firm(business_number="1248100990"),
        "사업자등록번호: 검증번호 8",
        "business registration number: check digit 8",
    ),
    "closed": (firm(status=BusinessStatus.CLOSED), "영업 상태: 계속사업자", "business status: active"),
    "sanctioned": (firm(sanctioned=True), "부정당업자 제재: 제재 없음", "sanctions: not sanctioned"),
    "no confirmation": (
        firm(sme_confirmation=None),
        f"중소기업확인서: {H1.as_of} 현재 유효",
        f"SME confirmation: valid on {H1.as_of}",
    ),
    "sales": (
        firm(annual_sales_won=1, credit_grade=None),
        "연간 매출액: 500,000,000원 이상",
        "annual sales: at least KRW 500,000,000",
    ),
    "certificate": (
        holding(),
        f"기술개발제품 인증: {H1.as_of} 현재 유효한 인정 대상 인증",
        f"technology-product certificate: accepted certificate valid on {H1.as_of}",
    ),
    "track": (replace(GOOD, track="another"), "신청 분야: general", "track applied under: general"),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "korean", "english"), FALLEN.values(), ids=FALLEN)
def test_what_would_have_helped_in_words(facts: ApplicationFacts, korean: str, english: str) -> None:
    nearest = counterfactual(facts, H1)
    assert nearest is not None
    (change,) = nearest.changes
    assert explain_change(change, Language.KO) == korean
    assert explain_change(change, Language.EN) == english


def test_every_fact_a_rule_may_ask_for_has_a_word_of_its_own() -> None:
    hopeless = replace(
        product(class_code="00000000", direct_production=None),
        applicant=replace(
            GOOD.applicant,
            business_number="1248100990",
            corporate_number=None,
            origin=Origin.SUCCESSION,
            started_on=date(1990, 1, 1),
            status=None,
            sanctioned=None,
            sme_confirmation=None,
            supply_record=SupplyRecord(won=10**12, count=1),
            annual_sales_won=None,
            credit_grade="D",
        ),
        certificates=(),
    )
    for rules in (H1, H2):
        nearest = counterfactual(hopeless, rules)
        assert nearest is not None
        assert len(nearest.changes) > 5
        for change in nearest.changes:
            korean = explain_change(change, Language.KO)
            assert korean != explain_change(change, Language.EN)
            if not change.pointer.startswith("/certificates/"):
                assert "기술개발제품 인증" not in korean, change.pointer


def test_an_upper_bound_is_said_as_one() -> None:
    change = Change(rule="track-cap", pointer="/applicant/supply_record/won", needed=500_000_000)
    assert explain_change(change, Language.KO) == "공공 납품 실적: 500,000,000원 이하"
    assert explain_change(change, Language.EN) == "public supply record: at most KRW 500,000,000"

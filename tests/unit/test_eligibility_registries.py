"""What registries say instead of the firm: each status, each date, each bound."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.counterfactual import counterfactual
from services.eligibility.domain.judge import judge
from services.eligibility.domain.number_examples import example_of
from services.eligibility.domain.registry_facts import Question, as_stated, confirmed, evidence, questions
from shared.contracts.facts import ApplicationFacts, BusinessStatus, Certificate
from shared.contracts.findings import FindingOutcome, VerdictOutcome
from shared.contracts.policy import RegistryUse
from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from tests.data.facts import GOOD, firm, holding, policy

STATUS = RegistryUse(registry=Registry.BUSINESS_STATUS, authority="국세청 (NTS)")
CERTIFICATES = RegistryUse(registry=Registry.CERTIFICATES, authority="국가기술표준원 (KATS)")
H1 = replace(policy("2018-h1"), registries=(STATUS, CERTIFICATES), as_of=date(2018, 9, 14))
RULES = PolicyRules.compile(H1, "0" * 64)
FIRM = Question(Registry.BUSINESS_STATUS, GOOD.applicant.business_number)
NEP = Question(Registry.CERTIFICATES, "nep/41112201/NEP-MOTIE-2017-012")
SAID = datetime(2018, 9, 14, 9, tzinfo=UTC)
ACTIVE, SUSPENDED, CLOSED = BusinessStatus.ACTIVE, BusinessStatus.SUSPENDED, BusinessStatus.CLOSED
PASS, FAIL, UNKNOWN = FindingOutcome.PASS, FindingOutcome.FAIL, FindingOutcome.UNKNOWN


def answer(question: Question, outcome: RegistryOutcome = RegistryOutcome.KNOWN, **said: Any) -> RegistryAnswer:
    return RegistryAnswer(registry=question.registry, subject=question.subject, outcome=outcome, said_at=SAID, **said)


def answers(facts: ApplicationFacts = GOOD, **told: RegistryAnswer) -> Mapping[Question, RegistryAnswer]:
    """What confirms everything stated, but for `firm` and `nep`."""
    found = {}
    for question in questions(facts, RULES):
        if question.registry is Registry.BUSINESS_STATUS:
            found[question] = told.get("firm", answer(question, status=ACTIVE))
        else:
            stated = next(
                certificate for certificate in facts.certificates if question.subject.endswith(certificate.number)
            )
            says = {name: getattr(stated, name) for name in ("issued_on", "expires_on", "grade")}
            found[question] = told["nep"] if question == NEP and "nep" in told else answer(question, **says)
    return found


def outcome(facts: ApplicationFacts, said: Mapping[Question, RegistryAnswer], rule: str) -> FindingOutcome:
    verdict = judge(confirmed(facts, said, RULES), RULES)
    return next(finding.outcome for finding in verdict.findings if finding.rule == rule)


def test_a_firm_is_asked_about_once_and_each_certificate_with_the_products_class() -> None:
    assert questions(GOOD, RULES) == (FIRM, NEP)
    twice = holding(*GOOD.certificates, *GOOD.certificates)
    assert questions(twice, RULES) == (FIRM, NEP)


@pytest.mark.parametrize(("kind", "number"), [("horoscope", "1"), ("nep", "no number of it")])
def test_nobody_is_asked_about_what_no_registry_could_mend(kind: str, number: str) -> None:
    stated = Certificate(kind=kind, number=number, issued_on=date(2018, 1, 1))
    assert questions(holding(stated), RULES) == (FIRM,)
    assert confirmed(holding(stated), answers(holding(stated)), RULES).certificates == (stated,)


def test_a_registry_of_some_kinds_is_asked_about_those_alone() -> None:
    rules = PolicyRules.compile(replace(H1, registries=(replace(CERTIFICATES, kinds=("net",)),)), "0" * 64)
    assert questions(GOOD, rules) == ()
    assert confirmed(GOOD, {}, rules) == GOOD


def test_what_is_confirmed_as_it_was_stated_is_judged_as_it_was_stated() -> None:
    said = answers()
    assert confirmed(GOOD, said, RULES) == GOOD
    assert [(each.authority, each.differs) for each in evidence(GOOD, said, RULES)] == [
        ("국세청 (NTS)", False),
        ("국가기술표준원 (KATS)", False),
    ]


@pytest.mark.parametrize(
    ("said", "becomes", "found"),
    [
        ({"status": ACTIVE}, ACTIVE, PASS),
        ({"status": SUSPENDED}, SUSPENDED, FAIL),
        ({"status": CLOSED}, CLOSED, FAIL),
        ({"status": CLOSED, "closed_on": date(2018, 9, 13)}, CLOSED, FAIL),
        ({"status": CLOSED, "closed_on": date(2018, 9, 14)}, CLOSED, FAIL),
        ({"status": CLOSED, "closed_on": date(2018, 9, 15)}, ACTIVE, PASS),
        ({"outcome": RegistryOutcome.UNKNOWN}, None, UNKNOWN),
    ],
)
@pytest.mark.parametrize("stated", [None, ACTIVE, SUSPENDED, CLOSED])
def test_the_business_status_is_the_registrys(
    stated: BusinessStatus | None, said: Any, becomes: BusinessStatus | None, found: FindingOutcome
) -> None:
    facts = firm(status=stated)
    told = answers(facts, firm=answer(FIRM, **said))
    assert confirmed(facts, told, RULES).applicant.status is becomes
    assert outcome(facts, told, "business-active") is found
    assert evidence(facts, told, RULES)[0].differs is (becomes is not stated)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"issued_on": date(2017, 3, 2), "expires_on": date(2018, 9, 13)}, FAIL),
        ({"issued_on": date(2017, 3, 2), "expires_on": date(2018, 9, 14)}, PASS),
        ({"issued_on": date(2018, 9, 14), "expires_on": date(2020, 3, 1)}, PASS),
        ({"issued_on": date(2018, 9, 15), "expires_on": date(2020, 3, 1)}, FAIL),
        ({"issued_on": date(2015, 9, 14)}, PASS),
        ({"issued_on": date(2015, 9, 13)}, FAIL),
        ({"issued_on": date(2017, 3, 2), "revoked_on": date(2018, 9, 14)}, FAIL),
        ({"issued_on": date(2017, 3, 2), "revoked_on": date(2018, 9, 15)}, PASS),
        ({"issued_on": date(2017, 3, 2), "expires_on": date(2018, 9, 13), "revoked_on": date(2019, 1, 1)}, FAIL),
        ({"issued_on": date(2017, 3, 2), "expires_on": date(2020, 3, 1), "revoked_on": date(2017, 3, 2)}, FAIL),
        ({"outcome": RegistryOutcome.UNKNOWN}, UNKNOWN),
        ({"issued_on": date(2017, 3, 2), "holder": "2208162517"}, UNKNOWN),
        ({"issued_on": date(2017, 3, 2), "holder": GOOD.applicant.business_number}, PASS),
    ],
)
def test_a_certificate_holds_as_the_registry_says(said: Any, found: FindingOutcome) -> None:
    assert outcome(GOOD, answers(nep=answer(NEP, **said)), "certificate") is found


def test_the_grade_is_the_registrys_too() -> None:
    software = Certificate(kind="gs", number="18-0001", issued_on=date(2018, 1, 2), grade="1")
    facts = holding(software)
    (asked,) = [each for each in questions(facts, RULES) if each.registry is Registry.CERTIFICATES]
    for grade, found in (("1", PASS), ("2", FAIL), (None, UNKNOWN)):
        told = {**answers(facts), asked: answer(asked, issued_on=software.issued_on, grade=grade)}
        assert outcome(facts, told, "certificate") is found


def test_what_was_waived_is_judged_as_it_was_stated_and_says_so() -> None:
    told = {question: answer(question, RegistryOutcome.WAIVED) for question in questions(GOOD, RULES)}
    assert confirmed(GOOD, told, RULES) == GOOD
    assert [each.answer.outcome for each in evidence(GOOD, told, RULES)] == [RegistryOutcome.WAIVED] * 2


def test_what_would_have_helped_points_at_the_certificate_as_it_was_stated() -> None:
    number = example_of(RULES.kinds.kinds["net"][0]) or "none"
    net = Certificate(kind="net", number=number, issued_on=date(2017, 1, 2), expires_on=date(2018, 9, 13))
    facts = holding(*GOOD.certificates, net)
    told = answers(facts, nep=answer(NEP, RegistryOutcome.UNKNOWN))
    nearest = counterfactual(confirmed(facts, told, RULES), RULES)
    assert nearest is not None
    assert [change.pointer for change in nearest.changes] == ["/certificates/0/expires_on"]
    assert [change.pointer for change in as_stated(nearest.changes, facts, told, RULES)] == [
        "/certificates/1/expires_on"
    ]


_DATES = st.none() | st.dates(date(2010, 1, 1), date(2025, 1, 1))
_SAID = st.fixed_dictionaries({"issued_on": _DATES, "expires_on": _DATES, "revoked_on": _DATES})


@given(st.sampled_from(RegistryOutcome), st.sampled_from(BusinessStatus), _DATES, _SAID)
def test_whatever_a_registry_says_can_be_judged(
    how: RegistryOutcome, status: BusinessStatus, closed_on: date | None, said: dict[str, date | None]
) -> None:
    told = {FIRM: answer(FIRM, how, status=status, closed_on=closed_on), NEP: answer(NEP, how, **said)}
    verdict = judge(confirmed(GOOD, told, RULES), RULES)
    assert verdict.outcome is not VerdictOutcome.PARKED
    if how is RegistryOutcome.UNKNOWN:
        found = {finding.rule: finding.outcome for finding in verdict.findings}
        assert found["business-active"] is found["certificate"] is UNKNOWN

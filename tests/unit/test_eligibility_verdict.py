"""Verdicts: what decides, what is waived, and what is hashed."""

import json
from dataclasses import replace
from datetime import date
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import Verdict, finding_json, judge, outcome_of, waived_rules
from services.eligibility.domain.rules import RULES
from shared.contracts.events import ApplicationJudged
from shared.contracts.facts import Applicant, ApplicationFacts, BusinessStatus, Certificate, Origin, SupplyRecord
from shared.contracts.findings import FindingOutcome
from shared.contracts.policy import Condition, Waiver
from shared.proof.canonical import canonical_json, json_hash
from tests.data.facts import GOOD, firm, holding, policy, product

POLICY_HASH = "5f" * 32
H1 = PolicyRules.compile(policy("2018-h1"), POLICY_HASH)
H2 = PolicyRules.compile(policy("2018-h2"), POLICY_HASH)
YOUNG = replace(
    GOOD,
    applicant=Applicant(
        name="새벽로보틱스",
        business_number="1111111119",
        legal_form=GOOD.applicant.legal_form,
        started_on=date(2016, 5, 2),
        status=BusinessStatus.SUSPENDED,
    ),
    product=replace(GOOD.product, direct_production=None),
)


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {finding.rule: finding.outcome for finding in verdict.findings}


def test_a_firm_that_meets_every_condition_is_eligible_under_both() -> None:
    assert judge(GOOD, H1).outcome == judge(GOOD, H2).outcome == "eligible"


def test_a_verdict_lists_every_finding_not_the_first_failure() -> None:
    found = outcomes(judge(firm(sanctioned=True, status=None), H1))
    assert (found["not-sanctioned"], found["business-active"]) == ("fail", "unknown")
    assert len(found) == 11


def test_an_unknown_finding_makes_ineligible_and_stays_unknown() -> None:
    verdict = judge(firm(sme_confirmation=None), H2)
    assert verdict.outcome == "ineligible"
    assert outcomes(verdict)["sme-confirmation"] == "unknown"


def test_the_waiver_of_2018_h2_lets_a_certified_startup_in_that_h1_refuses() -> None:
    assert judge(YOUNG, H1).outcome == "ineligible"
    verdict = judge(YOUNG, H2)
    assert verdict.outcome == "eligible"
    waived = {rule for rule, outcome in outcomes(verdict).items() if outcome == "waived"}
    assert waived == {"corporate-number", "business-active", "not-sanctioned", "sme-confirmation"} | {
        "direct-production",
        "sales-or-credit",
    }
    assert outcomes(verdict)["business-number"] == "pass"


def test_the_waiver_needs_a_true_start_and_a_valid_certificate() -> None:
    converted = replace(YOUNG, applicant=replace(YOUNG.applicant, origin=Origin.CONVERSION))
    expired = replace(YOUNG.certificates[0], expires_on=date(2018, 9, 13))
    assert judge(converted, H2).outcome == "ineligible"
    assert judge(replace(YOUNG, certificates=(expired,)), H2).outcome == "ineligible"
    assert judge(replace(YOUNG, certificates=()), H2).outcome == "ineligible"


def test_gs_counts_with_grade_1_only() -> None:
    grade_2 = Certificate(kind="gs", number="17-0123", issued_on=date(2017, 6, 1), grade="2")
    assert judge(holding(grade_2), H2).outcome == "ineligible"
    assert judge(holding(replace(grade_2, grade="1")), H2).outcome == "eligible"


def test_what_does_not_decide_is_stated_and_does_not_exclude() -> None:
    verdict = judge(firm(supply_record=SupplyRecord(won=9_000_000_000, count=80)), H2)
    assert verdict.outcome == "eligible"
    assert outcomes(verdict)["first-timer"] == "fail"


def test_a_track_the_policy_lacks_is_a_failing_finding() -> None:
    verdict = judge(replace(GOOD, track="moonshot"), H2)
    assert verdict.outcome == "ineligible"
    assert [(f.rule, f.outcome, f.seen, f.needed) for f in verdict.findings] == [
        ("track", "fail", "moonshot", "one of general")
    ]


def test_every_rule_passes_facts_that_state_nothing_optional_without_an_error() -> None:
    everything = policy("2018-h2")
    track = everything.tracks[0]
    cap = Condition(rule="track-cap", legal_source="공고", parameters={"cap_won": 1})
    files = Condition(rule="documents", legal_source="공고", parameters={"kinds": ("specification",)})
    rules = PolicyRules.compile(
        replace(everything, tracks=(replace(track, conditions=(*track.conditions, cap, files)),)), POLICY_HASH
    )
    found = outcomes(judge(replace(YOUNG, certificates=()), rules))
    assert set(found) == set(RULES)


@st.composite
def facts(draw: st.DrawFn) -> ApplicationFacts:
    base = draw(st.sampled_from([GOOD, YOUNG, firm(status=None), product(direct_production=None), holding()]))
    applicant = replace(
        base.applicant,
        name=draw(st.sampled_from(["한빛", 'a"b\\c', "é\u007f\u2028"])),
        started_on=draw(st.dates(date(2009, 1, 1), date(2019, 1, 1))),
        sanctioned=draw(st.sampled_from([True, False, None])),
        credit_grade=draw(st.sampled_from(["AAA", "D", 'quo"te\\', "\u2028🙂", None])),
        annual_sales_won=draw(st.none() | st.integers(0, 2**53 - 1)),
        supply_record=draw(st.none() | st.builds(SupplyRecord, won=st.integers(0, 10**12), count=st.integers(0, 99))),
    )
    certificates = tuple(
        replace(c, number=draw(st.sampled_from([c.number, 'N"\\1', "한글"]))) for c in base.certificates
    )
    return replace(base, applicant=applicant, certificates=certificates, track=draw(st.sampled_from(["general", "x"])))


@given(facts(), st.sampled_from([H1, H2]))
def test_findings_are_hashed_as_application_judged_writes_them(of: ApplicationFacts, rules: PolicyRules) -> None:
    verdict = judge(of, rules)
    written = [finding_json(finding) for finding in verdict.findings]
    assert verdict.findings_json.encode() == canonical_json(written)
    assert verdict.findings_hash == json_hash(
        {"as_of": rules.as_of.isoformat(), "findings": written, "policy_hash": POLICY_HASH}
    )
    salted = judge(of, rules, "5" * 32)
    assert (salted.outcome, salted.findings_json) == (verdict.outcome, verdict.findings_json)
    assert salted.findings_hash == json_hash(
        {"as_of": rules.as_of.isoformat(), "findings": written, "nonce": "5" * 32, "policy_hash": POLICY_HASH}
    )
    event = ApplicationJudged(
        round="2018-h2",
        application="0b0e3a52-6d52-4a43-9a01-5d9f6d0c2f11",
        version=1,
        payload_hash="0" * 64,
        epoch=1,
        outcome=verdict.outcome,
        findings=verdict.findings,
        findings_hash=verdict.findings_hash,
        policy_hash=POLICY_HASH,
        as_of=verdict.as_of,
    )
    assert json.loads(event.model_dump_json())["findings"] == json.loads(verdict.findings_json)


@given(facts(), st.randoms(use_true_random=False))
def test_the_order_of_conditions_never_changes_the_verdict(of: ApplicationFacts, random: Random) -> None:
    h2 = policy("2018-h2")
    conditions = list(h2.tracks[0].conditions)
    random.shuffle(conditions)
    shuffled = PolicyRules.compile(
        replace(h2, tracks=(replace(h2.tracks[0], conditions=tuple(conditions)),)), POLICY_HASH
    )
    one, other = judge(of, H2), judge(of, shuffled)
    assert one.outcome == other.outcome
    assert outcomes(one) == outcomes(other)


@given(
    st.lists(st.sampled_from(FindingOutcome)).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found)))
)
def test_the_order_of_findings_never_changes_the_outcome(
    orders: tuple[list[FindingOutcome], list[FindingOutcome]],
) -> None:
    assert outcome_of(orders[0]) == outcome_of(orders[1])


def test_a_waiver_never_rests_on_another() -> None:
    first = Waiver(code="a", legal_source="공고", when=("startup",), waives=("certificate",))
    second = Waiver(code="b", legal_source="공고", when=("certificate",), waives=("sme-confirmation",))
    found = {
        "startup": FindingOutcome.PASS,
        "certificate": FindingOutcome.FAIL,
        "sme-confirmation": FindingOutcome.UNKNOWN,
    }
    assert waived_rules(found, (first, second)) == waived_rules(found, (second, first)) == {"certificate"}

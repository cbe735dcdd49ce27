"""What the demo's generator says of an application must be what the rules say of it."""

import random
import re
from collections import Counter
from dataclasses import replace

import pytest
from pydantic_core import from_json

from firstbuy.demo.entries import Fate, calls_of
from firstbuy.demo.generator import Plan, make_plan
from firstbuy.samples.numbers import business_number, certificate_number, corporate_number, wrong_certificate_number
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.intake.api.bodies import SUBMISSION, SubmissionBody
from shared.contracts.findings import VerdictOutcome
from shared.service.http import parse
from tests.data.facts import policy

H2 = policy("2018-h2")
PLEDGES = [("kepco", 10_000_000_000), ("lh", 10_000_000_000), ("nps", 500_000_000), ("somebody-new", 100_000_000)]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(7, 1500, "2018-h2", H2, PLEDGES)


def stated(plan: Plan) -> dict[tuple[str, str], SubmissionBody]:
    """The newest accepted body of each application."""
    newest = {}
    for call in calls_of((*plan.contested, *plan.in_time)):
        if call.expects in (200, 201) and call.method in ("POST", "PUT") and b'"track"' in call.body:
            body: SubmissionBody = parse(SUBMISSION, call.body)
            newest[body.applicant.business_number, body.product.reference] = body
    return newest


def test_every_expected_finding_is_what_the_rules_find(plan: Plan) -> None:
    rules = PolicyRules.compile(H2, "0" * 64)
    bodies = stated(plan)
    for fate in plan.fates:
        verdict = judge(bodies[fate.business_number, fate.reference].facts(), rules)
        found = {finding.rule: finding.outcome.value for finding in verdict.findings}
        assert found == dict(fate.findings)
        assert fate.eligible is (verdict.outcome is VerdictOutcome.ELIGIBLE)


def test_the_first_rounds_rules_find_what_the_generator_expects_of_them(plan: Plan) -> None:
    rules = PolicyRules.compile(replace(policy("2018-h1"), as_of=H2.as_of), "0" * 64)
    bodies = stated(plan)
    for fate in plan.fates:
        verdict = judge(bodies[fate.business_number, fate.reference].facts(), rules)
        assert fate.eligible_without_waiver is (verdict.outcome is VerdictOutcome.ELIGIBLE)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert make_plan(1, 60, "2018-h2", H2, PLEDGES) == make_plan(1, 60, "2018-h2", H2, PLEDGES)
    assert make_plan(1, 60, "2018-h2", H2, PLEDGES) != make_plan(2, 60, "2018-h2", H2, PLEDGES)


@pytest.mark.parametrize("applications", [1, 2, 7, 40])
def test_a_round_of_a_few_still_has_each_kind_of_happening(applications: int) -> None:
    few = make_plan(3, applications, "2018-h2", H2, PLEDGES)
    assert few.contested
    assert len(few.fates) == applications + 2 * len(few.contested)
    assert {200, 201, 400, 409, 410, 412, 422, 428} - set(few.answers()) <= {400}
    assert few.demand.early
    assert few.demand.late


def test_each_rule_is_met_by_somebody_and_failed_by_somebody(plan: Plan) -> None:
    seen = Counter((rule, outcome) for fate in plan.fates for rule, outcome in fate.findings.items())
    for rule in plan.fates[0].findings:
        assert seen[rule, "pass"]
        refused_at_the_edge = rule in {"business-number", "corporate-number"}
        assert seen[rule, "fail"] or rule == "product-class" or refused_at_the_edge
    assert sum(seen[rule, "waived"] for rule in plan.fates[0].findings)


def test_products_of_one_round_are_told_apart(plan: Plan) -> None:
    assert len({(fate.business_number, fate.reference) for fate in plan.fates}) == len(plan.fates)
    assert max(Counter(fate.business_number for fate in plan.fates).values()) == 3


def test_what_stands_against_an_application_are_its_failed_and_unknown_conditions() -> None:
    fate = make_plan(5, 1, "2018-h2", H2, PLEDGES).fates[0]
    spoiled = replace(fate, findings={**fate.findings, "certificate": "unknown", "startup": "fail"})
    assert "certificate" in spoiled.against
    assert "startup" not in spoiled.against
    assert not spoiled.eligible


def test_requests_that_stand_are_within_the_pledge_one_by_one(plan: Plan) -> None:
    pledges = dict(PLEDGES)
    assert plan.demand.standing
    for request, (_, facts) in plan.demand.standing.items():
        assert facts["budget_won"] <= pledges[request.partition("/")[0]]


def test_every_message_of_an_institution_has_an_id_of_its_own_or_none(plan: Plan) -> None:
    messages = [*plan.demand.early, *plan.demand.in_time, *plan.demand.late]
    named = [message.id for message in messages if message.id]
    assert len(named) == len(set(named))
    for message in messages:
        if message.answer == "accepted":
            assert from_json(message.body)["round"] == "2018-h2"


def test_numbers_are_right_or_wrong_as_asked() -> None:
    rng = random.Random(1)  # noqa: S311
    pattern = "NEP-[A-Z]{5}-[0-9]{4}-[0-9]{3}"
    for _ in range(200):
        assert re.fullmatch(pattern, certificate_number(pattern, rng))
        assert not re.fullmatch(pattern, wrong_certificate_number(pattern, rng))
        assert len(business_number(rng, corporation=True)) == 10
        assert len(corporate_number(rng)) == 13


def test_a_fate_knows_the_version_that_must_stand(plan: Plan) -> None:
    changed = [fate for fate in plan.fates if fate.version > 1 and not fate.withdrawn]
    resubmitted = len(changed) + sum(1 for fate in plan.fates if fate.withdrawn and fate.version > 2)
    assert resubmitted == plan.count("resubmitted") + 2 * len(plan.contested)
    assert isinstance(plan.fates[0], Fate)

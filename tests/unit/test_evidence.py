"""Adding evidence never turns a pass into a failure: missing is unknown, and unknown is never a pass."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from shared.contracts.facts import ApplicationFacts
from shared.contracts.findings import FindingOutcome, VerdictOutcome
from tests.support.stated import H1, H2, STATED, VALUES, changed

OPTIONAL = ("corporate_number", "status", "sanctioned", "sme_confirmation", "supply_record", "annual_sales_won")


def without(facts: ApplicationFacts, name: str) -> ApplicationFacts:
    missing: Any = {name: None}
    return replace(facts, applicant=replace(facts.applicant, **missing))


def outcomes(facts: ApplicationFacts, rules: PolicyRules) -> dict[str, FindingOutcome]:
    return {finding.rule: finding.outcome for finding in judge(facts, rules).findings}


@given(
    VALUES,
    st.lists(st.sampled_from(sorted(STATED)), max_size=6, unique=True),
    st.sampled_from(OPTIONAL),
    st.sampled_from([H1, H2]),
)
def test_a_rule_that_passes_without_a_fact_passes_with_it(
    values: dict[str, Any], names: list[str], added: str, rules: PolicyRules
) -> None:
    complete = changed(names, values)
    before, after = outcomes(without(complete, added), rules), outcomes(complete, rules)
    lost = {rule for rule, outcome in before.items() if outcome is FindingOutcome.PASS and after[rule] is not outcome}
    assert lost == set()


@given(VALUES, st.lists(st.sampled_from(sorted(STATED)), max_size=6, unique=True), st.sampled_from([H1, H2]))
def test_one_certificate_more_never_hurts(values: dict[str, Any], names: list[str], rules: PolicyRules) -> None:
    facts = changed(names, values)
    more = replace(facts, certificates=(*facts.certificates, *values["certificates"]))
    if judge(facts, rules).outcome is VerdictOutcome.ELIGIBLE:
        assert judge(more, rules).outcome is VerdictOutcome.ELIGIBLE

"""What would have made an application eligible: it really would, and no condition more is asked than needed."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.counterfactual import MENDS, counterfactual
from services.eligibility.domain.judge import judge
from services.eligibility.domain.number_examples import example_of
from services.eligibility.domain.rules import RULES
from shared.contracts.facts import ApplicationFacts, BusinessStatus, Document
from shared.contracts.findings import VerdictOutcome
from tests.data.facts import GOOD, POLICIES, firm, holding, policy, product
from tests.support.stated import H1, H2, STATED, VALUES, changed

AS_OF = H2.as_of


@given(VALUES, st.lists(st.sampled_from(sorted(STATED)), max_size=8, unique=True), st.sampled_from([H1, H2]))
def test_every_counterfactual_really_passes(values: dict[str, Any], names: list[str], rules: PolicyRules) -> None:
    facts = changed(names, values)
    if judge(facts, rules).outcome is VerdictOutcome.ELIGIBLE:
        return
    found = counterfactual(facts, rules)
    assert found is not None, "these policies ask nothing that no firm could ever meet"
    assert judge(found.facts, rules).outcome is VerdictOutcome.ELIGIBLE
    assert found.changes
    assert len({change.pointer for change in found.changes}) == len(found.changes)
    assert found.facts != facts


@pytest.mark.parametrize(
    ("facts", "rules", "changes"),
    [
        (firm(sanctioned=True), H1, [("not-sanctioned", "/applicant/sanctioned", "not sanctioned")]),
        (firm(status=None), H1, [("business-active", "/applicant/status", "active")]),
        (
            firm(sme_confirmation=Document(number="1", issued_on=date(2017, 1, 1), expires_on=date(2018, 1, 1))),
            H1,
            [("sme-confirmation", "/applicant/sme_confirmation", f"valid on {H1.as_of}")],
        ),
        (holding(), H2, [("certificate", "/certificates/-", f"accepted certificate valid on {AS_OF}")]),
        (
            holding(replace(GOOD.certificates[0], expires_on=date(2018, 1, 1))),
            H2,
            [("certificate", "/certificates/0/expires_on", f"valid on {AS_OF}")],
        ),
        (
            firm(annual_sales_won=1, credit_grade=None),
            H1,
            [("sales-or-credit", "/applicant/annual_sales_won", 500_000_000)],
        ),
        (replace(GOOD, track="startups"), H2, [("track", "/track", "general")]),
    ],
)
def test_the_nearest_changes(facts: ApplicationFacts, rules: PolicyRules, changes: Any) -> None:
    found = counterfactual(facts, rules)
    assert found is not None
    assert [(change.rule, change.pointer, change.needed) for change in found.changes] == changes


def test_a_startup_needs_its_certificate_and_not_the_conditions_that_waives() -> None:
    """Under H2 one certificate helps a young firm that fails three company conditions."""
    young = firm(started_on=date(2015, 3, 2), sanctioned=True, status=BusinessStatus.SUSPENDED, sme_confirmation=None)
    found = counterfactual(replace(young, certificates=()), H2)
    assert found is not None
    assert [change.rule for change in found.changes] == ["certificate"]


def test_every_rule_can_be_mended() -> None:
    assert set(MENDS) == set(RULES)


@pytest.mark.parametrize("name", sorted(path.stem for path in POLICIES.glob("*.yaml")))
def test_every_number_pattern_we_ship_has_an_example(name: str) -> None:
    for kind in policy(name).certificates:
        assert example_of(re.compile(kind.number_pattern, re.ASCII)), kind.kind


def test_a_pattern_that_is_no_plain_expression_has_none() -> None:
    assert example_of(re.compile(r"(?=A)B")) is None


def test_a_class_that_may_be_bought_is_named() -> None:
    bounded = replace(policy("2018-h2"), purchasable_classes=("4321", "411"))
    rules = PolicyRules.compile(bounded, "a" * 64)
    found = counterfactual(product(class_code="99999999"), rules)
    assert found is not None
    assert [(change.pointer, change.needed) for change in found.changes] == [
        ("/product/class_code", "class beginning with 4321, 411")
    ]
    assert found.facts.product.class_code.startswith("411")

"""A policy may ask for documents: each missing kind is unknown, with its fix, in every place that tells of rules."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import to_jsonable_python

from services.eligibility.domain.check import check_policy
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.counterfactual import counterfactual
from services.eligibility.domain.judge import judge
from services.intake.domain.fitness import Fitness
from services.portal.domain.plain_rules import plain_tracks
from services.portal.domain.texts import TEXTS
from shared.clock import REAL_TIME
from shared.contracts.events import Language
from shared.contracts.facts import ApplicationFacts, DocumentFile, facts_json
from shared.contracts.findings import FindingOutcome, VerdictOutcome
from shared.contracts.policy import POLICY, Condition, Policy
from shared.policies.conditions import condition_remarks
from shared.proof.canonical import json_hash
from shared.wording.explanation import explain, explain_change
from tests.data.facts import GOOD, policy

ASKED = ("specification", "financial-statements")


def asking(kinds: Any = ASKED, **more: Any) -> Policy:
    """2018-h2, whose general track asks for documents too."""
    shipped = policy("2018-h2")
    condition = Condition(rule="documents", legal_source="공고 제5조", parameters={"kinds": kinds, **more})
    first, *others = shipped.tracks
    return replace(shipped, tracks=(replace(first, conditions=(*first.conditions, condition)), *others))


RULES = PolicyRules.compile(asking(), "a" * 64)


def sending(*kinds: str) -> ApplicationFacts:
    files = tuple(
        DocumentFile(kind=kind, sha256=f"{number:064x}", bytes=10, media_type="application/pdf", name="a.pdf")
        for number, kind in enumerate(kinds)
    )
    return replace(GOOD, documents=files or None)


@pytest.mark.parametrize(
    ("kinds", "outcome", "seen", "needed"),
    [
        ((), FindingOutcome.UNKNOWN, None, "documents: specification, financial-statements"),
        (("catalogue",), FindingOutcome.UNKNOWN, None, "documents: specification, financial-statements"),
        (("specification",), FindingOutcome.UNKNOWN, "documents: specification", "documents: financial-statements"),
        (ASKED[::-1], FindingOutcome.PASS, f"documents: {', '.join(ASKED)}", f"documents: {', '.join(ASKED)}"),
    ],
)
def test_what_is_missing_is_unknown_and_named(
    kinds: tuple[str, ...], outcome: FindingOutcome, seen: str | None, needed: str
) -> None:
    verdict = judge(sending(*kinds), RULES)
    found = next(finding for finding in verdict.findings if finding.rule == "documents")
    assert (found.outcome, found.seen, found.needed) == (outcome, seen, needed)
    eligible = verdict.outcome is VerdictOutcome.ELIGIBLE
    assert eligible == (outcome is FindingOutcome.PASS)


def test_the_nearest_change_names_what_is_missing_in_both_languages() -> None:
    nearest = counterfactual(sending("specification"), RULES)
    assert nearest is not None
    (change,) = nearest.changes
    assert (change.rule, change.pointer) == ("documents", "/documents/-")
    assert explain_change(change, Language.KO) == "제출 서류: 재무제표"
    assert explain_change(change, Language.EN) == "documents: financial statements"
    found = next(finding for finding in judge(sending(), RULES).findings if finding.rule == "documents")
    assert explain(found, Language.KO).needed == "규격서, 재무제표"
    assert explain(found, Language.EN).seen == "nothing was stated"


def test_it_is_remarked_at_the_edge_and_told_in_plain_words() -> None:
    fitness = Fitness(asking(), REAL_TIME)
    (remark,) = (one for one in fitness.warnings(sending("specification")) if one.pointer == "/documents")
    assert (remark.code, remark.detail) == ("no-document", "track general asks for financial-statements too")
    assert not [one for one in fitness.warnings(sending(*ASKED)) if one.pointer == "/documents"]
    for language, names in ((Language.KO, "규격서, 재무제표"), (Language.EN, "specification, financial statements")):
        rules = plain_tracks(asking(), TEXTS[language])[0].rules
        assert any(names in rule.asks for rule in rules)


@pytest.mark.parametrize(
    ("kinds", "pointer"),
    [
        ((), "/kinds"),
        (("specification", "specification"), "/kinds/1"),
        (("규격서",), "/kinds/0"),
        ("specification", "/kinds"),
    ],
)
def test_kinds_that_nobody_could_send_are_found(kinds: Any, pointer: str) -> None:
    found = [problem.pointer for problem in check_policy(asking(kinds))]
    assert len(found) == 1
    assert found[0].endswith(f"/parameters{pointer}")


def test_a_kind_without_a_name_is_remarked() -> None:
    assert check_policy(asking(("drawing",))) == ()
    assert "kind-without-name" in {remark.code for remark in condition_remarks(asking(("drawing",)))}
    assert "kind-without-name" not in {remark.code for remark in condition_remarks(asking())}


def test_who_sends_no_document_has_the_hashes_of_before() -> None:
    assert "documents" not in str(facts_json(GOOD))
    plain = to_jsonable_python(policy("2018-h2"))
    assert json_hash(POLICY.dump_python(policy("2018-h2"), mode="json")) == json_hash(plain)
    shipped = PolicyRules.compile(policy("2018-h2"), "a" * 64)
    assert judge(GOOD, shipped).findings_hash == judge(sending(*ASKED), shipped).findings_hash

"""`firstbuy policy diff`: what changes, in which direction and for whom."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firstbuy.cli import assembled
from firstbuy.policy_review.change import Effect
from firstbuy.policy_review.differing import changes
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Condition, Limits, Policy, RegistryUse, TicketStep
from shared.contracts.registries import Registry
from tests.data.facts import GOOD, POLICIES, firm, policy

DATA = Path(__file__).parents[1] / "data" / "policies"
H1, H2 = policy("2018-h1"), policy("2018-h2")


def diff(*arguments: str) -> Result:
    return CliRunner().invoke(assembled(), ["policy", "diff", *arguments])


@pytest.mark.parametrize(
    ("old", "new", "golden"),
    [
        (DATA / "before.yaml", DATA / "after.yaml", "changes.txt"),
        (POLICIES / "2018-h1.yaml", POLICIES / "2018-h2.yaml", "2018.txt"),
    ],
)
def test_what_diff_prints_is_the_golden_text(old: Path, new: Path, golden: str) -> None:
    result = diff(str(old), str(new))
    assert result.exit_code == 0
    assert result.output == (DATA / golden).read_text()


def test_the_same_as_json() -> None:
    told = json.loads(diff(str(POLICIES / "2018-h1.yaml"), str(POLICIES / "2018-h2.yaml"), "--json").stdout)
    assert (told["from"]["policy"], told["to"]["policy"]) == ("2018-h1", "2018-h2")
    waived = next(change for change in told["changes"] if change["what"].startswith("startup-certificate"))
    assert (waived["section"], waived["effect"]) == ("track General (general)", "laxer")
    assert waived["whom"] == "firms that pass startup (창업기업) and technology-product certificate"


@pytest.mark.parametrize("name", sorted(path.stem for path in POLICIES.glob("*.yaml")))
def test_nothing_changes_of_itself(name: str) -> None:
    assert changes(policy(name), policy(name)) == ()


def test_registries_asked_changed_and_dropped_are_told() -> None:
    status = RegistryUse(registry=Registry.BUSINESS_STATUS, authority="NTS")
    certificates = RegistryUse(registry=Registry.CERTIFICATES, authority="KATS")
    old = replace(H2, registries=(certificates, status))
    new = replace(H2, registries=(replace(certificates, kinds=("nep",)),))
    assert [(each.section, each.what) for each in changes(H2, old)] == [
        ("registries", "certificates is asked of KATS: what it says replaces what firms state"),
        ("registries", "business-status is asked of NTS: what it says replaces what firms state"),
    ]
    assert [each.what for each in changes(old, new)] == [
        "certificates is asked of KATS, for nep, otherwise than before",
        "business-status of NTS is no longer asked: what firms state counts",
    ]


def test_an_unsound_policy_is_not_compared() -> None:
    result = diff(str(POLICIES / "2018-h1.yaml"), str(DATA / "unsound.yaml"))
    assert result.exit_code == 1
    assert "there is no rule horoscope" in result.output


def moved(rule: str, **parameters: Any) -> Policy:
    track = H1.tracks[0]
    conditions = tuple(
        replace(each, parameters={**each.parameters, **parameters}) if each.rule == rule else each
        for each in track.conditions
    )
    return replace(H1, tracks=(replace(track, conditions=conditions),))


@pytest.mark.parametrize(
    ("rule", "parameters", "effect"),
    [
        ("sales-or-credit", {"sales_floor_won": 400_000_000}, Effect.LAXER),
        ("sales-or-credit", {"sales_floor_won": 600_000_000}, Effect.STRICTER),
        ("sales-or-credit", {"credit_at_least": "BB"}, Effect.STRICTER),
        ("sales-or-credit", {"credit_at_least": "C"}, Effect.LAXER),
        ("direct-production", {"validity_years": 3}, Effect.LAXER),
        ("direct-production", {"validity_years": 1}, Effect.STRICTER),
    ],
)
def test_a_parameter_moves_as_judging_does(rule: str, parameters: dict[str, Any], effect: Effect) -> None:
    """Nobody loses by what is told to be laxer, nobody gains by what is told to be stricter."""
    new = moved(rule, **parameters)
    (change,) = changes(H1, new)
    assert change.effect is effect
    assert change.whom
    pool = [
        firm(annual_sales_won=sales, credit_grade=grade)
        for sales in (None, 0, 399_999_999, 400_000_000, 500_000_000, 600_000_000)
        for grade in (None, "AAA", "BB", "B+", "C", "D")
    ]
    before, after = (
        [judge(one, PolicyRules.compile(of, "0" * 64)).outcome is VerdictOutcome.ELIGIBLE for one in pool]
        for of in (H1, new)
    )
    pairs = list(zip(before, after, strict=True))
    assert (
        all(new or not old for old, new in pairs)
        if effect is Effect.LAXER
        else all(old or not new for old, new in pairs)
    )


def test_credit_grades_in_another_list_change_nothing_where_the_same_suffice() -> None:
    (change,) = changes(H1, moved("sales-or-credit", credit_grades=(*_sufficient(), "Z"), credit_at_least="B+"))
    assert change.effect is Effect.NONE


def _sufficient() -> tuple[str, ...]:
    grades = next(c for c in H1.tracks[0].conditions if c.rule == "sales-or-credit").parameters["credit_grades"]
    assert isinstance(grades, tuple)
    return grades[: grades.index("B+") + 1]


def test_a_condition_that_a_waiver_covers_is_told_with_whom_it_spares() -> None:
    track = H2.tracks[0]
    cap = Condition(rule="track-cap", legal_source="공고", parameters={"cap_won": 10**9})
    waiver = replace(track.waivers[0], waives=(*track.waivers[0].waives, "track-cap"))
    new = replace(H2, tracks=(replace(track, conditions=(*track.conditions, cap), waivers=(waiver,)),))
    added, waives = changes(H2, new)
    assert (added.effect, waives.effect) == (Effect.STRICTER, Effect.LAXER)
    assert "but those exempt by startup-certificate" in added.whom


def test_tickets_are_told_by_firm_and_limits_by_their_number() -> None:
    limits = Limits(selections_per_firm=1, requests_per_product=3, reserve=None)
    new = replace(H2, tickets=(TicketStep(tickets=2, startup=True), TicketStep(tickets=1)), limits=limits)
    told = [(change.what, change.effect, change.whom) for change in changes(H2, new)]
    assert ("2 instead of 6", Effect.LESS, "startups, record of 0 won") in told
    assert ("2 instead of 1", Effect.MORE, "startups, record of 500,000,001 won or more") in told
    assert ("1 instead of 2", Effect.LESS, "others, record of 1 to 500,000,000 won in 4 sales or more") in told
    assert ("products in reserve: any number instead of 100", Effect.MORE, "") in told


def test_an_applicant_of_a_track_that_is_gone_is_refused_as_told() -> None:
    gone = next(change for change in changes(H2, policy("rolling")) if change.section == "track General (general)")
    assert gone.effect is Effect.STRICTER
    rules = PolicyRules.compile(policy("rolling"), "0" * 64)
    assert judge(GOOD, rules).outcome is VerdictOutcome.INELIGIBLE

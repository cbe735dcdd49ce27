"""docs/policy.md says what is so: its policy passes, its examples are what is printed, nothing is left out."""

import json
import re
from pathlib import Path

from firstbuy.commands.simulate import sampled
from firstbuy.policy_review.checking import examine
from firstbuy.policy_review.differing import as_text, changes
from shared.contracts.vocabulary import RULE_TERMS
from tests.data.facts import policy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policy.md").read_text()
SCHEMA = json.loads((ROOT / "shared" / "contracts" / "schemas" / "PolicyFile.json").read_text())
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_every_field_every_rule_and_every_parameter_is_explained() -> None:
    fields = {name for each in (SCHEMA, *SCHEMA["$defs"].values()) for name in each.get("properties", {})}
    fields |= {parameter for terms in RULE_TERMS.values() for parameter in terms.parameters}
    assert {name for name in fields if f"`{name}`" not in PAGE and f"**`{name}`**" not in PAGE} <= {"rule"}
    for rule, terms in RULE_TERMS.items():
        (row,) = re.findall(rf"^\| `{rule}` \|.*$", PAGE, re.MULTILINE)
        assert all(f"`{parameter}`" in row for parameter in terms.parameters)


def test_the_worked_example_is_sound_and_the_errors_shown_are_those_of_its_mistakes() -> None:
    assert examine(EXAMPLE).errors == ()
    assert examine(EXAMPLE).remarks == ()
    mistaken = EXAMPLE.replace("validity_years", "validity_year").replace("2020-03-31", "2020-02-30")
    for error in examine(mistaken).errors:
        shown = f"harbour-2020.yaml:{error.line}: {error.pointer}: {error.detail}\n    → {error.fix}\n"
        assert shown in PAGE


def test_the_differences_shown_are_those_there_are() -> None:
    h1, h2 = policy("2018-h1"), policy("2018-h2")
    told = as_text(h1, h2, changes(h1, h2))
    assert "  more        6 instead of 1\n              for startups, record of 0 won" in told
    assert "  more        6 instead of 1\n              for startups, record of 0 won" in PAGE


def test_the_samples_figures_are_those_it_gives() -> None:
    results = sampled(policy("2018-h2"))
    startups = next(group for group in results.by_kind if group.name == "startup")
    sales = next(rule for rule in results.by_rule if rule.rule == "sales-or-credit")
    said = " ".join(PAGE.split())
    assert f"Of them {results.eligible[0]} meet the conditions of `2018-h1` and {results.eligible[1]} those" in said
    assert f"of the startups {startups.old} against {startups.new} of {startups.applied}." in said
    assert f"alone kept out {sales.alone}." in said

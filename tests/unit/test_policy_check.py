"""`firstbuy policy check`: each problem by line, field and fix; a policy that passes can be run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firstbuy.cli import assembled
from firstbuy.policy_review.checking import Examined, examine, policy_hash
from services.eligibility.domain.rules import RULES
from shared.contracts.policy import POLICY, Policy, TicketStep, Track, TrackLimits
from shared.contracts.vocabulary import RULE_TERMS, Kind
from shared.policies.applicant_kinds import kinds_of, tickets_of
from shared.policies.problem import PolicyRejectedError
from shared.policies.soundness import problems_of, remarks_of, require_sound
from tests.data.facts import POLICIES, policy

SPOILED = Path(__file__).parents[1] / "data" / "policies"
H2_TEXT = (POLICIES / "2018-h2.yaml").read_text()
H2 = policy("2018-h2")
_TYPES = {Kind.NUMBER: int, Kind.TEXT: str, Kind.LIST: tuple}


def spoiled(old: str, new: str) -> Examined:
    assert old in H2_TEXT
    return examine(H2_TEXT.replace(old, new, 1))


@pytest.mark.parametrize("name", ["mistyped", "unreadable", "unsound"])
def test_what_check_prints_is_the_golden_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SPOILED)
    result = CliRunner().invoke(assembled(), ["policy", "check", f"{name}.yaml"])
    assert result.exit_code == 1
    assert result.output == (SPOILED / f"{name}.txt").read_text()


def test_the_same_as_json_names_line_field_code_and_fix() -> None:
    result = CliRunner().invoke(assembled(), ["policy", "check", str(SPOILED / "unsound.yaml"), "--json"])
    errors = json.loads(result.stdout)["errors"]
    lines = (SPOILED / "unsound.yaml").read_text().splitlines()
    assert all(set(error) == {"line", "pointer", "code", "detail", "fix"} and error["fix"] for error in errors)
    by_code = {error["code"]: error for error in errors}
    for code, words in (
        ("slow-pattern", "(NEP-[0-9]+)+"),
        ("bad-pattern", "number_pattern"),
        ("unknown-grade", "credit_at_least: B+"),
        ("unknown-rule", "rule: horoscope"),
        ("waiver-without-rule", "first-timer"),
        ("unreachable-threshold", "threshold: 101"),
        ("impossible-date", "0218-05-15"),
    ):
        assert words in lines[by_code[code]["line"] - 1], code


@pytest.mark.parametrize(
    ("old", "new", "pointer", "code", "line"),
    [
        ("as_of: 2018-09-14", "as_of: 2018-09-31", "/as_of", "date-from-datetime-parsing", "2018-09-31"),
        ("method: weighted-draw", "method: lottery", "/method", "enum", "lottery"),
        ("requests_per_product: 3", "requests_per_product: 3\n  request_per_product: 3", "/limits/request_per_product",
         "unknown-field", "request_per"),
        ("grades: ['1']", "grades: [1]", "/certificates/4/grades/0", "string-type", "grades: [1]"),
        ("parameters: {years: 7}", "parameters: {years: 7.5}", "/tracks/0/conditions/9/parameters/years", "wrong-type",
         "7.5"),
        ("parameters: {years: 7}", "parameters: {years: '7'}", "/tracks/0/conditions/9/parameters/years",
         "wrong-parameter", "'7'"),
        ("parameters: {years: 7}", "parameters: {years: 7, years: 8}", "/tracks/0/conditions/9/parameters/years",
         "repeated-field", "years: 8"),
        ("parameters: {cap_won: 500000000}", "parameters: {cap_won: 9007199254740992}",
         "/tracks/0/conditions/10/parameters/cap_won", "wrong-parameter", "9007199254740992"),
        ("credit_at_least: B+", "credit_at_least: Z", "/tracks/0/conditions/7/parameters/credit_at_least",
         "unknown-grade", "credit_at_least: Z"),
        ("'[0-9]{7}'", "'([0-9]+)*'", "/certificates/1/number_pattern", "slow-pattern", "([0-9]+)*"),
        ("when: [startup, certificate]", "when: [startup, track-cap]", "/tracks/0/waivers/0/when/1",
         "waiver-without-rule", "when:"),
        ("  - {startup: true, record_won_at_most: 0, tickets: 6}\n  - {record_won_at_most: 0, tickets: 5}",
         "  - {record_won_at_most: 0, tickets: 5}\n  - {startup: true, record_won_at_most: 0, tickets: 6}",
         "/tickets/1", "unreached-step", "tickets: 6"),
        ("{first_timer: true, tickets: 2}", "{first_timer: true, record_won_at_most: 500000000, tickets: 2}",
         "", "", ""),
        ("policy: 2018-h2", "policy: 2018 H2", "/policy", "string-pattern-mismatch", "2018 H2"),
        ("limits:  # (assumed)\n", "limits:\n\t", "", "no-yaml", "\t"),
    ],
)  # fmt: skip
def test_a_problem_names_its_line(old: str, new: str, pointer: str, code: str, line: str) -> None:
    found = spoiled(old, new)
    if not code:
        assert found.errors == ()
        return
    (error,) = found.errors
    assert (error.pointer, error.code) == (pointer, code)
    assert line in H2_TEXT.replace(old, new, 1).splitlines()[error.line - 1]
    assert error.fix


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("- a\n", "no-policy"),
        ("a: [1", "no-yaml"),
        ("a: !!int x\n", "no-yaml"),
        ("a: !!bool x\n", "no-yaml"),
        ("a: !!int ''\n", "no-yaml"),
        ("a: !!timestamp x\n", "no-yaml"),
        ("&a [*a]", "too-large"),
        ("a: \x07", "no-yaml"),
        ("x" * 1_000_001, "too-large"),
        ("[" * 3000, "too-large"),
        ("{a: &a [1,1,1,1,1,1,1,1,1,1], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b],"
         " d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c], e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]}", "too-large"),
        ("? [a]\n: 1\n", "no-yaml"),
        ("1: 2\n", "no-name"),
    ],
)  # fmt: skip
def test_what_is_no_policy_at_all_is_an_error_and_no_crash(text: str, code: str) -> None:
    errors = examine(text).errors
    assert code in {error.code for error in errors}
    assert all(error.line >= 1 and error.fix for error in errors)


@pytest.mark.parametrize("value", ["{}", "{years: 7}", "[{}]", "[[7]]"])
def test_what_no_parameter_can_be_is_said_where_it_stands(value: str) -> None:
    (error,) = spoiled("parameters: {years: 7}", f"parameters: {{years: {value}}}").errors
    assert (error.pointer.rpartition("/parameters/")[2].partition("/")[0], error.code) == ("years", "wrong-type")


def test_a_misspelt_field_is_guessed() -> None:
    assert spoiled("validity_years: 2  # (assumed)", "validity_year: 2").errors[0].fix == "did you mean validity_years?"


def test_the_vocabulary_is_what_the_rules_ask_for() -> None:
    """Each rule of eligibility has its words, and takes what they say."""
    assert set(RULE_TERMS) == set(RULES)
    for code, rule in RULES.items():
        terms = RULE_TERMS[code].parameters
        assert {name: _TYPES[each.kind] for name, each in terms.items() if each.needed} == dict(rule.needs)
        assert {name: _TYPES[each.kind] for name, each in terms.items() if not each.needed} == dict(rule.may)


def test_an_older_policy_keeps_its_hash_when_the_contract_grows() -> None:
    """A round that stands was announced under it."""
    first, second = (
        replace(stated, notices=None, limits=replace(stated.limits, applications_per_firm=None))
        for stated in map(policy, ("2018-h1", "2018-h2"))
    )
    assert policy_hash(first) == "b72eb8546e32073f01ec7e1f0e06e86f99a6f573094a334a0cde19a40c294027"
    assert policy_hash(second) == "44b345415e511b60b87611a39c490fdf8dc398b4743a7b486bb94421c19519b8"


def test_a_firm_without_a_limit_of_entries_is_remarked_on_and_allowed() -> None:
    uncapped = replace(H2, limits=replace(H2.limits, applications_per_firm=None))
    assert problems_of(uncapped) == ()
    (remark,) = remarks_of(uncapped)
    assert (remark.pointer, remark.code) == ("/limits/applications_per_firm", "no-firm-limit")
    track = replace(H2.tracks[0], limits=TrackLimits(applications_per_firm=1))
    assert remarks_of(replace(uncapped, tracks=(track,))) == (), "each track has its own"


def test_more_for_a_greater_record_is_remarked_on_and_allowed() -> None:
    upside = replace(H2, tickets=(TicketStep(tickets=1, first_timer=True), TicketStep(tickets=2)))
    assert problems_of(upside) == ()
    (remark,) = remarks_of(upside)
    assert (remark.pointer, remark.code) == ("/tickets/1", "more-for-more-record")


def test_what_is_listed_for_nothing_is_remarked_on() -> None:
    track = H2.tracks[0]
    unused: tuple[Track, ...] = (replace(track, certificates=("nep",)),)
    codes = [remark.code for remark in remarks_of(replace(H2, tracks=unused, purchasable_classes=("4111",)))]
    assert codes == ["unused-kind"] * 13
    without = tuple(each for each in track.conditions if each.rule not in ("product-class", "certificate"))
    bare = replace(H2, tracks=(replace(track, conditions=without, waivers=()),), purchasable_classes=("4111",))
    assert [remark.code for remark in remarks_of(bare)] == ["classes-not-asked", "certificates-not-asked"]


@pytest.mark.parametrize("name", ["places", "reserve", "selections_per_firm", "applications_per_firm"])
def test_a_tracks_limits_are_within_the_rounds(name: str) -> None:
    limits = replace(H2.limits, places=3, reserve=3, selections_per_firm=3, applications_per_firm=3)

    def found(own: int) -> list[tuple[str, str]]:
        track = replace(H2.tracks[0], limits=TrackLimits(**{name: own}))
        problems = problems_of(replace(H2, limits=limits, tracks=(track,)))
        return [(problem.pointer, problem.code) for problem in problems]

    assert found(3) == []
    assert found(4) == [(f"/tracks/0/limits/{name}", "more-than-the-round")]


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("contacts", "did you mean contact?"),
        ("greeting", "name it appeal or contact, or drop it"),
    ],
)
def test_words_that_no_notice_uses_are_remarked_on(name: str, fix: str) -> None:
    found = spoiled("  contact:  # (assumed)", f"  {name}:  # (assumed)")
    assert found.errors == ()
    ((pointer, code, said),) = [(each.pointer, each.code, each.fix) for each in found.remarks]
    assert (pointer, code, said) == (f"/notices/{name}", "unused-notice", fix)


def test_a_sound_policy_is_given_back_and_another_refused() -> None:
    assert require_sound(H2) is H2
    with pytest.raises(PolicyRejectedError, match="fits no step"):
        require_sound(replace(H2, tickets=(TicketStep(tickets=1, startup=True),)))


def test_every_kind_of_applicant_has_tickets_under_a_sound_policy() -> None:
    kinds = kinds_of([H2])
    assert all(tickets_of(H2, kind) for kind in kinds)
    assert {tickets_of(H2, kind) for kind in kinds} == {1, 2, 3, 4, 5, 6}


class TestPublishedSchema:
    """`PolicyFile.json`, as an editor applies it; the few keywords it uses are applied here by hand."""

    schema: Any = json.loads(
        (Path(__file__).parents[2] / "shared" / "contracts" / "schemas" / "PolicyFile.json").read_text()
    )

    @pytest.mark.parametrize("name", sorted(path.stem for path in POLICIES.glob("*.yaml")))
    def test_takes_every_policy_we_ship(self, name: str) -> None:
        assert list(differences(self.schema, stated(policy(name)), self.schema)) == []

    @pytest.mark.parametrize(
        ("change", "at"),
        [
            (lambda p: p.update(astrology=1), "astrology"),
            (lambda p: p["tracks"][0]["conditions"][9]["parameters"].update(years=0), "years"),
            (lambda p: p["tracks"][0]["conditions"][9]["parameters"].update(months=0), "months"),
            (lambda p: p["tracks"][0]["conditions"][9].pop("parameters"), "parameters"),
            (lambda p: p["tracks"][0]["conditions"][0].update(rule="horoscope"), "rule"),
            (lambda p: p.pop("method"), "method"),
        ],
    )
    def test_refuses_what_check_refuses(self, change: Any, at: str) -> None:
        document = stated(H2)
        change(document)
        assert any(at in difference for difference in differences(self.schema, document, self.schema))

    def test_describes_every_field(self) -> None:
        for name, each in self.schema["$defs"].items():
            for field, inner in each.get("properties", {}).items():
                described = inner.get("description") or self.schema["$defs"].get(inner.get("$ref", "")[8:], {})
                assert described, f"{name}.{field}"


def stated(of: Policy) -> Any:
    return POLICY.dump_python(of, mode="json", exclude_none=True)


def differences(schema: Any, value: Any, root: Any, at: str = "") -> Any:
    if "$ref" in schema:
        yield from differences(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, root, at)
    if "anyOf" in schema and all(any(differences(one, value, root, at)) for one in schema["anyOf"]):
        yield f"{at}: none of the options"
    kinds: Any = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    if "type" in schema and type(value) is not kinds[schema["type"]]:
        yield f"{at}: no {schema['type']}"
        return
    if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
        yield f"{at}: another value"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: out of bounds"
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from differences(schema.get("items", {}), item, root, f"{at}/{index}")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{at}/{name}: missing"
        for name, item in value.items():
            if name in properties:
                yield from differences(properties[name], item, root, f"{at}/{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{at}/{name}: unknown"
    for one in schema.get("allOf", ()):
        if not any(differences(one["if"], value, root, at)):
            yield from differences(one["then"], value, root, at)

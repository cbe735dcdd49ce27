"""What `policy check` and `round check` find is said in Korean to who asks for Korean; nothing else of it changes."""

import json
import re
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from firstbuy.cli import assembled
from firstbuy.policy_review.checking import _POLICY, examine
from firstbuy.policy_review.contract import Described
from firstbuy.policy_review.rounds import _ROUND
from firstbuy.yaml_file import read
from shared.wording.in_korean import in_korean
from tests.data.facts import POLICIES
from tests.support.round_files import H2, SPOILED

FILES: Final = Path(__file__).parents[1] / "data" / "policies"
NO_SENTENCE: Final = re.compile(r"""'[^']*'|"[^"]*"|\[[^\]]*\]|firstbuy( [a-z-]+)+|/\S*""")
ENGLISH: Final = re.compile("[A-Za-z]+(?: [A-Za-z]+){2,}")


def run(*arguments: object) -> Result:
    return copy_context().run(CliRunner().invoke, assembled(), [*map(str, arguments)])


def english_in(text: str) -> list[str]:
    """Three Latin words or more in a row, outside of quotes, paths and commands."""
    return [found.group() for line in text.splitlines() for found in ENGLISH.finditer(NO_SENTENCE.sub("…", line))]


def findings(result: Result) -> list[dict[str, Any]]:
    shown = json.loads(result.stdout)
    return [*shown["errors"], *shown["remarks"]]


def assert_said_in_korean(*command: object) -> None:
    """By both languages the same findings, of which none stays in English."""
    english, korean = findings(run(*command, "--json")), findings(run("--language", "ko", *command, "--json"))
    assert korean
    for name in ("line", "pointer", "code"):
        assert [one[name] for one in korean] == [one[name] for one in english]
    for before, after in zip(english, korean, strict=True):
        assert english_in(f"{after['detail']}\n{after['fix']}") == []
        for name in ("detail", "fix"):
            assert re.search("[가-힣]", after[name]), after[name]
            assert after[name] != before[name]


@pytest.mark.parametrize("name", ["mistyped", "unreadable", "unsound"])
def test_what_policy_check_prints_in_korean_is_the_golden_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)
    result = run("--language", "ko", "policy", "check", f"{name}.yaml")
    assert result.exit_code == 1
    assert result.output == (FILES / f"{name}.ko.txt").read_text(encoding="utf-8")
    assert english_in(result.output) == []
    assert_said_in_korean("policy", "check", f"{name}.yaml")


def test_the_programs_copy_is_in_english_unless_another_language_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)
    found = [
        finding
        for finding in findings(run("policy", "check", "mistyped.yaml", "--json"))
        if finding["code"] == "missing"
    ]
    assert [(one["detail"], one["fix"]) for one in found] == [("authority is missing", "add it: who issues it.")]
    monkeypatch.setenv("FIRSTBUY_LANGUAGE", "ko")
    found = [
        finding
        for finding in findings(run("policy", "check", "mistyped.yaml", "--json"))
        if finding["code"] == "missing"
    ]
    assert [(one["detail"], one["fix"]) for one in found] == [("authority가 없습니다.", "추가해 주십시오: 발급 기관")]


@pytest.mark.parametrize("name", SPOILED)
def test_what_round_check_finds_is_said_in_korean(name: str, tmp_path: Path) -> None:
    file = tmp_path / "round.yaml"
    file.write_text(H2.replace(*SPOILED[name][:2], 1), encoding="utf-8")
    assert_said_in_korean("round", "check", file)
    assert english_in(run("--language", "ko", "round", "check", file).output) == []


def test_what_ends_opening_a_round_or_comparing_policies_is_said_in_korean(tmp_path: Path) -> None:
    file = tmp_path / "round.yaml"
    file.write_text(H2.replace(*SPOILED["no pledge"][:2], 1), encoding="utf-8")
    opened = run("--language", "ko", "round", "open", file, "--url", "http://127.0.0.1:9")
    assert "pledge_won이 없습니다." in opened.output
    for command in (
        ("policy", "diff", POLICIES / "2018-h2.yaml", FILES / "mistyped.yaml"),
        ("simulate", "--sample", "--policy", FILES / "mistyped.yaml"),
    ):
        result = run("--language", "ko", *command)
        assert result.exit_code == 1
        assert "authority가 없습니다." in result.output
        assert english_in(result.output) == []


def test_that_nothing_is_wrong_is_said_in_korean_too() -> None:
    sound = run("--language", "ko", "policy", "check", POLICIES / "rolling.yaml")
    assert "오류가 없습니다." in sound.output
    assert "회차: " in sound.output
    past = run("--language", "ko", "round", "check", POLICIES.parent / "rounds" / "2018-h2.yaml")
    assert "연습으로만 진행할 수 있습니다." in past.output
    assert english_in(sound.output + past.output) == []


def test_a_policy_that_is_not_there_is_said_in_korean(tmp_path: Path) -> None:
    assert "파일이 없습니다." in run("--language", "ko", "policy", "check", tmp_path / "none.yaml").output
    file = tmp_path / "lost.yaml"
    file.write_bytes(b"policy: \xff\xfe\xff")
    assert english_in(run("--language", "ko", "policy", "check", file).output) == []


def described(contract: Described, schema: dict[str, Any], at: str = "") -> dict[str, str]:
    """What each field is that can be missing, by pointer."""
    resolved, found = contract._resolved(schema), dict[str, str]()
    if at.count("/") > 8:
        return found
    for name, inner in resolved.get("properties", {}).items():
        if name in resolved.get("required", ()):
            found[f"{at}/{name}"] = contract.description(f"{at}/{name}")
        found |= described(contract, inner, f"{at}/{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(resolved.get(name), dict):
            found |= described(contract, resolved[name], f"{at}/0")
    return found


@pytest.mark.parametrize("contract", [_POLICY, _ROUND], ids=["policy", "round"])
def test_what_a_missing_field_is_has_its_korean(contract: Described) -> None:
    found = described(contract, contract.schema)
    assert len(found) > 12
    meant = {f"{one[0].lower()}{one[1:]}" for one in found.values() if one}
    assert [one for one in sorted(meant) if in_korean(one) == one] == []


@pytest.mark.parametrize(
    "text",
    [
        "", "- a\n", "a: [1", "a: !!int x\n", "a: !!float x\n", "&a [*a]", "a: \x07", "x" * 1_000_001, "[" * 3000,
        "? [a]\n: 1\n", "1: 2\n", "a: b: c", "a: 'x", 'a: "x', 'a: "\\q"', 'a: "\\xzz"', "a\nb: 1", "{a: 1", "[1 2: 3]",
        "{a: 1}}", "a: %x", "a: @x", "a: `x", "a: *x", "a: &x 1\nb: &x 2\nc: *x", "a: !x 1", "a: !h!x 1", "a: |0\n x",
        "a: |z\n x", "a: 1\n b: 2", "- 1\na: 2", "a: 1\n- 2", "a:\n - 1\n  - 2: 3", "---\na: 1\n---\nb: 1",
        "%YAML 3.0\n---\na: 1",
        "%YAML 1.1\n%YAML 1.1\n---\na: 1", "a: 'x\n---\n'", "a: & x", "a: *\n", "\tb: 1", "a: ? b", "a: !<x\n",
        "a: !!set {x}\nb: !!omap 5", "? {a: 1}\n: 2", "a: 1: 2", "a: - b", "a: [1, ]]", "a: }", "0777: 1", "a: 0777",
        "a: 12:30",
    ],
)  # fmt: skip
def test_what_yaml_has_against_a_file_is_said_in_korean(text: str) -> None:
    for _, problem in read(text).problems:
        assert english_in(f"{in_korean(problem.detail)}\n{in_korean(problem.fix)}") == []
        assert in_korean(problem.detail) != problem.detail
    for error in examine(text).errors:
        assert in_korean(error.detail) != error.detail
        assert in_korean(error.fix) != error.fix

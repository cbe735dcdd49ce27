"""`firstbuy round check`: everything that is wrong with a round file, at once."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firstbuy.cli import assembled
from firstbuy.policy_review.rounds import ExaminedRound, examine_round
from shared.contracts.generate import FOLDER
from tests.data.facts import POLICIES
from tests.support.round_files import H2, ROUNDS, SPOILED

NOW = datetime(2018, 8, 1, tzinfo=UTC)


def examined(text: str) -> ExaminedRound:
    return examine_round(text, POLICIES, NOW)


@pytest.mark.parametrize("path", sorted(ROUNDS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_round_we_ship_can_be_announced_without_a_remark(path: Path) -> None:
    found = examine_round(path.read_text(), POLICIES, datetime(2018, 4, 1, tzinfo=UTC))
    assert (found.errors, found.remarks) == ((), ())
    assert found.round is not None


@pytest.mark.parametrize("name", SPOILED)
def test_a_fault_names_its_line_and_field(name: str) -> None:
    old, new, pointer, code = SPOILED[name]
    assert old in H2
    errors = examined(H2.replace(old, new, 1)).errors
    if not code:
        assert errors == ()
        return
    assert (pointer, code) in {(error.pointer, error.code) for error in errors}
    assert all(error.line >= 1 and error.fix for error in errors)


def test_everything_is_said_at_once() -> None:
    text = H2
    for name in ("no pledge", "an institution twice", "no such policy", "closed before it opens", "yes"):
        text = text.replace(*SPOILED[name][:2], 1)
    codes = {error.code for error in examined(text).errors}
    assert codes == {"missing", "repeated-institution", "no-policy", "order", "read-otherwise"}


def test_a_policy_that_is_not_sound_is_said_with_how_to_see_it(tmp_path: Path) -> None:
    (tmp_path / "2018-h2.yaml").write_text("policy: 2018-h2\n")
    (error,) = examine_round(H2, tmp_path, NOW).errors
    assert (error.pointer, error.code) == ("/policy", "unsound-policy")
    assert f"firstbuy policy check {tmp_path / '2018-h2.yaml'}" in error.fix


def test_a_policy_of_another_year_does_not_fit() -> None:
    text = H2.replace("2018-08-16", "2019-08-16", 1).replace("2018-09-14", "2019-09-14", 1)
    assert [(error.pointer, error.code) for error in examined(text).errors] == [("/policy", "not-the-day-of-the-round")]


def test_a_rolling_intake_closes_its_first_cut_on_its_day() -> None:
    text = (ROUNDS / "small-2019.yaml").read_text().replace("2019-01-31T18", "2019-01-30T18", 1)
    assert [error.code for error in examined(text).errors] == ["not-the-day-of-the-cut"]


def test_the_command_says_it_for_people_and_programs(tmp_path: Path) -> None:
    good = CliRunner().invoke(assembled(), ["round", "check", str(ROUNDS / "2018-h2.yaml")])
    assert (good.exit_code, "is sound, and can only be rehearsed" in good.stdout) == (0, True)
    file = tmp_path / "round.yaml"
    file.write_text(H2.replace(", pledge_won: 10000000000}", "}", 1))
    told = CliRunner().invoke(assembled(), ["round", "check", str(file)])
    assert told.exit_code == 1
    assert "/institutions/0/pledge_won: pledge_won is missing" in told.stdout
    as_json = CliRunner().invoke(assembled(), ["round", "check", str(file), "--json"])
    (error,) = json.loads(as_json.stdout)["errors"]
    assert (error["pointer"], error["code"]) == ("/institutions/0/pledge_won", "missing")


def test_a_round_that_can_not_be_announced_is_not_begun(tmp_path: Path) -> None:
    file = tmp_path / "round.yaml"
    file.write_text(H2.replace(", pledge_won: 10000000000}", "}", 1))
    told = CliRunner().invoke(assembled(), ["round", "open", str(file), "--url", "http://127.0.0.1:9"])
    assert told.exit_code == 1
    assert "pledge_won is missing" in told.output
    assert "does not answer" not in told.output


@pytest.mark.parametrize("text", ["", "- a", "a: [", "1: 2", "round: 5\npolicy: x1\ninstitutions: []\n"])
def test_what_is_no_round_at_all_is_an_error_and_no_crash(text: str) -> None:
    assert examined(text).errors


def test_every_field_is_described_in_the_published_schema() -> None:
    schema = json.loads((FOLDER / "RoundFile.json").read_text())
    for name in ("RoundTerms", "Pledging", "DeskMember"):
        assert all(each.get("description") for each in schema["$defs"][name]["properties"].values()), name
    assert schema["additionalProperties"] is False


def test_a_round_of_the_past_is_sound_and_remarked_on() -> None:
    found = examine_round(H2, POLICIES, datetime(2018, 9, 14, 9, tzinfo=UTC))
    assert found.errors == ()
    (remark,) = found.remarks
    assert (remark.pointer, remark.code) == ("/round/closes_at", "window-past")

"""What a firm does by commands: apply, keep the receipt, and go on by it."""

import json
import os
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firstbuy.cli import assembled
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.intake.domain.receipts import receipt_json, receipt_of, signed
from shared.contracts.events import Language
from shared.wording.explanation import explain
from tests.data.facts import GOOD, policy
from tests.support.cli import PROBLEM, URL, Answered, run
from tests.support.receipt import ID, KEYS, RECEIPT, SIGNER, STATED

READ_AS = [{"field": "/applicant/business_number", "said": "220-81-62517", "read": "2208162517"}]
WARNINGS = [{"pointer": "/product/class_code", "code": "nobody-buys", "detail": "Nobody buys it.", "fix": "look again"}]
TOKEN = str(RECEIPT["token"])
NEWER: dict[str, Any] = receipt_json(signed(receipt_of("2018-h2", STATED), SIGNER)) | {"version": 2}
WINDOW = {"opens_at": "2018-08-16T00:00:00+00:00", "closes_at": "2018-09-14T09:00:00+00:00"}
OPEN = WINDOW | {"round": "2018-h2", "status": "open", "now": "2018-08-20T00:00:00+00:00", "series": None}


@pytest.fixture
def facts(tmp_path: Path) -> str:
    file = tmp_path / "a.json"
    file.write_bytes(b'{ "track": "general" }')
    return str(file)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(RECEIPT))
    return file


def test_the_receipt_is_kept_for_its_owner_alone_and_verify_takes_it_as_it_is(
    answering: Answered, facts: str, tmp_path: Path
) -> None:
    answering((201, RECEIPT | {"read_as": READ_AS, "warnings": WARNINGS}))
    file, keys = tmp_path / "kept" / "receipt.json", tmp_path / "keys.json"
    file.parent.mkdir()
    keys.write_text(json.dumps(KEYS))
    applied = run("apply", facts, "--round", "2018-h2", "-o", str(file), *URL)
    assert applied.exit_code == 0, applied.output
    assert "/applicant/business_number: '220-81-62517' is read as 2208162517" in applied.stdout
    assert "/product/class_code: Nobody buys it." in applied.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    verified = run("verify", "receipt", str(file), "--keys", str(keys))
    assert verified.exit_code == 0, verified.output


def test_no_receipt_is_written_over_another_and_nothing_is_sent_then(
    answering: Answered, facts: str, kept: Path
) -> None:
    sent = answering()
    refused = run("apply", facts, "--round", "2018-h2", "-o", str(kept), *URL)
    assert refused.exit_code == 2
    assert "only copy of a token" in refused.stderr
    assert run("apply", facts, "--round", "2018-h2", "-o", str(kept.parent / "no" / "r.json"), *URL).exit_code == 2
    assert (sent, json.loads(kept.read_text())) == ([], RECEIPT)


def test_a_refused_application_leaves_no_file(answering: Answered, facts: str, tmp_path: Path) -> None:
    answering((422, PROBLEM))
    assert run("apply", facts, "--round", "2018-h2", "-o", str(tmp_path / "r.json"), *URL).exit_code == 1
    assert not (tmp_path / "r.json").exists()


def test_an_application_and_a_change_come_from_standard_input_too(answering: Answered, kept: Path) -> None:
    sent = answering((201, RECEIPT), (200, NEWER))
    for command in (["apply", "-", "--round", "2018-h2"], ["change", "-", "--receipt", str(kept)]):
        given = CliRunner().invoke(assembled(), [*command, *URL], input=b'{"track": "general"}')
        assert given.exit_code == 0, given.output
    assert [one.content for one in sent] == [b'{"track": "general"}'] * 2


def test_without_a_round_the_one_that_is_open_is_entered(answering: Answered, facts: str) -> None:
    over = OPEN | {"round": "2018-h1", "status": "confirmed"}
    late = OPEN | {"round": "2017-h2", "now": WINDOW["closes_at"]}
    sent = answering((200, [over, late, OPEN]), (201, RECEIPT))
    assert run("apply", facts, *URL).exit_code == 0
    assert sent[1].url.path == "/rounds/2018-h2/applications"


def test_a_rolling_intake_that_is_open_is_entered_by_its_own_id(answering: Answered, facts: str) -> None:
    sent = answering((200, [OPEN | {"round": "small-02", "series": "small"}]), (201, RECEIPT))
    assert run("apply", facts, *URL).exit_code == 0
    assert sent[1].url.path == "/rounds/small/applications"


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_no_closed_round_is_taken_by_default_and_those_there_are_are_named(
    answering: Answered, facts: str, check: list[str]
) -> None:
    sent = answering((200, [OPEN | {"status": "frozen"}]), (200, [OPEN, OPEN | {"round": "2019-h1"}]), (200, []))
    closed, several, none = (run("apply", facts, *check, *URL) for _ in range(3))
    assert (closed.exit_code, several.exit_code, none.exit_code, len(sent)) == (2, 2, 2, 3)
    assert "no round is open; there are 2018-h2 (2018-08-16 09:00 to 2018-09-14 18:00 KST)" in closed.stderr
    assert "--round: 2018-h2, 2019-h1" in several.stderr
    assert "there is none yet" in none.stderr


STATUS = {
    "application": ID, "round": "2018-h2", "round_status": "confirmed", "version": 2, "withdrawn": False,
    "verdict": {"outcome": "eligible", "as_of": "2018-09-14"}, "result_type": "ProductSelected",
    "result": {"awards": [{"institution": "lh", "quantity": 12, "amount_won": 12_000_000}]},
    "left": {"cause": "given-up", "at": "2018-10-02T00:00:00+00:00", "reason": ""},
    "appeal": {
        "may_file_until": "2018-11-05",
        "filed": [{"appeal": "p1", "answer_due": "2018-12-05", "upheld": None, "reason": None}],
    },
    "contact_disowned_at": None, "status_ended_at": None,
}  # fmt: skip


def test_where_an_application_stands_is_said_in_words(answering: Answered, kept: Path) -> None:
    sent = answering((200, STATUS))
    told = run("status", "--receipt", str(kept), *URL)
    assert told.exit_code == 0, told.output
    assert (sent[0].url.path, sent[0].headers["authorization"]) == (f"/applications/{ID}/status", f"Bearer {TOKEN}")
    for words in (
        f"{ID}, version 2", "round 2018-h2: confirmed", "verdict: eligible, as of 2018-09-14",
        "result: ProductSelected", "12 for 12,000,000 won by lh", "left: given-up, 2018-10-02 09:00 KST",
        "filed until 2018-11-05", "appeal p1: not decided yet, to be answered by 2018-12-05",
    ):  # fmt: skip
        assert words in told.stdout


def test_an_id_is_opened_by_the_token_given(answering: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = answering((200, STATUS), (200, STATUS))
    monkeypatch.setenv("FIRSTBUY_TOKEN", "from the environment")
    assert json.loads(run("status", ID, "--json", *URL).stdout) == STATUS
    assert run("status", ID, "--token", "given", *URL).exit_code == 0
    assert [one.headers["authorization"] for one in sent] == ["Bearer from the environment", "Bearer given"]


def test_the_receipt_s_own_token_goes_before_another_of_the_environment(
    answering: Answered, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = answering((200, STATUS))
    monkeypatch.setenv("FIRSTBUY_TOKEN", "fb_operator_x")
    assert run("status", "--receipt", str(kept), *URL).exit_code == 0
    assert sent[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_change_names_the_version_of_the_receipt_which_then_is_the_newer_one(
    answering: Answered, facts: str, kept: Path
) -> None:
    sent = answering((200, NEWER | {"read_as": READ_AS}))
    changed = run("change", facts, "--receipt", str(kept), *URL)
    assert changed.exit_code == 0, changed.output
    assert (sent[0].method, sent[0].url.path, sent[0].headers["if-match"]) == ("PUT", f"/applications/{ID}", '"1"')
    assert sent[0].content == b'{ "track": "general" }'
    assert "220-81-62517" in changed.stdout
    assert json.loads(kept.read_text()) == NEWER | {"read_as": READ_AS, "token": TOKEN}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_file_of_every_receipt_gets_the_newer_one_behind_them(answering: Answered, facts: str, kept: Path) -> None:
    sent = answering((200, NEWER))
    kept.write_text(json.dumps([RECEIPT | {"version": 0}, RECEIPT]))
    assert run("change", facts, "--receipt", str(kept), "--token", "t", *URL).exit_code == 0
    assert sent[0].headers["if-match"] == '"1"'
    assert json.loads(kept.read_text()) == [RECEIPT | {"version": 0}, RECEIPT, NEWER]


def test_a_receipt_that_can_t_be_kept_is_printed(
    answering: Answered, facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    answering((201, RECEIPT))
    monkeypatch.setattr(os, "fsync", full)
    applied = run("apply", facts, "--round", "2018-h2", "-o", str(tmp_path / "r.json"), *URL)
    assert applied.exit_code == 1
    assert json.loads(applied.stdout) == RECEIPT
    assert "No space left" in applied.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"], "nor half of it"


def test_without_a_receipt_a_change_asks_for_the_newest_version(answering: Answered, facts: str) -> None:
    sent = answering((200, {"application": ID, "version": 7}), (200, NEWER))
    assert run("change", facts, ID, "--token", TOKEN, *URL).exit_code == 0
    assert [one.method for one in sent] == ["GET", "PUT"]
    assert sent[1].headers["if-match"] == '"7"'


def test_a_change_that_is_refused_leaves_the_receipt(answering: Answered, facts: str, kept: Path) -> None:
    answering((412, PROBLEM | {"title": "Version 3 stands."}))
    refused = run("change", facts, "--receipt", str(kept), *URL)
    assert (refused.exit_code, "Version 3 stands." in refused.stderr) == (1, True)
    assert json.loads(kept.read_text()) == RECEIPT


def test_an_application_is_withdrawn_and_its_place_given_up(answering: Answered, kept: Path) -> None:
    gone = NEWER | {"withdrawn": True}
    given_up = {"application": ID, "given_up_at": "2018-10-02T00:00:00+00:00", "takes_effect": "with the next batch"}
    sent = answering((200, gone), (200, given_up))
    withdrawn = run("withdraw", "--receipt", str(kept), "--reason", "sold out", *URL)
    assert f"withdrawn: {ID}, version 2" in withdrawn.stdout
    assert json.loads(sent[0].content) == {"reason": "sold out"}
    assert json.loads(kept.read_text()) == gone | {"token": TOKEN}
    assert "2018-10-02 09:00 KST" in run("withdraw", "--receipt", str(kept), *URL).stdout
    assert json.loads(kept.read_text()) == gone | {"token": TOKEN}, "which is no receipt"


def test_a_proof_is_kept_as_a_file(answering: Answered, kept: Path, tmp_path: Path) -> None:
    proven = {"round": "2018-h2", "epoch": 1, "leaf": [ID, 1, "ab" * 32]}
    sent = answering((200, proven))
    file = tmp_path / "proof.json"
    told = run("proof", "--receipt", str(kept), "-o", str(file), *URL)
    assert told.exit_code == 0, told.output
    assert f"firstbuy verify proof {file} --receipt {kept}" in told.stdout
    assert sent[0].url.path == f"/applications/{ID}/proof"
    assert json.loads(file.read_text()) == proven


def test_an_appeal_is_filed_by_the_receipt(answering: Answered, kept: Path) -> None:
    sent = answering((201, {"appeal": "p1", "answer_due": "2018-11-05"}))
    assert run("appeal", "file", "--receipt", str(kept), "--grounds", "misread", *URL).exit_code == 0
    assert (sent[0].url.path, sent[0].headers["authorization"]) == (f"/applications/{ID}/appeal", f"Bearer {TOKEN}")


@pytest.mark.parametrize(
    "command", [["withdraw"], ["proof"], ["appeal", "file", "--grounds", "x"], ["change", "x.json"]]
)
def test_an_application_is_named_once(answering: Answered, kept: Path, command: list[str]) -> None:
    sent = answering()
    assert run(*command, *URL).exit_code == 2
    assert run(*command, ID, "--receipt", str(kept), *URL).exit_code == 2
    kept.write_text("[]")
    assert "no receipt" in run(*command, "--receipt", str(kept), *URL).stderr
    assert sent == []


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout.startswith("firstbuy 0.")


def test_a_check_says_findings_and_tickets_in_one_language(answering: Answered, facts: str) -> None:
    rules = PolicyRules.compile(policy("2018-h2"), "a" * 64)
    findings = judge(GOOD, rules).findings
    told = {
        "round": "2018-h2", "outcome": "eligible", "as_of": "2018-09-14", "tickets": 3, "read_as": READ_AS,
        "registries": [{"registry": "business-status", "authority": "국세청"}],
        "findings_in_words": {one.value: [asdict(explain(each, one)) for each in findings] for one in Language},
        "explanation": {one.value: {"against": [], "would_help": ["x"]} for one in Language},
    }  # fmt: skip
    answering((200, told), (200, told))
    asked = ["apply", facts, "--check", "--round", "2018-h2", "--eligibility", "http://eligibility.test", "--language"]
    korean, english = run(*asked, "ko"), run(*asked, "en")
    assert (korean.exit_code, english.exit_code) == (0, 0), korean.output + english.output
    for told_in, words in (
        (korean.stdout, ["추첨권: 3장", "요건 충족", "중소기업확인서", "국세청", "2208162517"]),
        (english.stdout, ["tickets in the draw: 3", "eligible", "SME confirmation", "is read as 2208162517"]),
    ):
        for word in words:
            assert word in told_in
    for word in ("condition", "outcome", "eligible", "as of", "needed", "tickets", "read as"):
        assert word not in korean.stdout

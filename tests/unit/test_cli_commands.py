"""The commands that speak HTTP: what they send, and what they print when they are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.local.state import PROJECT
from tests.support.cli import PROBLEM, URL, Answered, run

RECEIPT = {
    "round": "2018-h2",
    "application": "3f0c",
    "version": 1,
    "received_at": "2018-08-16T00:00:00Z",
    "payload_hash": "ab" * 32,
    "nonce": "cd" * 16,
    "token": "fba_x",
}


WAITING_ACT: dict[str, Any] = {
    "act": "x", "round": "2018-h2", "kind": "extend", "state": "waiting", "reason": "the portal was down",
    "terms": {"closes_at": "2018-09-20T09:00:00Z"}, "proposed_by": "kim", "proposed_at": "2018-09-01T00:00:00Z",
    "expires_at": "2018-09-04T00:00:00Z", "approved_by": None, "approved_at": None, "ended_by": None, "ended_at": None,
    "ended_reason": None, "refusal": None, "before": {"closes_at": "2018-09-14T09:00:00Z"},
    "after": {"closes_at": "2018-09-20T09:00:00Z"},
}  # fmt: skip


def test_a_refusal_is_printed_with_every_error_and_its_fix_and_ends_with_1(answering: Answered, tmp_path: Path) -> None:
    answering((422, PROBLEM))
    file = tmp_path / "a.json"
    file.write_text("{}")
    result = run("apply", str(file), *URL)
    assert result.exit_code == 1
    for words in ("422", "can't be accepted", "/track", "Field required", "add this field", "printable"):
        assert words in result.stderr


def test_an_answer_that_is_no_problem_is_still_shown(answering: Answered) -> None:
    answering((502, "bad gateway"))
    result = run("round", "list", *URL)
    assert result.exit_code == 1
    assert "502" in result.stderr


def test_apply_sends_the_file_as_it_is_under_a_key(answering: Answered, tmp_path: Path) -> None:
    sent = answering((201, RECEIPT))
    file = tmp_path / "a.json"
    file.write_bytes(b'{ "track": "general" }')
    result = run("apply", str(file), "--round", "2018-h2", "--key", "mine", "--json", *URL)
    assert json.loads(result.stdout) == RECEIPT
    assert sent[0].url.path == "/rounds/2018-h2/applications"
    assert sent[0].content == b'{ "track": "general" }'
    assert sent[0].headers["idempotency-key"] == "mine"
    assert sent[0].headers["content-type"] == "application/json"


def test_the_token_is_taken_from_the_environment(answering: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = answering((200, WAITING_ACT), (200, {"act": "x", "done": True}))
    monkeypatch.setenv("FIRSTBUY_TOKEN", "fb_officer_secret")
    monkeypatch.setenv("FIRSTBUY_URL", "http://firstbuy.test/")
    assert run("round", "approve", "2018-h2", "x").exit_code == 0
    assert {request.headers["authorization"] for request in sent} == {"Bearer fb_officer_secret"}
    assert str(sent[1].url) == "http://firstbuy.test/rounds/2018-h2/acts/x/approval"


def test_who_approves_sees_the_act_whole_and_a_program_gets_the_answer_alone(answering: Answered) -> None:
    sent = answering((200, WAITING_ACT), (200, {"act": "x", "done": True}), (200, {"act": "x", "done": True}))
    seen = run("round", "approve", "2018-h2", "x", *URL).stdout
    assert seen.index("closes at: 2018-09-14") < seen.rindex("closes at: 2018-09-20") < seen.index("done: x")
    assert [request.method for request in sent] == ["GET", "POST"]
    told = run("round", "approve", "2018-h2", "x", "--json", *URL).stdout
    assert json.loads(told) == {"act": "x", "done": True}
    assert [request.method for request in sent] == ["GET", "POST", "POST"]


def test_a_second_proposal_of_what_waits_is_refused_in_one_sentence(answering: Answered) -> None:
    said = "Such an act of kim waits already; another officer approves it with: firstbuy round approve 2018-h2 a1"
    answering((409, {"type": "urn:firstbuy:problem:act-waits", "title": said, "status": 409, "errors": []}))
    again = run("round", "void", "2018-h2", "--reason", "twice", *URL)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.splitlines() == [f"409: {said}"]


def test_an_act_is_rejected_with_a_reason_and_withdrawn_by_its_own_officer(answering: Answered) -> None:
    sent = answering((200, {"act": "x", "state": "rejected"}), (200, {"act": "x", "state": "withdrawn"}))
    assert "rejected: x" in run("round", "reject", "2018-h2", "x", "--reason", "too late", *URL).stdout
    assert "withdrawn: x" in run("round", "withdraw-act", "2018-h2", "x", *URL).stdout
    assert run("round", "reject", "2018-h2", "x", *URL).exit_code == 2, "a rejection has its reason"
    paths = [request.url.path for request in sent]
    assert paths == ["/rounds/2018-h2/acts/x/rejection", "/rounds/2018-h2/acts/x/withdrawal"]
    assert [json.loads(request.content) for request in sent] == [{"reason": "too late"}, {}]


def test_without_a_round_the_acts_that_wait_anywhere_are_listed(answering: Answered) -> None:
    sent = answering((200, [WAITING_ACT]))
    assert "2018-h2" in run("round", "acts", *URL).stdout
    assert sent[0].url.path == "/acts"


def test_confirm_names_the_exact_roots_of_the_newest_proposal(answering: Answered) -> None:
    def proposed(epoch: int) -> dict[str, Any]:
        body = {"epoch": epoch, "commitment_root": f"c{epoch}", "selection_root": f"s{epoch}", "seed": "x"}
        return {"type": "SelectionProposed", "epoch": epoch, "body": body}

    shown = {"status": "frozen", "milestones": [proposed(2), proposed(1)]}
    sent = answering((200, shown), (201, {"act": "a1", "awaits": "approval"}))
    result = run("round", "confirm", "2018-h2", "--reason", "recomputed", *URL)
    assert result.exit_code == 0
    body = json.loads(sent[1].content)
    assert body == {
        "act": "confirm",
        "terms": {"epoch": 2, "commitment_root": "c2", "selection_root": "s2"},
        "reason": "recomputed",
    }
    assert "firstbuy round approve 2018-h2 a1" in result.stdout


def given_out(batch: int, epoch: int = 2) -> dict[str, Any]:
    body = {"epoch": epoch, "batch": batch, "batch_root": f"b{batch}"}
    return {"type": "ReleaseProposed", "epoch": epoch, "body": body}


PROPOSED = {"type": "SelectionProposed", "body": {"epoch": 2, "commitment_root": "c", "selection_root": "s"}}


@pytest.mark.parametrize(
    ("status", "batches", "act", "terms"),
    [
        (
            "frozen",
            [given_out(1)],
            "confirm",
            {"commitment_root": "c", "selection_root": "s", "batch": 1, "batch_root": "b1"},
        ),
        ("confirmed", [given_out(2), given_out(10)], "confirm-release", {"batch": 10, "batch_root": "b10"}),
        ("frozen", [given_out(3, epoch=1)], "confirm", {"commitment_root": "c", "selection_root": "s"}),
    ],
)
def test_confirm_names_the_newest_batch_with_the_selection_or_after_it(
    answering: Answered, status: str, batches: list[dict[str, Any]], act: str, terms: dict[str, Any]
) -> None:
    sent = answering((200, {"status": status, "milestones": [PROPOSED, *batches]}), (201, {"act": "a1"}))
    assert run("round", "confirm", "2018-h2", "--reason", "x", *URL).exit_code == 0
    assert json.loads(sent[1].content) == {"act": act, "terms": {"epoch": 2} | terms, "reason": "x"}


@pytest.mark.parametrize("status", ["confirmed", "final"])
def test_confirm_says_when_all_is_confirmed_and_no_batch_waits(answering: Answered, status: str) -> None:
    sent = answering((200, {"status": status, "milestones": [PROPOSED, given_out(3, epoch=1)]}))
    result = run("round", "confirm", "2018-h2", "--reason", "x", *URL)
    assert result.exit_code == 1
    assert "confirmed already" in result.stderr
    assert len(sent) == 1


def test_a_release_names_exactly_what_is_free(answering: Answered) -> None:
    moment = "2018-10-01T00:00:00+00:00"
    free = [
        {"subject": one, "cause": why, "reason": "", "freed_at": moment}
        for one, why in (("a", "given-up"), ("lh/1", "cancelled"))
    ]
    before = {"epoch": 2, "batch": 1, "confirmed_at": None, "proposed": None}
    stands = {"epoch": 2, "free": free, "batches": [before | {"epoch": 1, "batch": 7}, before]}
    sent = answering((200, {"milestones": [PROPOSED]}), (200, stands), (201, {"act": "a1"}), (200, stands))
    assert run("round", "release", "2018-h2", "--reason", "x", "--decline", "b", *URL).exit_code == 0
    terms = json.loads(sent[2].content)["terms"]
    assert terms == {
        "epoch": 2,
        "batch": 2,
        "selection_root": "s",
        "given_up": ["a"],
        "cancelled": ["lh/1"],
        "declined": ["b"],
    }
    listed = run("round", "releases", "2018-h2", *URL)
    assert listed.exit_code == 0, listed.output
    assert "lh/1" in listed.stdout


def test_confirm_says_when_nothing_is_proposed(answering: Answered) -> None:
    answering((200, {"status": "frozen", "milestones": []}))
    result = run("round", "confirm", "2018-h2", "--reason", "x", *URL)
    assert result.exit_code == 1
    assert "nothing is proposed" in result.stderr


REHEARSED = """round:
  rehearsal: {real_anchor: "2026-01-01T00:00:00Z", programme_anchor: "2018-08-16T00:00:00Z", rate: 1000, seed: test}
"""


def test_open_announces_the_round_with_its_pledges_at_once(answering: Answered, tmp_path: Path) -> None:
    sent = answering((201, {"round": "2018-h2", "policy_hash": "ab"}))
    over = run("round", "open", str(PROJECT / "deploy/rounds/2018-h2.yaml"), *URL)
    assert (over.exit_code, sent) == (1, []), "nothing is registered for a round that can't be announced"
    assert "give a window to come" in " ".join(over.output.split())
    file = tmp_path / "rehearsed.yaml"
    file.write_text((PROJECT / "deploy/rounds/2018-h2.yaml").read_text().replace("round:\n", REHEARSED, 1))
    result = run("round", "open", str(file), *URL, "--json")
    assert json.loads(result.stdout) == {"round": "2018-h2", "policy_hash": "ab", "institutions": 26}
    assert [(request.method, request.url.path) for request in sent] == [("POST", "/rounds")]
    announced = json.loads(sent[-1].content)
    assert len(announced["pledges"]) == 26
    kepco = announced["pledges"][0]
    assert (kepco["institution"], kepco["pledge_won"]) == ("kepco", 10_000_000_000)
    assert announced["policy"]["as_of"] == "2018-09-14"
    assert announced["round"]["closes_at"] == "2018-09-14T09:00:00Z", "18:00 in Korea"


def test_open_says_who_has_to_approve_and_what_was_only_taken(answering: Answered, tmp_path: Path) -> None:
    named = {"pointer": "/pledges/0/name", "code": "name-stands", "detail": "kepco is registered as 'K'", "fix": "x"}
    proposed = {"round": "2018-h2-01", "series": "2018-h2", "policy_hash": "ab", "act": "a1", "warnings": [named]}
    done = {"act": "a1", "done": True, "registered": ["kepco"]}
    answering((202, proposed), (200, WAITING_ACT), (200, done))
    file = tmp_path / "rehearsed.yaml"
    file.write_text((PROJECT / "deploy/rounds/2018-h2.yaml").read_text().replace("round:\n", REHEARSED, 1))
    result = run("round", "open", str(file), *URL)
    assert "firstbuy round approve 2018-h2 a1" in result.stdout
    assert "kepco is registered as 'K'" in result.stderr
    approved = run("round", "approve", "2018-h2", "a1", *URL)
    assert "without topics yet: kepco" in approved.stderr


def test_amend_proposes_the_file_as_it_is_now(answering: Answered, tmp_path: Path) -> None:
    sent = answering((202, {"round": "2018-h2", "act": "a1", "policy_hash": "ab"}))
    file = tmp_path / "rehearsed.yaml"
    file.write_text((PROJECT / "deploy/rounds/2018-h2.yaml").read_text().replace("round:\n", REHEARSED, 1))
    told = run("round", "amend", str(file), "--reason", "a week later", *URL)
    assert "firstbuy round approve 2018-h2 a1" in told.stdout
    assert (sent[0].method, sent[0].url.path) == ("POST", "/rounds/2018-h2/amendments")
    body = json.loads(sent[0].content)
    assert (body["reason"], len(body["pledges"]), body["policy"]["policy"]) == ("a week later", 26, "2018-h2")


def test_an_institution_is_renamed_by_a_command_of_its_own(answering: Answered) -> None:
    sent = answering((200, {"institution": "kepco", "name": "한국전력"}))
    assert run("institution", "rename", "kepco", "한국전력", *URL).exit_code == 2, "with a reason"
    assert "kepco is 한국전력" in run("institution", "rename", "kepco", "한국전력", "--reason", "by law", *URL).stdout
    assert (sent[0].method, sent[0].url.path) == ("PUT", "/institutions/kepco/name")


def test_a_token_is_made_and_revoked(answering: Answered) -> None:
    sent = answering((201, {"token": "fb_officer_1", "role": "officer", "name": "kim"}), (204, None))
    made = run("token", "create", "--role", "officer", "--name", "kim", "--token", "op", *URL)
    assert made.stdout.strip() == "fb_officer_1"
    assert run("token", "revoke", "kim", "--token", "op", *URL).exit_code == 0
    assert [(request.method, request.url.path) for request in sent] == [("POST", "/tokens"), ("DELETE", "/tokens/kim")]


def test_both_policies_are_sound() -> None:
    for name in ("2018-h1", "2018-h2"):
        result = run("policy", "check", str(PROJECT / f"deploy/policies/{name}.yaml"), "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["errors"] == []


def test_what_is_wrong_with_a_policy_is_said_with_the_fix(tmp_path: Path) -> None:
    text = (PROJECT / "deploy/policies/2018-h2.yaml").read_text()
    spoiled = tmp_path / "p.yaml"
    spoiled.write_text(text.replace("rule: startup", "rule: star-tup", 1).replace("  - {tickets: 1}\n", ""))
    result = run("policy", "check", str(spoiled), "--json")
    assert result.exit_code == 1
    errors = json.loads(result.stdout)["errors"]
    assert {"no-last-step"} <= {error["code"] for error in errors}
    assert all(error["fix"] for error in errors)


def test_a_file_that_is_no_yaml_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("a: [1")
    assert run("policy", "check", str(file)).exit_code == 1
    assert run("policy", "check", str(tmp_path / "absent.yaml")).exit_code == 1


def test_without_a_stack_and_without_a_url_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIRSTBUY_STATE", str(tmp_path / "state"))
    result = run("round", "list")
    assert result.exit_code == 1
    assert "firstbuy up" in result.stderr


SHOWN = {"epoch": 2, "applications_root": "ab" * 32, "sources": [{"source": "drand-quicknet"}]}


@pytest.mark.parametrize(
    ("command", "act", "terms"),
    [
        (["exclude", "2018-h2", "a"], "exclude", {"application": "a"}),
        (["rerun", "2018-h2"], "rerun", {}),
        (["rerun", "2018-h2", "--application", "a"], "rerun", {"applications": ["a"]}),
    ],
)
def test_an_act_on_the_set_names_the_set_as_it_stands(
    answering: Answered, command: list[str], act: str, terms: dict[str, Any]
) -> None:
    sent = answering((200, SHOWN), (201, {"act": "a1"}))
    result = run("round", *command, "--reason", "because", *URL)
    assert result.exit_code == 0, result.output
    assert json.loads(sent[1].content) == {
        "act": act,
        "terms": {"epoch": 2, "applications_root": "ab" * 32} | terms,
        "reason": "because",
    }


@pytest.mark.parametrize(
    ("contests", "more"),
    [
        ([], {}),
        (
            [{"application": "a", "against": ["x", "y"]}, {"application": "x", "against": ["a"]}],
            {"excluded": ["x", "y"]},
        ),
    ],
)
def test_what_stands_against_an_unparked_application_is_named_with_it(
    answering: Answered, contests: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    sent = answering((200, SHOWN), (200, contests), (201, {"act": "a1"}))
    result = run("round", "unpark", "2018-h2", "b", "a", "--reason", "because", *URL)
    assert result.exit_code == 0, result.output
    terms = json.loads(sent[2].content)["terms"]
    assert terms == {"epoch": 2, "applications_root": "ab" * 32, "applications": ["a", "b"]} | more


def test_an_appeal_is_filed_without_a_contact_and_decided_in_so_many_words(answering: Answered, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text('{"track": "general", "contact": {"name": "n"}}')
    sent = answering(
        (201, {"appeal": "p1", "answer_due": "2018-11-05"}),
        (200, SHOWN),
        (200, [{"appeal": "p1", "amended_hash": "cd" * 32}]),
        (201, {"act": "a1"}),
    )
    filed = run("appeal", "file", "a", "--grounds", "misread", "--amended", str(facts), *URL)
    assert "2018-11-05" in filed.stdout
    assert json.loads(sent[0].content) == {"grounds": "misread", "amended": {"track": "general"}}
    assert run("appeal", "decide", "2018-h2", "p1", "--dismiss", "--reason", "no", *URL).exit_code == 0
    terms = json.loads(sent[3].content)["terms"]
    assert (terms["appeal"], terms["upheld"], terms["epoch"]) == ("p1", False, 2)
    assert terms["amended_hash"] == "cd" * 32
    assert run("appeal", "decide", "2018-h2", "p1", "--reason", "no", *URL).exit_code == 1


def test_a_late_entry_goes_with_its_act_and_its_receipt_is_printed_at_the_approval(
    answering: Answered, tmp_path: Path
) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"track": "general"}')
    sent = answering(
        (200, SHOWN), (201, {"act": "a1"}), (200, WAITING_ACT), (200, {"act": "a1", "done": True, "receipt": RECEIPT})
    )
    proposed = run("round", "admit-late", "2018-h2", str(file), "--reason", "the portal was down", *URL)
    assert proposed.exit_code == 0, proposed.output
    body = json.loads(sent[1].content)
    assert (body["entry"], body["terms"]["source"]) == ({"track": "general"}, "drand-quicknet")
    approved = run("round", "approve", "2018-h2", "a1", *URL)
    assert str(RECEIPT["token"]) in approved.stdout


def test_a_refusal_is_asked_for_in_the_language_named_and_a_failure_is_said_in_it(
    answering: Answered, tmp_path: Path
) -> None:
    sent = answering((422, PROBLEM), (422, PROBLEM), (200, []))
    file = tmp_path / "application.json"
    file.write_text("{}", encoding="utf-8")
    run("--language", "ko", "apply", str(file), "--round", "r", *URL)
    run("apply", str(file), "--round", "r", *URL)
    assert [request.headers["accept-language"] for request in sent] == ["ko", "en"]
    failed = run("--language", "ko", "apply", str(file), *URL)
    assert "접수 중인 라운드가 없습니다. 공고된 라운드도 아직 없습니다." in failed.stderr

"""Commands that list and show."""

import json
import re
from pathlib import Path

from shared.programme.purchases import State
from tests.support.cli import URL, Answered, run

PURCHASE_STATES = [state.value for state in State]


def test_tokens_are_listed_by_who_holds_them(answering: Answered) -> None:
    made = {"created_at": "2018-08-16T00:00:00+00:00", "revoked_at": None}
    kim = {"name": "kim", "role": "officer", "institution": None} | made
    desk = {"name": "desk", "role": "institution", "institution": "kepco"} | made
    sent = answering((200, [kim, desk | {"revoked_at": "2018-09-01T00:00:00+00:00"}]), (200, []))
    told = run("token", "list", "--token", "op", *URL).stdout
    for word in ("kim", "officer", "kepco", "2018-08-16 09:00", "2018-09-01 09:00"):
        assert word in told
    assert (sent[0].method, sent[0].url.path) == ("GET", "/tokens")
    assert "none was made" in run("token", "list", "--token", "op", *URL).stdout


def test_pledges_as_a_table_and_as_json(answering: Answered) -> None:
    amounts = {"pledge_won": 10_000, "awarded_won": 2_500, "contracted_won": 1_750, "left_won": 7_500}
    rows = [{"institution": "kepco", "awards": 3, **amounts, "overdue": 2, "overdue_won": 750}]
    answering((200, rows), (200, rows))
    told = run("pledges", "2018-h2", *URL).stdout
    assert "25%" in told
    assert "1,750" in told
    assert "7,500" in told
    assert "2: 750" in told
    assert json.loads(run("pledges", "2018-h2", "--json", *URL).stdout) == rows


def test_what_is_shown_of_money_is_korean_from_head_to_state(answering: Answered) -> None:
    amounts = {"pledge_won": 10_000, "awarded_won": 2_500, "contracted_won": 1_750, "left_won": 7_500}
    one = {"institution": "kepco", "product": "센서", "due_on": None, "reason": None}
    bought = [one | {"awarded_won": 5, "contracted_won": 5, "state": state} for state in PURCHASE_STATES]
    answering((200, [one | amounts | {"overdue": 0, "overdue_won": 0}]), (200, {"purchases": bought}))
    for command in ("pledges", "purchases"):
        told = run(command, "2018-h2", "--language", "ko", *URL)
        assert told.exit_code == 0, told.output
        assert re.findall("[A-Za-z]+", told.stdout.replace("kepco", "")) == []


def test_rounds_are_listed_and_shown(answering: Answered) -> None:
    one = {
        "round": "2018-h2",
        "title": "하반기",
        "status": "frozen",
        "opens_at": "2018-08-16T00:00:00+00:00",
        "closes_at": "2018-09-14T09:00:00+00:00",
        "now": "2018-09-14T09:00:00+00:00",
        "policy_hash": "d",
        "applications_root": "e",
        "requests_root": None,
        "milestones": [{"type": "EligibilityCompleted", "epoch": 1, "body": {"eligible": 5, "ineligible": 2}}],
    }
    answering((200, [one]), (200, one))
    assert "frozen" in run("round", "list", *URL).stdout
    shown = run("round", "show", "2018-h2", *URL).stdout
    assert "eligible: 5" in shown
    assert "2018-09-14 18:00 KST" in shown


def test_a_check_prints_what_speaks_against_and_what_would_help(answering: Answered, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("{}")
    against = {
        "rule": "매출액",
        "outcome": "충족하지 못함",
        "seen": "1원",
        "needed": "5억",
        "gap": "",
        "legal_source": "공고",
    }
    told = {
        "round": "2018-h2",
        "outcome": "ineligible",
        "as_of": "2018-09-14",
        "explanation": {"ko": {"against": [against], "would_help": ["연간 매출액: 500,000,000원 이상"]}},
    }
    sent = answering((200, told), (200, told | {"outcome": "eligible"}))
    arguments = ["apply", str(file), "--check", "--round", "2018-h2", "--eligibility", "http://eligibility.test"]
    result = run(*arguments)
    assert result.exit_code == 1
    assert "연간 매출액: 500,000,000원 이상" in result.stdout
    assert str(sent[0].url) == "http://eligibility.test/rounds/2018-h2/check"
    assert run(*arguments).exit_code == 0


PARKED = {
    "service": "eligibility",
    "topic": "firstbuy.applications.v1",
    "partition": 3,
    "offset": 1207,
    "event_id": None,
    "error": "unreadable-record",
    "detail": "header ce_type is missing",
    "attempts": 1,
    "parked_at": "2018-09-14T09:00:00Z",
    "settled_at": None,
}


PLACE = ["eligibility", "firstbuy.applications.v1", "3", "1207"]


def test_what_is_parked_is_listed_with_its_place(answering: Answered) -> None:
    sent = answering((200, [PARKED]), (200, []))
    result = run("dlq", "list", "eligibility", "--token", "t", "--json", *URL)
    assert (result.exit_code, json.loads(result.stdout)) == (0, [PARKED])
    assert (sent[0].url.path, sent[0].headers["authorization"]) == ("/parked", "Bearer t")
    assert "nothing is parked" in run("dlq", "list", "eligibility", *URL).stdout


def test_a_list_of_no_service_in_particular_is_not_asked_of_one_address() -> None:
    assert run("dlq", "list", *URL).exit_code == 2
    assert run("dlq", "list", "pizza", *URL).exit_code == 2


def test_a_parked_record_is_shown_and_settled_at_its_place(answering: Answered) -> None:
    sent = answering((200, [PARKED]), (200, [PARKED | {"settled_at": "2018-09-15T09:00:00Z"}]))
    assert "header ce_type is missing" in run("dlq", "show", *PLACE, *URL).stdout
    settled = run("dlq", "settle", *PLACE, "--reason", "sent again", "--token", "t", "--json", *URL)
    assert json.loads(settled.stdout)["settled_at"]
    assert [request.url.path for request in sent] == [
        "/parked/firstbuy.applications.v1/3/1207",
        "/parked/firstbuy.applications.v1/3/1207/settlement",
    ]
    assert json.loads(sent[1].content) == {"reason": "sent again"}


def test_a_returned_mail_for_a_person_is_listed_shown_without_steering_the_terminal_and_seen_to(
    answering: Answered,
) -> None:
    row = {"id": "7c1e", "why": "contradicted", "delivery": "0b5e", "status": "5.1.1", "words": "550 \x1b[2J your IP"}
    row["arrived_at"] = "2018-09-03T00:00:00Z"
    sent = answering((200, [row]), (200, "Subject: x\x1b[2J"), (200, {"done": True}))
    listed = run("notify", "bounces", *URL)
    assert "7c1e" in listed.output
    assert "status and words do not agree" in listed.output
    assert "your IP" in listed.output
    shown, done = run("notify", "bounces", "7c1e", *URL), run("notify", "bounces", "7c1e", "--done", *URL)
    assert (listed.exit_code, shown.exit_code, done.exit_code) == (0, 0, 0)
    assert "\x1b" not in listed.output + shown.output
    assert [(one.method, one.url.path) for one in sent][1:] == [("GET", "/bounces/7c1e"), ("DELETE", "/bounces/7c1e")]


def test_what_a_returned_mail_came_to_is_said(tmp_path: Path, answering: Answered) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"Subject: x")
    came_to = {"delivery": None, "status": None, "failed": False, "suppressed": False}
    answering((200, {**came_to, "listed": "7c1e", "why": "unreadable"}))
    told = run("notify", "bounce", str(mail), *URL)
    assert "noted; it could not be read: firstbuy notify bounces 7c1e" in told.output

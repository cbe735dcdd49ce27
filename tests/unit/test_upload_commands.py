"""`firstbuy institution show|upload|uploads`: what intake is sent, and what is printed for whom."""

import json
from pathlib import Path
from typing import Any

from tests.support.cli import URL, Answered, run

ACTING = [*URL, "--token", "fb_institution_x"]
ERROR = {
    "pointer": "/rows/2/budget_won",
    "code": "not-a-whole-number",
    "detail": "this is no whole number in digits",
    "fix": "write digits alone",
    "row": 2,
    "column": "budget_won",
    "cell": "D2",
    "value": "1.2억",
}
ROW = {"row": 2, "type": "SubmitPurchaseRequest", "message": {"round": "r", "request": "r-1", "facts": {"quantity": 5}}}


def answered(*rows: dict[str, Any], **states: int) -> dict[str, Any]:
    return {"upload": "3f0c", "institution": "kepco", "states": states, "answers": list(rows)}


def a_table(folder: Path) -> str:
    file = folder / "requests.csv"
    file.write_text("request\nr-1\n")
    return str(file)


def test_a_preview_shows_rows_and_cells_and_ends_with_1_where_one_is_bad(answering: Answered, tmp_path: Path) -> None:
    shown = {"rows": [ROW], "errors_total": 1, "errors": [ERROR], "sendable": False}
    sent = answering((200, shown))
    result = run("institution", "upload", "kepco", a_table(tmp_path), "--round", "2018-h2", "--preview", *ACTING)
    assert result.exit_code == 1
    assert "nothing was sent" in result.stdout
    for words in ("D2", "1.2억", "write digits alone"):
        assert words in result.stderr
    assert dict(sent[0].url.params) == {"round": "2018-h2", "preview": "true"}
    assert sent[0].headers["content-type"] == "text/csv"


def test_a_refused_table_is_told_by_its_cells(answering: Answered, tmp_path: Path) -> None:
    answering((422, {"title": "Nothing was sent: 1 cells can't be taken.", "errors": [ERROR]}))
    result = run("institution", "upload", "kepco", a_table(tmp_path), "--round", "2018-h2", *ACTING)
    assert result.exit_code == 1
    assert "D2: this is no whole number" in result.stderr


def test_an_upload_waits_for_its_answers_and_says_what_was_not_accepted(answering: Answered, tmp_path: Path) -> None:
    refused = {"row": 3, "request": "r-2", "state": "rejected", "errors": [ERROR | {"cell": "D3"}]}
    done = answered({"row": 2, "request": "r-1", "state": "accepted", "errors": []}, refused, accepted=1, rejected=1)
    sent = answering((201, answered(sent=2)), (200, answered(sent=2)), (200, done))
    result = run("institution", "upload", "kepco", a_table(tmp_path), "--round", "2018-h2", *ACTING)
    assert result.exit_code == 0, result.output
    assert "1 accepted, 1 rejected" in result.stdout
    assert "r-2: rejected" in result.stdout
    assert "D3" in result.stderr
    assert [request.method for request in sent] == ["POST", "GET", "GET"]
    assert "idempotency-key" not in sent[0].headers


def test_again_sends_a_key_of_its_own_and_json_is_for_programs(answering: Answered, tmp_path: Path) -> None:
    sent = answering((201, answered(sent=1)), (200, answered(sent=1)))
    arguments = ("--round", "2018-h2", "--again", "--wait", "0", "--json", *ACTING)
    result = run("institution", "upload", "kepco", a_table(tmp_path), *arguments)
    assert json.loads(result.stdout)["upload"] == "3f0c"
    assert sent[0].headers["idempotency-key"]


def test_what_an_institution_has_is_shown_round_by_round(answering: Answered) -> None:
    award = {"product": "펌프", "quantity": 2, "amount_won": 2_000_000, "state": "overdue", "due_on": "2018-12-20"}
    request: dict[str, Any] = {"request": "kepco/r-1", "version": 2, "state": "standing", "awards": [award]}
    request |= {"facts": {"class_code": "41112201", "quantity": 5, "budget_won": 60_000_000}}
    gone = {"request": "kepco/r-2", "version": 1, "state": "withdrawn", "awards": [], "facts": {}}
    sums = {f"{name}_won": 1_000_000 * at for at, name in enumerate(("asked", "matched", "contracted", "left"), 1)}
    of_round: dict[str, Any] = {
        "round": "2018-h2",
        "title": "하반기",
        "status": "confirmed",
        "pledge_won": None,
        **sums,
    }
    of_round |= {"requests": [request, gone], "requests_total": 3, "next": "/institutions/kepco?after=kepco/r-2"}
    whole = {"institution": "kepco", "name": "한국전력공사", "status": "active", "more_rounds": True}
    answering((200, whole | {"rounds": [of_round]}))
    result = run("institution", "show", "kepco", *ACTING)
    assert result.exit_code == 0, result.output
    for words in (
        "한국전력공사",
        "4,000,000",
        "kepco/r-1 (version 2)",
        "reported on by 2018-12-20",
        "3 requests in all",
    ):
        assert words in result.stdout


def test_uploads_are_listed_newest_first(answering: Answered) -> None:
    one = answered(accepted=3) | {"uploaded_at": "2018-09-01T00:00:00+00:00", "round": "r", "uploaded_by": "desk"}
    answering((200, {"uploads": [one], "next": None}))
    result = run("institution", "uploads", "kepco", *ACTING)
    assert "3f0c 2018-09-01 09:00 r by desk: 3 accepted" in result.stdout

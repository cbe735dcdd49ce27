"""What commands print: nothing breaks inside a number, a hash, a moment or an id, however narrow the terminal is."""

from typing import Any

import pytest

from tests.support.cli import URL, Answered, run

ROUND = "2018-h2-" + "rehearsal-of-the-second-half-of-"[:32]
IDS = [f"3f0c9e1d-94c3-4d0b-8a56-2f1f0e7c9b{number}" for number in range(10, 14)]
ROOTS = [pair * 32 for pair in ("ab", "cd", "ef")]
MOMENT, KST = "2018-08-16T00:00:00+00:00", "2018-08-16 09:00"
TITLE = "2018년 하반기 기술개발제품 시범구매 [again], a title as long as they are in announcements"
WON = 123_456_789_012_345
WRITTEN = f"{WON:,}"

ONE_ROUND: dict[str, Any] = {
    "round": ROUND, "title": TITLE, "status": "frozen", "opens_at": MOMENT, "closes_at": MOMENT, "now": MOMENT,
    "policy_hash": ROOTS[0], "applications_root": ROOTS[1], "requests_root": ROOTS[2],
}  # fmt: skip
MILESTONE = {"type": "SelectionProposed", "body": {"epoch": 1, "commitment_root": ROOTS[0], "selection_root": ROOTS[1]}}
ACT = {
    "act": IDS[0], "kind": "confirm", "terms": {"epoch": 2, "commitment_root": ROOTS[0], "selection_root": ROOTS[1]},
    "reason": "computed [bold]again[/], " * 9, "proposed_by": "kim", "approved_by": None, "expires_at": MOMENT,
}  # fmt: skip
CONCERNED = [{"application": one, "firm": TITLE, "product": "Sensor", "state": "parked"} for one in IDS]
WHOLE_ACT = ACT | {
    "round": ROUND, "kind": "unpark", "state": "waiting", "proposed_at": MOMENT, "refusal": None,
    "terms": {"epoch": 1, "applications_root": ROOTS[0], "applications": IDS},
    "before": {"epoch": 1, "applications_root": ROOTS[0], "concerned": CONCERNED}, "after": {"epoch": 2},
}  # fmt: skip
RELEASES = {
    "free": [{"subject": IDS[0], "cause": "given-up", "reason": "said so, " * 9, "freed_at": MOMENT}],
    "batches": [{"epoch": 1, "batch": 1, "confirmed_at": MOMENT, "proposed": {"promoted": 5, "batch_root": ROOTS[0]}}],
}
APPEAL = {
    "appeal": IDS[0], "application": IDS[1], "filed_at": MOMENT, "answer_due": "2018-11-05", "upheld": None,
    "grounds": "it was misread, " * 9,
}  # fmt: skip
SCORED = {
    "application": IDS[0], "eligible": True, "mean": 87, "apart": [],
    "marks": [{"reviewer": f"reviewer-{number}", "points": 80, "conflict_of_interest": False} for number in range(9)],
}  # fmt: skip
PARKED = {
    "service": "eligibility", "topic": f"firstbuy.{ROUND}.applications.v1", "partition": 3, "offset": WON,
    "event_id": IDS[0], "error": "unreadable-record", "detail": f"the hash {ROOTS[0]} is another", "attempts": 1,
    "parked_at": MOMENT, "settled_at": None,
}  # fmt: skip
DELIVERY = {
    "delivery": IDS[0], "round": ROUND, "kind": "not-selected", "channel": "mail", "recipient": IDS[1],
    "state": "failed", "error": "550 no such mailbox", "attempts": 3, "created_at": MOMENT,
}  # fmt: skip
PLEDGE = {
    "institution": "korea-land-and-housing-corp", "awards": 3, "pledge_won": WON, "awarded_won": WON,
    "contracted_won": WON, "left_won": WON, "overdue": 2, "overdue_won": WON,
}  # fmt: skip
PURCHASE = {
    "institution": "korea-land-and-housing-corp", "product": "Sensor " * 9, "awarded_won": WON, "state": "contracted",
    "due_on": "2019-03-31", "contracted_won": WON, "reason": None,
}  # fmt: skip
CHANCES = {
    "kinds": [{"startup": True, "first_timer": True, "standing": 9, "tickets": 3, "first_place": 0.1, "selected": 0.2,
               "error": 0.01, "was_selected": 0.3}], "method": "exact, " * 20, "of_tickets": WON,
}  # fmt: skip
COUNTS = {"judged": 1, "expected": 1, "differing_buckets": [], "waiting": 0, "parked": IDS, "complete": False}
CHOSEN = {"judged": True, "differing_buckets": {"verdicts": list(range(200, 216))}, "complete": False}
SUMS = {f"{name}_won": WON for name in ("pledge", "asked", "matched", "contracted", "left")}
REQUEST = {
    "request": ROUND, "version": 1, "state": "accepted",
    "facts": {"quantity": 9, "class_code": "4111", "budget_won": WON},
    "awards": [{"product": "Sensor " * 9, "quantity": 9, "amount_won": WON, "state": "open", "due_on": "2019-03-31"}],
}  # fmt: skip
SHOWN = {
    "institution": "lh", "name": TITLE, "status": "active", "more_rounds": False,
    "rounds": [{"round": ROUND, "title": TITLE, "status": "open", "requests": [REQUEST], "next": None} | SUMS],
}  # fmt: skip
UPLOAD = {"upload": IDS[0], "uploaded_at": MOMENT, "round": ROUND, "uploaded_by": "k", "states": {"accepted": 1}}

LISTINGS: dict[str, tuple[list[str], list[Any], list[str]]] = {
    "rounds": (["round", "list"], [[ONE_ROUND]], [ROUND, KST, TITLE]),
    "round": (["round", "show", ROUND], [ONE_ROUND | {"milestones": [MILESTONE]}], [*ROOTS, f"{KST} KST", TITLE]),
    "cuts": (["round", "show", ROUND], [{"cuts": [ONE_ROUND], "open": ROUND}], [ROUND, KST]),
    "acts": (["round", "acts", ROUND], [[ACT]], [IDS[0], ROOTS[0], ROOTS[1], KST, str(ACT["reason"]).strip()]),
    "act": (["round", "act", ROUND, "x"], [WHOLE_ACT], [*IDS, ROOTS[0], ROUND, TITLE, f"{KST} KST"]),
    "waiting": (["round", "acts"], [[WHOLE_ACT]], [IDS[0], ROUND, ROOTS[0]]),
    "releases": (["round", "releases", ROUND], [RELEASES], [IDS[0], ROOTS[0], KST]),
    "chances": (["round", "chances", ROUND], [CHANCES], ["20.0% ± 1.0%", WRITTEN]),
    "completeness": (["round", "reconcile", ROUND], [COUNTS, CHOSEN], [*IDS, "200, 201, 202"]),
    "appeals": (["appeal", "list", ROUND], [[APPEAL]], [IDS[0], IDS[1], KST, "2018-11-05"]),
    "scores": (
        ["score", "list", ROUND],
        [{"panel_points": 100, "applications": [SCORED], "closing": None, "waits_for": "x"}],
        [IDS[0], "reviewer-8 80"],
    ),
    "parked": (["dlq", "list", "eligibility"], [[PARKED]], [str(PARKED["topic"]), str(WON), KST]),
    "one parked": (["dlq", "show", "eligibility", "t", "3", "9"], [[PARKED]], [IDS[0], ROOTS[0], str(WON), MOMENT]),
    "failed": (["notify", "failed"], [[DELIVERY]], [IDS[0], IDS[1], ROUND, KST]),
    "doubtful": (["notify", "doubtful"], [[DELIVERY]], [IDS[0], IDS[1], ROUND, KST]),
    "suppressed": (
        ["notify", "suppressed"],
        [[{"address": ROOTS[0], "reason": "bounced", "suppressed_at": MOMENT, "party": IDS[0]}]],
        [ROOTS[0], IDS[0], KST],
    ),
    "tokens": (
        ["token", "list", "--token", "op"],
        [[{"name": TITLE, "role": "officer", "institution": None, "created_at": MOMENT, "revoked_at": MOMENT}]],
        [TITLE, KST],
    ),
    "pledges": (["pledges", ROUND], [[PLEDGE]], ["korea-land-and-housing-corp", WRITTEN, f"2: {WRITTEN}"]),
    "purchases": (["purchases", ROUND], [{"purchases": [PURCHASE]}], [WRITTEN, "2019-03-31"]),
    "institutions": (
        ["institution", "list"],
        [[{"institution": "lh", "status": "active", "name": TITLE}]],
        [TITLE],
    ),
    "institution": (["institution", "show", "lh"], [SHOWN], [ROUND, WRITTEN, "2019-03-31"]),
    "uploads": (["institution", "uploads", "lh"], [{"uploads": [UPLOAD]}], [IDS[0], ROUND, KST]),
    "notices": (["notify", "preview"], [], ["not-selected"]),
    "machine": (["doctor"], [], []),
}
"""What prints lists or facts: the command, what is answered to it, and what must stand whole on a line."""


def told(answering: Answered, name: str) -> list[str]:
    command, answers, _ = LISTINGS[name]
    answering(*((200, answer) for answer in answers))
    url = [] if name in {"notices", "machine", "completeness"} else URL
    result = run(*command, *url)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stdout.splitlines()


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for service in ("ELIGIBILITY", "SELECTION"):
        monkeypatch.setenv(f"FIRSTBUY_{service}_URL", f"http://{service.lower()}.test")


@pytest.mark.parametrize("name", LISTINGS)
def test_in_a_pipe_each_value_stands_whole_on_a_line(answering: Answered, name: str) -> None:
    lines = told(answering, name)
    for value in LISTINGS[name][2]:
        assert any(value in line for line in lines), value


@pytest.mark.parametrize("name", LISTINGS)
def test_in_a_terminal_of_80_columns_each_value_stands_whole_on_a_line(
    answering: Answered, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    lines = told(answering, name)
    for value in LISTINGS[name][2]:
        assert any(value in line for line in lines), value
    assert not any("━" in line and len(line) > 80 for line in lines), "no table is wider than the terminal"


def test_a_table_that_fits_the_terminal_stays_one(answering: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    short = ONE_ROUND | {"round": "2018-h2", "title": "short"}
    answering((200, [short]), (200, [ONE_ROUND]))
    assert "━" in run("round", "list", *URL).stdout
    assert "━" not in run("round", "list", *URL).stdout, "and one that does not is told row by row"

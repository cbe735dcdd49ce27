"""The demo's reading of the topics, its checks, charts and window."""

from collections.abc import Mapping
from typing import Any

from firstbuy.demo.account import account_of
from firstbuy.demo.checks import Check
from firstbuy.demo.course import Window
from firstbuy.demo.observer import Seen
from firstbuy.reports.charts import Bar, Part, bars
from firstbuy.samples.firms import FirmKind

MOMENT = "2018-09-14T09:00:00Z"


def submitted(application: str, version: int, won: int | None = 0) -> dict[str, Any]:
    record = {} if won is None else {"supply_record": {"won": won, "count": 1}}
    return {
        "application": application,
        "version": version,
        "payload_hash": f"hash-{version}",
        "nonce": "n",
        "facts": {"applicant": {"business_number": "1", **record}, "product": {"reference": application}},
    }


def judged(application: str, version: int, epoch: int = 1, **findings: str) -> dict[str, Any]:
    stated = [{"rule": rule.replace("_", "-"), "outcome": outcome} for rule, outcome in findings.items()]
    return {"application": application, "version": version, "epoch": epoch, "outcome": "eligible", "findings": stated}


def observed(**events: list[dict[str, Any]]) -> Seen:
    milestones = ("RoundOpened", "RoundFrozen", "EligibilityCompleted", "InputsCommitted")
    turns = (*milestones, "SourceValueRecorded", "SelectionProposed", "SelectionConfirmed")
    told: dict[str, list[dict[str, Any]]] = {name: [{}] for name in turns}
    return Seen(told | events)


def test_the_highest_version_wins_in_whatever_order_events_come() -> None:
    events = [submitted("a", 2), submitted("a", 1)]
    account = account_of(observed(ApplicationSubmitted=events, ApplicationJudged=[judged("a", 2), judged("a", 1)]))
    assert [(entry.version, entry.verdict and entry.verdict["version"]) for entry in account.entries] == [(2, 2)]
    assert account.resubmitted == 1


def test_a_withdrawal_is_a_version_too() -> None:
    gone = {"application": "a", "version": 2}
    account = account_of(observed(ApplicationSubmitted=[submitted("a", 1)], ApplicationWithdrawn=[gone]))
    assert account.entries == ()
    assert account.withdrawn == (("1", "a"),)


def test_of_two_verdicts_on_a_version_that_of_the_later_epoch_stands() -> None:
    verdicts = [judged("a", 1, 2, startup="pass"), judged("a", 1, 1, startup="fail")]
    (entry,) = account_of(observed(ApplicationSubmitted=[submitted("a", 1)], ApplicationJudged=verdicts)).entries
    assert entry.kind is FirmKind.STARTUP


def test_a_record_that_was_not_stated_is_not_no_record() -> None:
    entries = account_of(
        observed(ApplicationSubmitted=[submitted("a", 1, 0), submitted("b", 1, None), submitted("c", 1, 5)])
    ).entries
    assert [entry.without_record for entry in entries] == [True, False, False]


def test_a_withdrawn_request_does_not_stand() -> None:
    facts: Mapping[str, Any] = {"budget_won": 5}
    accepted = [{"request": f"x/{n}", "version": 1, "institution": "x", "facts": facts} for n in (1, 2)]
    withdrawn = [{"request": "x/1", "version": 2, "institution": "x"}]
    account = account_of(observed(PurchaseRequestAccepted=accepted, PurchaseRequestWithdrawn=withdrawn))
    assert list(account.requests) == ["x/2"]


def test_a_check_holds_when_both_sides_are_equal() -> None:
    assert Check("a", {1: 2}, {1: 2}).holds
    assert not Check("a", 1, 2).holds


def test_the_window_grows_with_the_traffic_and_leaves_more_than_half_of_it_free() -> None:
    for calls in (1, 500, 2_580, 50_000):
        window = Window.of(calls, None)
        assert window.sending * 2 < window.seconds
    assert Window.of(50_000, None).seconds > Window.of(500, None).seconds
    assert Window.of(500, 90.0).seconds == 90.0


def test_a_chart_is_drawn_to_one_scale_and_escapes_what_it_is_given() -> None:
    drawn = bars(
        [Bar("<a>", [Part(50, "a", "half")], "50"), Bar("b", [Part(100, "b", "all")], "100", mark=100)], title='"x"'
    )
    assert "&lt;a&gt;" in drawn
    assert "<a>" not in drawn
    widths = [float(piece.split('"')[0]) for piece in drawn.split("<rect")[1:] for piece in [piece.split('width="')[1]]]
    assert widths[1] == widths[0] * 2


def test_an_empty_chart_is_still_a_picture() -> None:
    assert "<svg" in bars([], title="nothing")
    assert "NaN" not in bars([Bar("a", [Part(0, "a", "none")], "0")], title="zero")

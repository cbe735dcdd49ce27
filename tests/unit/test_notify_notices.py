"""Which notice goes to whom, under which id, and what follows from an attempt."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notify.domain.attempts import DELIVERED, NOT_TRIED, Ending, Outcome, Persistence, State, settle
from services.notify.domain.lifecycle import lifecycle_event, spread
from services.notify.domain.notices import (
    NOTICES,
    TEMPLATES,
    Happening,
    Need,
    NotificationContacts,
    Occurrence,
    Recipient,
    Role,
    planned,
)
from services.notify.domain.occurrences import submission, withdrawal
from services.notify.domain.results import decision_of, result
from services.notify.handlers import delivery_id
from shared.contracts import events
from shared.contracts.events import Channel
from shared.contracts.values import Contract

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
NOW = datetime(2018, 9, 14, 9, 0, 1, tzinfo=UTC)
PERSISTENCE = Persistence(timedelta(seconds=2), timedelta(hours=1))


def golden(name: str, **changes: Any) -> Any:
    model: type[Contract] = getattr(events, name)
    body = json.loads((GOLDEN / f"{name}.v1.1.json").read_text()) | changes
    return model.model_validate_json(json.dumps(body))


def told(occurrence: Occurrence) -> set[tuple[str, str, Channel]]:
    return {(due.kind, due.recipient, due.channel) for due in planned(occurrence)}


APPLICANT = "e2a7d6c5-3b18-4f90-8c44-5a1d9b3e7f11"
OTHER = "40c9f1b8-6d2e-4b73-9a05-c8e7d1f6a222"


@pytest.mark.parametrize(
    ("occurrence", "expected"),
    [
        (submission(golden("ApplicationSubmitted", version=1), None), {("receipt", APPLICANT, Channel.MAIL)}),
        (submission(golden("ApplicationSubmitted", version=2), None), {("resubmission", APPLICANT, Channel.MAIL)}),
        (submission(golden("ApplicationSubmitted", version=7), None), {("resubmission", APPLICANT, Channel.MAIL)}),
        (
            submission(golden("ApplicationSubmitted", version=2, restated=True, contested=True), None),
            {("contested", APPLICANT, Channel.MAIL)},
        ),
        (
            submission(golden("ApplicationSubmitted", version=3, restated=True), None),
            {("contest-ended", APPLICANT, Channel.MAIL)},
        ),
        (
            submission(golden("ApplicationSubmitted", version=1, contested=True), None),
            {("receipt", APPLICANT, Channel.MAIL)},
        ),
        (withdrawal(golden("ApplicationWithdrawn"), None), {("withdrawal", OTHER, Channel.MAIL)}),
        (withdrawal(golden("ApplicationWithdrawn", outranked=True), None), {("outranked", OTHER, Channel.MAIL)}),
        (
            result(golden("ProductSelected"), None)[0],
            {("selected", APPLICANT, Channel.MAIL), ("award", "kwater", Channel.OUTBOX)},
        ),
        (result(golden("ProductReserved"), None)[0], {("reserve", OTHER, Channel.MAIL)}),
        (result(golden("ProductNotSelected"), None)[0], {("not-selected", OTHER, Channel.MAIL)}),
    ],
)
def test_each_happening_is_told_to_those_the_table_names(
    occurrence: Occurrence, expected: set[tuple[str, str, Channel]]
) -> None:
    assert told(occurrence) == expected


@pytest.mark.parametrize(
    ("name", "kind", "roots"),
    [
        ("RoundAnnounced", "round-announced", {"policy"}),
        ("RoundAmended", "round-amended", {"policy"}),
        ("RoundOpened", "round-opened", {"policy"}),
        ("RoundExtended", "round-extended", set()),
        ("RoundFrozen", "round-frozen", {"applications", "requests"}),
        (
            "InputsCommitted",
            "round-committed",
            {"applications", "requests", "verdicts", "entries", "pledges", "policy", "commitment"},
        ),
        ("CommitmentTimeStamped", "round-time-stamped", {"commitment", "token"}),
        ("SelectionConfirmed", "round-published", {"commitment", "selection"}),
        ("RoundVoided", "round-voided", set()),
    ],
)
def test_each_turn_of_a_round_goes_to_the_outbox_of_each_institution(name: str, kind: str, roots: set[str]) -> None:
    taken = lifecycle_event(golden(name), None, NOW)
    assert taken is not None
    due = planned(spread(taken, ("kepco", "kwater")))
    assert [(one.kind, one.recipient, one.channel) for one in due] == [
        (kind, "kepco", Channel.OUTBOX),
        (kind, "kwater", Channel.OUTBOX),
    ]
    notice = events.RoundNoticed.model_validate_json(json.dumps(due[0].facts))
    assert notice.institution == "kepco"
    assert set(notice.roots) == roots


@pytest.mark.parametrize("name", ["RoundAnnounced", "RoundAmended", "RoundOpened"])
def test_institutions_hold_the_root_of_what_was_announced(name: str) -> None:
    taken = lifecycle_event(golden(name, announcement_root="a" * 64), None, NOW)
    assert taken is not None
    assert taken.roots["announcement"] == "a" * 64


def test_institutions_hold_the_root_of_what_was_shown() -> None:
    taken = lifecycle_event(golden("SelectionConfirmed", shown_root="b" * 64), None, NOW)
    assert taken is not None
    assert set(taken.roots) == {"commitment", "selection", "shown"}
    assert taken.roots["shown"] == "b" * 64


def test_events_nobody_is_told_of_are_no_turns() -> None:
    assert lifecycle_event(golden("RoundAnnounced", series="rolling", cut=2), None, NOW) is None
    assert lifecycle_event(golden("EligibilityCompleted"), None, NOW) is None


def test_a_turn_reaches_the_desks_and_webhooks_that_were_there_when_it_happened() -> None:
    taken = lifecycle_event(golden("SelectionConfirmed"), None, NOW)
    assert taken is not None
    before, after = NOW - timedelta(days=1), NOW + timedelta(days=1)
    desks = {
        "kepco": NotificationContacts({APPLICANT: before, OTHER: after}, before),
        "kwater": NotificationContacts({}, after),
    }
    occurrence = replace(spread(taken, ("kepco", "kwater", "lh")), happened_at=NOW)
    assert {(one.recipient, one.channel) for one in planned(occurrence, desks)} == {
        ("kepco", Channel.OUTBOX),
        ("kepco", Channel.WEBHOOK),
        (APPLICANT, Channel.MAIL),
        ("kwater", Channel.OUTBOX),
        ("lh", Channel.OUTBOX),
    }


def test_awards_wait_for_company_and_an_announcement_for_no_opening() -> None:
    desks = {"kwater": NotificationContacts({OTHER: NOW})}
    due = planned(result(golden("ProductSelected"), None)[0], desks)
    by_channel = {one.channel: one.needs for one in due if one.recipient != APPLICANT}
    assert by_channel == {Channel.OUTBOX: (), Channel.MAIL: (Need.CONTACT, Need.ROUND, Need.DIGEST)}
    announced = lifecycle_event(golden("RoundAnnounced"), None, NOW)
    assert announced is not None
    (mailed,) = (one for one in planned(spread(announced, ("kwater",)), desks) if one.channel is Channel.MAIL)
    assert mailed.needs == (Need.CONTACT,)


def test_an_institution_sees_its_own_awards_only() -> None:
    awards = [
        {"request": f"{code}/{number}", "institution": code, "quantity": 1, "amount_won": 1000}
        for number, code in enumerate(("kepco", "lh", "kepco"))
    ]
    due = planned(result(golden("ProductSelected", awards=awards), None)[0])
    by_recipient = {one.recipient: one.facts["awards"] for one in due}
    assert [award["request"] for award in by_recipient["kepco"]] == ["kepco/0", "kepco/2"]
    assert [award["request"] for award in by_recipient["lh"]] == ["lh/1"]
    assert len(by_recipient[APPLICANT]) == 3


def test_what_a_notice_needs_is_waited_for() -> None:
    (refusal,) = planned(result(golden("ProductNotSelected", reason="ineligible"), None)[0])
    assert set(refusal.needs) == set(Need) - {Need.DIGEST}
    (other,) = planned(result(golden("ProductNotSelected", reason="no-demand"), None)[0])
    assert Need.VERDICT not in other.needs
    (award,) = (one for one in planned(result(golden("ProductSelected"), None)[0]) if one.channel is Channel.OUTBOX)
    assert award.needs == ()


def test_a_repeat_is_the_same_delivery_and_anything_else_another() -> None:
    def ids(**changes: Any) -> set[str]:
        return {delivery_id(due) for due in planned(result(golden("ProductSelected", **changes), None)[0])}

    assert ids() == ids(product="another name, the same occasion")
    assert not ids() & ids(epoch=2)
    assert not ids() & ids(application=OTHER)
    first, second = (
        delivery_id(planned(submission(golden("ApplicationSubmitted", version=version), None))[0]) for version in (2, 3)
    )
    assert first != second
    assert (
        delivery_id(planned(withdrawal(golden("ApplicationWithdrawn"), None))[0])
        == "678334f5-f536-5090-ac51-66e18b482fec"
    )


def test_every_row_of_the_table_has_a_channel_and_every_mail_a_template() -> None:
    assert all(notice.channels for notice in NOTICES.values())
    assert set(TEMPLATES.values()) == {
        "verdict",
        "turn",
        "award",
        "award-withdrawn",
        "award-status-ended",
        "purchase-reminder",
        "digest",
        "receipt",
        "resubmission",
        "withdrawal",
        "excluded",
        "contested",
        "contest-ended",
        "outranked",
        "new-token",
        "selected",
        "promoted",
        "awards-changed",
        "selection-withdrawn",
        "given-up",
        "reserve",
        "not-selected",
        "status-ended",
        "extended",
        "appeal-filed",
        "appeal-decided",
    }


def test_a_role_the_table_does_not_name_is_told_nothing() -> None:
    recipients = [Recipient(Role.INSTITUTION, "kepco", {})]
    assert (
        planned(
            Occurrence(
                happening=Happening.SUBMITTED, round="2018-h2", subject="a", occasion="version-1", recipients=recipients
            )
        )
        == []
    )


def test_temporary_failures_return_later_and_later_until_the_horizon() -> None:
    away = Outcome(Ending.LATER, "server-away")
    pauses = [settle(away, attempts, timedelta(0), PERSISTENCE, 0.5).pause for attempts in (1, 2, 3, 30)]
    assert pauses == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8), timedelta(minutes=10)]
    spread_out = {settle(away, 1, timedelta(0), PERSISTENCE, chance).pause for chance in (0.0, 0.999)}
    assert min(spread_out) == timedelta(seconds=1)
    assert max(spread_out) < timedelta(seconds=3)
    given_up = settle(away, 5, timedelta(hours=1), PERSISTENCE, 0.5)
    assert (given_up.state, given_up.error) == (State.FAILED, "server-away")


def test_what_waits_for_a_receiver_that_is_away_is_no_attempt_and_is_given_up_at_the_horizon() -> None:
    held = Outcome(Ending.NOT_TRIED, "timeout", pause=timedelta(seconds=30))
    waits = settle(held, 3, timedelta(minutes=1), PERSISTENCE, 0.5)
    assert (waits.state, waits.pause, waits.counts) == (State.PENDING, timedelta(seconds=30), False)
    given_up = settle(held, 3, timedelta(hours=2), PERSISTENCE, 0.5)
    assert (given_up.state, given_up.error, given_up.counts) == (State.FAILED, "timeout", False)


def test_a_pause_that_was_asked_for_is_kept() -> None:
    asked = Outcome(Ending.LATER, "answered-429", pause=timedelta(minutes=20))
    assert settle(asked, 1, timedelta(0), PERSISTENCE, 0.5).pause == timedelta(minutes=20)


def test_a_refusal_is_final_and_an_attempt_not_begun_is_none() -> None:
    assert settle(DELIVERED, 1, timedelta(0), PERSISTENCE, 0.5).state is State.SENT
    refused = settle(Outcome(Ending.NEVER, "mailbox-unknown"), 1, timedelta(0), PERSISTENCE, 0.5)
    assert (refused.state, refused.error) == (State.FAILED, "mailbox-unknown")
    left = settle(NOT_TRIED, 1, timedelta(days=9), PERSISTENCE, 0.5)
    assert (left.state, left.counts, left.pause) == (State.PENDING, False, timedelta(0))


def told_after(event: Any, before: Any) -> set[tuple[str, str]]:
    """(kind, recipient) of what is due after an earlier epoch decided `before`."""
    occurrences = result(event, None, decision_of(before))
    return {(due.kind, due.recipient) for occurrence in occurrences for due in planned(occurrence)}


def test_a_later_epoch_tells_those_for_whom_it_decided_otherwise() -> None:
    def selected(*institutions: str, **changes: Any) -> Any:
        awards = [
            {"request": f"{code}/1", "institution": code, "quantity": 1, "amount_won": 1} for code in institutions
        ]
        return golden("ProductSelected", awards=awards, epoch=2, **changes)

    before = selected("kepco", "lh")
    assert told_after(selected("kepco", "lh", position=9, selection_root="a" * 64), before) == set()
    assert told_after(selected("kepco", "kwater"), before) == {
        ("selected", APPLICANT),
        ("award", "kwater"),
        ("award-withdrawn", "lh"),
    }
    refused = golden("ProductNotSelected", epoch=2, application=before.application, party=before.party)
    assert told_after(refused, before) == {
        ("not-selected", APPLICANT),
        ("award-withdrawn", "kepco"),
        ("award-withdrawn", "lh"),
    }
    assert told_after(before, refused) == {("selected", APPLICANT), ("award", "kepco"), ("award", "lh")}


def test_a_batch_is_told_to_whom_it_changes_something_and_a_later_epoch_does_not_say_it_again() -> None:
    before = golden("ProductSelected")
    same = {"awards": before.model_dump()["awards"], "application": before.application, "party": before.party}
    by_batch = {"product": "x", "position": 2, "tickets": 1, "selection_root": "a" * 64, "batch_root": "b" * 64}
    promoted = golden("ReservePromoted", **same, **by_batch)
    assert told_after(promoted, golden("ProductReserved")) == {("promoted", APPLICANT), ("award", "kwater")}
    assert told_after(golden("ProductSelected", epoch=2), promoted) == set(), "an epoch that selects it the same"
    gone = golden("SelectionWithdrawn", batch=1, cause="given-up", party=APPLICANT, selection_root="a" * 64)
    assert told_after(gone, before) == {("selection-withdrawn", APPLICANT), ("award-withdrawn", "kwater")}
    assert told_after(golden("ProductNotSelected", reason="given-up", epoch=2), gone) == set()
    assert result(golden("SelectionWithdrawn"), None) == [], "one that names no party concerns nobody by name"

"""Intake's decisions: windows, entries, purchase requests, sources of chance, officers' acts."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.acts import (
    ActKind,
    ActRefusal,
    ActState,
    Ended,
    ProposedAct,
    approval_refusal,
    rejection_refusal,
    waiting_for_the_same,
    withdrawal_refusal,
)
from services.intake.domain.entries import Chance, access_token, rehearsed_uuid
from services.intake.domain.requests import (
    Arrival,
    Bought,
    NewVersion,
    RequestState,
    Same,
    amend,
    arrival_of,
    submit,
    withdraw,
)
from services.intake.domain.rounds import Closed, RoundStatus, RoundWindow
from services.intake.domain.sources import (
    Timetable,
    UnusableValueError,
    beacon_value,
    drawn_numbers,
    due_at,
    rehearsed_value,
)
from services.intake.domain.submissions import ContactDetails, Entry, Refusal, Submission, enter
from services.selection.verify import spelled as verifiers_spelling
from services.selection.verify import two_officers
from shared.clock import REAL_TIME, TimeMap
from shared.contracts.facts import RequestFacts
from shared.programme.persons import spelled
from shared.proof.canonical import payload_hash

OPENS = datetime(2018, 8, 16, tzinfo=UTC)
CLOSES = datetime(2018, 9, 14, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WINDOW = RoundWindow(
    round="2018-h2", status=RoundStatus.OPEN, opens_at=OPENS, closes_at=CLOSES, time_map=REAL_TIME, seed=None
)
CHANCE = Chance.of_bytes(bytes(range(48)))
SUBMISSION = Submission(
    round="2018-h2",
    received_at=OPENS,
    business_number="1111111119",
    product_key="ref:P-1",
    names=frozenset(),
    track="general",
    facts={"track": "general"},
    contact=ContactDetails("담당자", "a@example.org", None, "ko"),
    idempotency_key=None,
    body_hash=b"",
    chance=CHANCE,
    traceparent=None,
)
FACTS = RequestFacts(class_code="41112201", quantity=5, budget_won=1000, price_ceiling_won=200)
STANDING = RequestState(pledge_won=1000, version=0, withdrawn=False, same_facts=False)


@pytest.mark.parametrize(
    ("received_at", "status", "refusal"),
    [
        (OPENS - TICK, RoundStatus.ANNOUNCED, Closed.NOT_OPEN_YET),
        (OPENS, RoundStatus.ANNOUNCED, None),
        (OPENS, RoundStatus.OPEN, None),
        (CLOSES - TICK, RoundStatus.OPEN, None),
        (CLOSES, RoundStatus.OPEN, Closed.CLOSED),
        (CLOSES - TICK, RoundStatus.FROZEN, Closed.CLOSED),
        (OPENS, RoundStatus.VOID, Closed.CLOSED),
    ],
)
def test_the_window_is_half_open_and_a_freeze_ends_it(
    received_at: datetime, status: RoundStatus, refusal: Closed | None
) -> None:
    assert replace(WINDOW, status=status).refusal(received_at) is refusal


def test_an_entry_is_hashed_with_its_nonce_and_bound_to_its_token() -> None:
    entry = enter(SUBMISSION, WINDOW, b"secret")
    assert isinstance(entry, Entry)
    assert entry.application == CHANCE.application
    assert entry.first.payload_hash == payload_hash(entry.first.nonce, SUBMISSION.facts)
    assert entry.token == access_token(b"secret", entry.application) != access_token(b"other", entry.application)
    assert enter(SUBMISSION, None, b"secret") is Refusal.UNKNOWN_ROUND


def test_a_rehearsal_gives_the_same_entry_whatever_chance_says_and_in_programme_time() -> None:
    real = datetime(2026, 11, 22, tzinfo=UTC)
    rehearsed = replace(WINDOW, time_map=TimeMap(real, OPENS, 1000), seed="s")
    early = enter(replace(SUBMISSION, received_at=real + timedelta(seconds=1)), rehearsed, b"k")
    later = enter(
        replace(SUBMISSION, received_at=real + timedelta(seconds=60), chance=Chance.of_bytes(bytes(48))),
        rehearsed,
        b"k",
    )
    assert isinstance(early, Entry)
    assert isinstance(later, Entry)
    assert early.first.received_at == OPENS + timedelta(seconds=1000)
    same = {(item.application, item.party, item.first.nonce, item.first.payload_hash) for item in (early, later)}
    assert len(same) == 1
    assert rehearsed_uuid("s", "a") != rehearsed_uuid("t", "a")


@pytest.mark.parametrize(
    ("appended_at", "status", "turn"),
    [
        (OPENS - TICK, RoundStatus.ANNOUNCED, Arrival.EARLY),
        (OPENS, RoundStatus.OPEN, Arrival.IN_TIME),
        (CLOSES - TICK, RoundStatus.OPEN, Arrival.IN_TIME),
        (CLOSES, RoundStatus.OPEN, Arrival.HELD),
        (CLOSES, RoundStatus.FROZEN, Arrival.LATE),
        (CLOSES - TICK, RoundStatus.FROZEN, Arrival.LATE),
    ],
)
def test_late_is_said_only_after_the_freeze(appended_at: datetime, status: RoundStatus, turn: Arrival) -> None:
    assert arrival_of(replace(WINDOW, status=status), appended_at) is turn


@pytest.mark.parametrize(
    ("standing", "facts", "decision"),
    [
        ({}, {}, NewVersion(1)),
        ({"version": 1, "same_facts": True}, {}, Same(1)),
        ({"version": 1}, {}, "already-submitted"),
        ({"version": 2, "withdrawn": True}, {}, NewVersion(3)),
        ({"pledge_won": None}, {}, "not-in-round"),
        ({"pledge_won": 999}, {}, "budget-above-pledge"),
        ({}, {"price_ceiling_won": 1001}, "ceiling-above-budget"),
        ({}, {"price_ceiling_won": 9}, "below-any-price"),
        ({}, {"price_ceiling_won": 10}, NewVersion(1)),
        ({}, {"region": "jeju"}, NewVersion(1)),
        ({}, {"region": "mars"}, "unknown-region"),
        ({"bought": Bought()}, {"certificate_kinds": ("nep",)}, "unknown-kind"),
        ({"bought": Bought(kinds=("nep",))}, {"certificate_kinds": ("nep",)}, NewVersion(1)),
        ({"bought": Bought(classes=("42", "4112"))}, {}, "class-not-bought"),
        ({"bought": Bought(classes=("42", "4111"))}, {}, NewVersion(1)),
        ({"bought": None}, {"certificate_kinds": ("nep",)}, NewVersion(1)),
    ],
)
def test_a_request_is_taken_once_and_within_the_pledge(
    standing: dict[str, Any], facts: dict[str, Any], decision: NewVersion | Same | str
) -> None:
    answer = submit(replace(FACTS, **facts), replace(STANDING, **standing))
    assert (answer[0].code if isinstance(answer, tuple) else answer) == decision


def test_an_amendment_names_the_version_it_replaces() -> None:
    standing = replace(STANDING, version=2)
    assert amend(FACTS, 2, standing) == NewVersion(3)
    assert amend(FACTS, 1, replace(standing, same_facts=True)) == Same(2)
    for refused in (amend(FACTS, 1, standing), amend(FACTS, 1, STANDING), withdraw(STANDING)):
        assert isinstance(refused, tuple)
        assert refused[0].fix
    assert withdraw(standing) == NewVersion(3)
    assert withdraw(replace(standing, withdrawn=True)) == Same(2)


@pytest.mark.parametrize(("lead", "period"), [(0, 1), (3600, 1), (3600, 30), (86400, 604800)])
def test_the_source_is_due_on_its_beat_and_never_before_the_lead(lead: int, period: int) -> None:
    committed = datetime(2018, 9, 14, 10, 0, 0, 1, tzinfo=UTC)
    due = due_at(committed, lead, [Timetable(period)])
    assert due - committed >= timedelta(seconds=lead)
    assert due - committed <= timedelta(seconds=lead + period + 1)
    assert int(due.timestamp()) % period == 0


LOTTO = Timetable(604800, datetime(2018, 8, 18, 11, 45, tzinfo=UTC), 86400)
"""Saturday 20:45 in Korea."""
PENSION = Timetable(604800, datetime(2018, 8, 15, 10, 40, tzinfo=UTC))
"""Wednesday 19:40 in Korea."""
QUICKNET = Timetable(3, datetime.fromtimestamp(1692803367, UTC))
SIGNATURE = "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"


def test_a_lottery_is_due_when_it_is_drawn() -> None:
    friday = datetime(2018, 9, 14, 10, tzinfo=UTC)
    assert due_at(friday, 3600, [LOTTO]) == datetime(2018, 9, 15, 11, 45, tzinfo=UTC)
    assert due_at(friday, 2 * 86400, [LOTTO]) == datetime(2018, 9, 22, 11, 45, tzinfo=UTC), "the lead passes Saturday"
    assert due_at(datetime(2018, 1, 5, tzinfo=UTC), 0, [LOTTO]) == datetime(2018, 1, 6, 11, 45, tzinfo=UTC)


def test_the_next_source_decides_by_its_first_value_once_the_one_before_has_failed() -> None:
    friday = datetime(2018, 9, 14, 10, tzinfo=UTC)
    assert due_at(friday, 3600, [LOTTO, PENSION]) == datetime(2018, 9, 19, 10, 40, tzinfo=UTC)
    assert due_at(friday, 3600, [PENSION, LOTTO]) == datetime(2018, 9, 29, 11, 45, tzinfo=UTC), "a week after the 19th"
    third = due_at(friday, 3600, [LOTTO, PENSION, QUICKNET])
    assert third == PENSION.failed_at(datetime(2018, 9, 19, 10, 40, tzinfo=UTC)), "three seconds are soon over"


def test_drand_as_its_chain_publishes_it() -> None:
    due = datetime.fromtimestamp(1692803367 + 3 * 657412, UTC)
    assert QUICKNET.number(due) == 657413
    assert due_at(due - timedelta(seconds=3601), 3600, [QUICKNET]) == due
    assert beacon_value(SIGNATURE) == "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587/"
    for wrong in ("", SIGNATURE.upper(), SIGNATURE[:-1], "zz"):
        with pytest.raises(UnusableValueError):
            beacon_value(wrong)


def test_a_lottery_is_written_as_rfc_3797_has_it() -> None:
    assert drawn_numbers("9319./2.5.8.10.12./9.18.26.34.41.45./") == "9319./2.5.8.10.12./9.18.26.34.41.45./"
    with pytest.raises(UnusableValueError, match=re.escape("9.18.26.34.41.45./")):
        drawn_numbers("45.9.18.026.34.41./")
    for wrong in ("", "/", "1.2.3", "1 2 3/", "1.2.3/", "a.b./", "1.2./x"):
        with pytest.raises(UnusableValueError):
            drawn_numbers(wrong)


def test_a_rehearsed_value_reads_as_a_lottery_s() -> None:
    value = rehearsed_value("seed", "2018-h2")
    numbers = [int(number) for number in value.removesuffix("./").split(".")]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 6
    assert all(1 <= number <= 45 for number in numbers)
    assert value != rehearsed_value("other", "2018-h2")


def proposed(**changed: Any) -> ProposedAct:
    stated: dict[str, Any] = {
        "act": "a",
        "round": "2018-h2",
        "kind": ActKind.CONFIRM,
        "terms": {"root": "x"},
        "reason": "right",
    }
    return ProposedAct(**stated | {"proposed_by": "one", "proposed_at": OPENS, "expires_at": CLOSES} | changed)


def test_an_act_takes_two_officers_who_agree_on_what_stands() -> None:
    act = proposed()
    assert approval_refusal(act, "two", OPENS, {"root": "x"}) is None
    assert approval_refusal(act, "one", OPENS, {"root": "x"}) is ActRefusal.SAME_OFFICER
    assert approval_refusal(act, "two", CLOSES, {"root": "x"}) is ActRefusal.EXPIRED
    assert approval_refusal(act, "two", OPENS, {"root": "y"}) is ActRefusal.ROOTS_MOVED
    done = replace(act, approved_by="two")
    assert approval_refusal(done, "three", OPENS, {"root": "x"}) is ActRefusal.ALREADY_APPROVED


SPELLINGS = ("Kim Mina", "kim mina", "KIM\u00a0MINA", "Kim\u200bMina", "Ｋｉｍ Ｍｉｎａ", "\u2067kimmina\u2069")


@pytest.mark.parametrize("name", SPELLINGS)
def test_one_person_under_two_spellings_is_one_officer_as_verifiers_have_it(name: str) -> None:
    act = proposed(proposed_by="Kim Mina")
    assert approval_refusal(act, name, OPENS, {"root": "x"}) is ActRefusal.SAME_OFFICER
    assert rejection_refusal(act, name, OPENS) is ActRefusal.SAME_OFFICER
    assert withdrawal_refusal(act, name, OPENS) is None
    assert not two_officers([{"name": one, "role": "officer"} for one in ("Kim Mina", name)])


@given(st.text(), st.text())
def test_names_are_compared_as_verifiers_compare_them(one: str, other: str) -> None:
    assert spelled(one) == verifiers_spelling(one)
    two = two_officers([{"name": name, "role": "officer"} for name in (one, other)])
    refused = approval_refusal(proposed(proposed_by=one), other, OPENS, {"root": "x"})
    assert (refused is None) == two


def test_another_officer_rejects_a_proposal_and_its_own_withdraws_it() -> None:
    act = proposed()
    assert rejection_refusal(act, "two", OPENS) is None
    assert rejection_refusal(act, "one", OPENS) is ActRefusal.SAME_OFFICER
    assert withdrawal_refusal(act, "one", OPENS) is None
    assert withdrawal_refusal(act, "two", OPENS) is ActRefusal.OTHER_OFFICER


ENDS: dict[str, tuple[dict[str, Any], datetime, ActRefusal]] = {
    "approved": ({"approved_by": "two"}, OPENS, ActRefusal.ALREADY_APPROVED),
    "rejected": ({"ended": Ended(ActState.REJECTED, "two", OPENS, "no")}, OPENS, ActRefusal.REJECTED),
    "withdrawn": ({"ended": Ended(ActState.WITHDRAWN, "one", OPENS, None)}, CLOSES, ActRefusal.WITHDRAWN),
    "expired": ({}, CLOSES, ActRefusal.EXPIRED),
}


@pytest.mark.parametrize("state", ENDS)
def test_of_an_act_that_does_not_wait_nothing_is_decided_any_more(state: str) -> None:
    changed, now, refusal = ENDS[state]
    act = proposed(**changed)
    assert act.state(now) == state
    assert approval_refusal(act, "three", now, {"root": "x"}) is refusal
    assert rejection_refusal(act, "three", now) is refusal
    assert withdrawal_refusal(act, "one", now) is refusal


def test_the_same_act_is_one_of_the_same_terms_but_for_what_chance_gave() -> None:
    waiting = [proposed(act="x", terms={"root": "x", "id": 1}), proposed(act="y", terms={"root": "y", "id": 2})]
    assert waiting_for_the_same(waiting, {"root": "y", "id": 3}) is None
    same = waiting_for_the_same(waiting, {"root": "y", "id": 3}, frozenset({"id"}))
    assert same is not None
    assert same.act == "y"

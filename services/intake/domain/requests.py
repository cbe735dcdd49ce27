"""Decides on a purchase request: accepted, changed or withdrawn, or the reasons why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.intake.domain.rounds import Closed, RoundWindow
from shared.contracts.events import Reason
from shared.contracts.facts import RequestFacts
from shared.programme.regions import REGIONS


class Arrival(StrEnum):
    """When a message arrived, relative to its round."""

    IN_TIME = "in-time"
    EARLY = "early"
    LATE = "late"
    HELD = "held"
    """After the close of a round that is not frozen: an extension may still admit it."""


def arrival_of(window: RoundWindow, appended_at: datetime) -> Arrival:
    """When a message arrived. In time ⇔ stamped inside the window and not frozen.

    `appended_at`: the broker's timestamp in programme time.
    """
    if appended_at >= window.closes_at:
        return Arrival.LATE if window.frozen else Arrival.HELD
    match window.refusal(appended_at):
        case Closed.NOT_OPEN_YET:
            return Arrival.EARLY
        case Closed.CLOSED:
            return Arrival.LATE
        case None:
            return Arrival.IN_TIME


LEAST_PRICE_WON: Final = 10
"""The smallest coin: a lower price per unit is a mistake."""


@dataclass(frozen=True, slots=True)
class Bought:
    """What a round's policy lets institutions buy: classes by prefix (none: all), and kinds of certificate."""

    classes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestState:
    """An institution's pledge in a round, and its request of that id so far, if any. `bought` is None where the policy
    can't be read."""

    pledge_won: int | None
    version: int
    withdrawn: bool
    same_facts: bool
    bought: Bought | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """The request is accepted as this version."""

    version: int


@dataclass(frozen=True, slots=True)
class Same:
    """The request is repeated: nothing changes."""

    version: int


Reasons = tuple[Reason, ...]


def submit(facts: RequestFacts, state: RequestState) -> NewVersion | Same | Reasons:
    """Decides on a new request."""
    if state.version and not state.withdrawn:
        if state.same_facts:
            return Same(state.version)
        return (
            Reason(
                pointer="/request",
                code="already-submitted",
                detail="a request of this id stands with other facts",
                fix=f"send AmendPurchaseRequest with replaces={state.version}, or another request id",
            ),
        )
    return _checked(facts, state)


def amend(facts: RequestFacts, replaces: int, state: RequestState) -> NewVersion | Same | Reasons:
    """Decides on other facts for the version `replaces`."""
    if not state.version or state.withdrawn:
        return (no_such_request(),)
    if state.same_facts:
        return Same(state.version)
    if replaces != state.version:
        return (
            Reason(
                pointer="/replaces",
                code="version-mismatch",
                detail=f"version {state.version} stands, not {replaces}",
                fix=f"look at version {state.version} and send replaces={state.version}",
            ),
        )
    return _checked(facts, state)


def withdraw(state: RequestState) -> NewVersion | Same | Reasons:
    """Decides on a withdrawal."""
    if not state.version:
        return (no_such_request(),)
    return Same(state.version) if state.withdrawn else NewVersion(state.version + 1)


def no_such_request() -> Reason:
    """The reason where no request of the id exists."""
    return Reason(
        pointer="/request",
        code="unknown-request",
        detail="no request of this id stands",
        fix="send SubmitPurchaseRequest first",
    )


def _checked(facts: RequestFacts, state: RequestState) -> NewVersion | Reasons:
    reasons = []
    if state.pledge_won is None:
        reasons.append(
            Reason(
                pointer="/round",
                code="not-in-round",
                detail="this institution has no pledge in the round",
                fix="ask the programme's officers to record the pledge",
            )
        )
    elif facts.budget_won > state.pledge_won:
        reasons.append(
            Reason(
                pointer="/facts/budget_won",
                code="budget-above-pledge",
                detail=f"{facts.budget_won} won is above the pledge of {state.pledge_won} won",
                fix=f"lower it to {state.pledge_won} or less, or raise the pledge first",
            )
        )
    if facts.price_ceiling_won is not None and facts.price_ceiling_won > facts.budget_won:
        reasons.append(
            Reason(
                pointer="/facts/price_ceiling_won",
                code="ceiling-above-budget",
                detail=f"a unit may cost {facts.price_ceiling_won} won, the budget is {facts.budget_won} won",
                fix="raise the budget or lower the ceiling",
            )
        )
    reasons += _never_matched(facts, state.bought)
    return tuple(reasons) or NewVersion(state.version + 1)


def _never_matched(facts: RequestFacts, bought: Bought | None) -> Iterator[Reason]:
    """Reasons why no product of the round can match."""
    if facts.region is not None and facts.region not in REGIONS:
        detail, fix = f"there is no region '{facts.region}'", f"one of {', '.join(REGIONS)}; without it any"
        yield Reason(pointer="/facts/region", code="unknown-region", detail=detail, fix=fix)
    if facts.price_ceiling_won is not None and facts.price_ceiling_won < LEAST_PRICE_WON:
        detail, fix = f"nothing costs {facts.price_ceiling_won} won", "state the most that one unit may cost, in won"
        yield Reason(pointer="/facts/price_ceiling_won", code="below-any-price", detail=detail, fix=fix)
    if bought is None:
        return
    if bought.classes and not facts.class_code.startswith(bought.classes):
        detail = f"{facts.class_code} is no class that is bought in this round"
        fix = f"a class that begins with one of {', '.join(bought.classes)}"
        yield Reason(pointer="/facts/class_code", code="class-not-bought", detail=detail, fix=fix)
    for place, kind in enumerate(facts.certificate_kinds):
        if kind not in bought.kinds:
            detail, fix = f"the round knows no certificate '{kind}'", f"one of {', '.join(bought.kinds)}"
            yield Reason(pointer=f"/facts/certificate_kinds/{place}", code="unknown-kind", detail=detail, fix=fix)

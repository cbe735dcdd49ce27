"""Checks an institution's report on an award: the award exists, it is theirs, and the numbers fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from services.intake.domain.rounds import RoundStatus, RoundWindow, latest_today
from shared.contracts.events import Reason, ReportNonPurchase, ReportPurchase
from shared.programme.working_days import korean_date


@dataclass(frozen=True, slots=True)
class Award:
    """Units of a product matched with a request. `confirmed_at`: when the award was confirmed, by the round's clock;
    None for results stored before this was kept."""

    quantity: int
    amount_won: int
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report names, as intake knows it. `request_stands`: the reporting institution made it in the round, and
    did not withdraw it before the freeze; `entered`: the application is one of the round; `decided`: its result is
    published."""

    request_stands: bool
    entered: bool
    decided: bool
    award: Award | None


def refusal(
    asks: ReportPurchase | ReportNonPurchase, window: RoundWindow, subject: Subject, tolerance: int, now: datetime
) -> tuple[Reason, ...]:
    """Every reason why a report can't be true; empty where it can. `tolerance`: per cent by which the contract's sum
    may exceed the award. `now`: real time."""
    if window.status is RoundStatus.VOID:
        return (Reason(pointer="/round", code="void", detail="the round is void", fix="report purchases of others"),)
    unknown = tuple(_unknown(asks, subject))
    if unknown or subject.award is None or isinstance(asks, ReportNonPurchase):
        return unknown
    return (*_beyond(asks, subject.award, tolerance), *_on_no_day(asks.contracted_on, window, subject.award, now))


def _unknown(asks: ReportPurchase | ReportNonPurchase, subject: Subject) -> Iterator[Reason]:
    if not subject.request_stands:
        detail = "no request of this id stands in the round"
        fix = "name the request that was awarded: see GET /institutions/{code}"
        yield Reason(pointer="/request", code="unknown-request", detail=detail, fix=fix)
    named, fix = f"application {asks.application}", "name an award that you were told: see GET /institutions/{code}"
    if not subject.entered:
        yield Reason(pointer="/application", code="unknown-application", detail=f"no {named} in the round", fix=fix)
    elif not subject.decided:
        later = "report it once its award was told"
        detail = f"the result of {named} is not published"
        yield Reason(pointer="/application", code="not-decided", detail=detail, fix=later)
    elif subject.award is None and subject.request_stands:
        detail = f"{named} was not awarded to the request"
        yield Reason(pointer="/application", code="no-such-award", detail=detail, fix=fix)


def _beyond(asks: ReportPurchase, award: Award, tolerance: int) -> Iterator[Reason]:
    if asks.quantity > award.quantity:
        detail = f"{asks.quantity} units contracted, {award.quantity} awarded"
        fix = f"state all units of this award that are contracted, {award.quantity} at the most"
        yield Reason(pointer="/quantity", code="above-award", detail=detail, fix=fix)
    most = award.amount_won * (100 + tolerance) // 100
    if asks.amount_won > most:
        within = f" ({tolerance} % more is taken)" if tolerance else ""
        detail = f"{asks.amount_won} won contracted, {award.amount_won} won awarded{within}"
        fix = f"state the sum of what is contracted of this award in won, {most} at the most"
        yield Reason(pointer="/amount_won", code="above-award", detail=detail, fix=fix)


def _on_no_day(day: date, window: RoundWindow, award: Award, now: datetime) -> Iterator[Reason]:
    today = latest_today(window.time_map, now)
    if award.confirmed_at is not None and day < korean_date(award.confirmed_at):
        since = korean_date(award.confirmed_at)
        detail = f"{day} is before the selection was confirmed, on {since}"
        fix = f"state the day of the contract, {since} or later"
        yield Reason(pointer="/contracted_on", code="before-confirmation", detail=detail, fix=fix)
    elif day > today:
        detail, fix = f"{day} is in the future", f"report it when it is contracted; today is {today}"
        yield Reason(pointer="/contracted_on", code="in-the-future", detail=detail, fix=fix)

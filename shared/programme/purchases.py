"""What became of awards: an institution that pledged contracts, says why it does not, or is overdue.

An audit found 36 of 138 conditional purchases made as planned and 58 never, with nobody tracking them. So each award is
to be reported on within 60 days of the confirmation; a last day that is no working day gives way to the next.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from shared.programme.working_days import korean_date, last_day

DUE_DAYS: Final = 60


class State(StrEnum):
    OPEN = "open"
    CONTRACTED = "contracted"
    NOT_PURCHASED = "not-purchased"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The newest an institution said of an award: what it contracted in all, or why nothing."""

    quantity: int | None = None
    amount_won: int | None = None
    contracted_on: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awarded:
    """Units of a product that a request was matched with. `report` is None before there is one."""

    application: str
    product: str
    request: str
    institution: str
    quantity: int
    amount_won: int
    due_on: date | None
    """The last day to report; None of awards confirmed before that was kept."""
    report: Report | None

    def state(self, now: datetime) -> State:
        if self.report is not None:
            return State.CONTRACTED if self.report.contracted_on else State.NOT_PURCHASED
        if self.due_on is not None and korean_date(now) > self.due_on:
            return State.OVERDUE
        return State.OPEN


def due_on(confirmed_at: datetime | None) -> date | None:
    return None if confirmed_at is None else last_day(korean_date(confirmed_at), DUE_DAYS)

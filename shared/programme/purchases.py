"""The state of awards: contracted, not purchased with a reason, or overdue for a report.

An audit found that of 138 conditional purchases 36 were made as planned and 58 never, and that nobody tracked them. So
institutions report on each award within 60 days of the confirmation; if the last day is no working day, the next is.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from shared.programme.working_days import korean_date, last_day

DUE_DAYS: Final = 60


class State(StrEnum):
    """Where an award stands."""

    OPEN = "open"
    CONTRACTED = "contracted"
    NOT_PURCHASED = "not-purchased"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An institution's newest report on an award: the total contracted, or why nothing was."""

    quantity: int | None = None
    amount_won: int | None = None
    contracted_on: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awarded:
    """An award: units of a product for a request. `report` is None until there is one."""

    application: str
    product: str
    request: str
    institution: str
    quantity: int
    amount_won: int
    due_on: date | None
    """The last day to report; None for awards confirmed before that was stored."""
    report: Report | None

    def state(self, now: datetime) -> State:
        """The state at `now`, in programme time."""
        if self.report is not None:
            return State.CONTRACTED if self.report.contracted_on else State.NOT_PURCHASED
        if self.due_on is not None and korean_date(now) > self.due_on:
            return State.OVERDUE
        return State.OPEN


def due_on(confirmed_at: datetime | None) -> date | None:
    """The last day to report on an award confirmed then; None if that time is not known."""
    return None if confirmed_at is None else last_day(korean_date(confirmed_at), DUE_DAYS)

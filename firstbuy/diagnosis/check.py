"""One line of `firstbuy doctor --deployment`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

CLOCK_BOUND: Final = timedelta(seconds=1)
"""As `FIRSTBUY_INTAKE_CLOCK_OFFSET_SECONDS` by default: beyond it intake is not ready."""
END_BOUND: Final = timedelta(days=14)
"""As the alert on certificates that end."""


class State(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Check:
    """`found`: what is there, or why it was not asked. `fix`: what to do where it is wrong, with the command."""

    subject: str
    state: State
    found: str
    fix: str = ""


def right(subject: str, found: str) -> Check:
    return Check(subject, State.OK, found)


def wrong(subject: str, found: str, fix: str) -> Check:
    return Check(subject, State.WRONG, found, fix)


def not_asked(subject: str, why: str) -> Check:
    return Check(subject, State.NOT_ASKED, why)


def all_right_or(faults: Sequence[Check], subject: str, found: str) -> list[Check]:
    """The faults, or one line that says what was compared."""
    return list(faults) or [right(subject, found)]


def certificate(subject: str, ends_at: datetime, now: datetime) -> Check:
    """Whether it lasts for another while."""
    until = f"its certificate ends at {ends_at:%Y-%m-%d %H:%M} UTC"
    if ends_at - now < END_BOUND:
        return wrong(subject, until, "renew it: docs/runbooks.md, Certificate ended")
    return right(subject, until)

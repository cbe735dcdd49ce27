"""Outcomes of attempts to deliver, and the state each leaves a delivery in."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

MAILBOX_UNKNOWN: Final = "mailbox-unknown"
"""The error for an address that does not exist: no mail goes there any more."""
LONGEST_PAUSE: Final = timedelta(minutes=10)


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    GATHERED = "gathered"
    """Sent in another delivery's message, and settled with it."""
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Ending(StrEnum):
    """How one attempt ended."""

    DELIVERED = "delivered"
    LATER = "later"
    """A temporary failure: the same attempt may succeed later."""
    NEVER = "never"
    """This recipient or this message is refused permanently."""
    NOT_TRIED = "not-tried"
    """Nothing was sent: the lease ran out, the service is stopping, or the receiver is known to be unavailable. It does
    not count as an attempt."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt. `in_doubt`: the receiver may have accepted it without our hearing so. `pause`: the
    shortest wait before the next attempt, if the receiver asked for one or is known to be unavailable."""

    ending: Ending
    error: str | None = None
    in_doubt: bool = False
    pause: timedelta = timedelta(0)


DELIVERED: Final = Outcome(Ending.DELIVERED)
NOT_TRIED: Final = Outcome(Ending.NOT_TRIED)


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long and how often a delivery is tried."""

    first_pause: timedelta
    horizon: timedelta

    def pause(self, failures: int) -> timedelta:
        """The pause after so many failures in a row: doubled each time, up to LONGEST_PAUSE."""
        return min(self.first_pause * (1 << min(failures - 1, 20)), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state an attempt leaves a delivery in; a pending one is due again after `pause`."""

    state: State
    error: str | None = None
    pause: timedelta = timedelta(0)
    in_doubt: bool = False
    counts: bool = True
    """Whether the attempt counts as one."""


def settle(outcome: Outcome, attempts: int, tried_for: timedelta, how: Persistence, chance: float) -> Settlement:
    """Decides what follows from an outcome.

    `chance` in [0, 1) spreads pauses over 0.5 to 1.5 times their length, so that failures do not return together.
    """
    match outcome.ending:
        case Ending.DELIVERED:
            return Settlement(State.SENT)
        case Ending.NEVER:
            return Settlement(State.FAILED, outcome.error, in_doubt=outcome.in_doubt)
        case Ending.NOT_TRIED if outcome.pause and tried_for > how.horizon:
            return Settlement(State.FAILED, outcome.error, counts=False)
        case Ending.NOT_TRIED:
            return Settlement(State.PENDING, outcome.error, outcome.pause, counts=False)
        case Ending.LATER:
            pause = max(how.pause(attempts) * (0.5 + chance), outcome.pause)
            if tried_for + pause > how.horizon:
                return Settlement(State.FAILED, outcome.error, in_doubt=outcome.in_doubt)
            return Settlement(State.PENDING, outcome.error, pause, outcome.in_doubt)

"""What an attempt to deliver came to, and what follows from it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

MAILBOX_UNKNOWN: Final = "mailbox-unknown"
"""Of an address nobody has: no mail goes there any more."""
LONGEST_PAUSE: Final = timedelta(minutes=10)


class State(StrEnum):
    WAITING = "waiting"
    GATHERED = "gathered"
    """Said by a digest, and settled with it."""
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Ending(StrEnum):
    DELIVERED = "delivered"
    LATER = "later"
    """A temporary failure: the same may succeed at another time."""
    NEVER = "never"
    """This recipient or this message is refused for good."""
    NOT_TRIED = "not-tried"
    """The lease ran out, the service stops, or the receiver is known to be away: nothing was said, so it is no attempt
    at all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`in_doubt`: the other side may have taken it, though we did not hear so. `pause`: not again before, where the
    other side said so, or is known to be away."""

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
        """After so many failures in a row: doubled each time, up to the longest."""
        return min(self.first_pause * (1 << min(failures - 1, 20)), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state a delivery is left in; while it is pending, after which pause it is due again."""

    state: State
    error: str | None = None
    pause: timedelta = timedelta(0)
    in_doubt: bool = False
    counts: bool = True
    """Whether the attempt counts as one."""


def settle(outcome: Outcome, attempts: int, tried_for: timedelta, how: Persistence, chance: float) -> Settlement:
    """`chance` in [0, 1) spreads the pauses over half to one and a half, so that failures do not return together."""
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

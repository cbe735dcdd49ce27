"""Renewal of a lost token: a new one goes to the entry's own mail address, at a limited rate.

The old token ends when the new one is first used, not when it is asked for: whoever knows a firm's number and address
can ask, and must not shut the firm out in the last minutes before a close.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HOLDS_FOR: Final = timedelta(days=7)
"""Unused; afterwards another has to be requested."""
_APART: Final = timedelta(minutes=10)
_DAY: Final = timedelta(days=1)
_IN_A_DAY: Final = 3


@dataclass(frozen=True, slots=True)
class Renewal:
    """A token that was sent. Moments are real time."""

    generation: int
    token_hash: str
    asked_at: datetime
    used_at: datetime | None = None


def next_generation(sent: Sequence[Renewal], now: datetime) -> int | None:
    """The generation of the token to send now; None where one was sent too recently, or too many within a day."""
    lately = [renewal for renewal in sent if renewal.asked_at > now - _DAY]
    if len(lately) >= _IN_A_DAY or any(renewal.asked_at > now - _APART for renewal in lately):
        return None
    return max((renewal.generation for renewal in sent), default=0) + 1


def in_force(sent: Sequence[Renewal]) -> int:
    """The generation of the token that opens the entry; 0 for the receipt's."""
    return max((renewal.generation for renewal in sent if renewal.used_at is not None), default=0)


def opens(sent: Sequence[Renewal], token_hash: str, now: datetime) -> Renewal | None:
    """The renewal of this token, if it is the newest, unused, and not expired."""
    newest = max(sent, key=lambda renewal: renewal.generation, default=None)
    if newest is None or newest.token_hash != token_hash or newest.used_at is not None:
        return None
    return newest if now < newest.asked_at + HOLDS_FOR else None

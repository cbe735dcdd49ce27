"""A round's window and state: who may still enter, and why not."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.clock import TimeMap
from shared.programme.working_days import korean_date


class RoundStatus(StrEnum):
    ANNOUNCED = "announced"
    OPEN = "open"
    FROZEN = "frozen"
    CONFIRMED = "confirmed"
    FINAL = "final"
    VOID = "void"


class Closed(StrEnum):
    """Why an entry is not taken."""

    NOT_OPEN_YET = "not-open-yet"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundWindow:
    """What admission asks of a round; times are programme time, the window is half-open."""

    round: str
    status: RoundStatus
    opens_at: datetime
    closes_at: datetime
    time_map: TimeMap
    seed: str | None
    """Of a rehearsal: ids and nonces come from it."""

    @property
    def frozen(self) -> bool:
        return self.status not in (RoundStatus.ANNOUNCED, RoundStatus.OPEN)

    def refusal(self, received_at: datetime) -> Closed | None:
        """None when an entry received at this programme time is in."""
        if received_at < self.opens_at:
            return Closed.NOT_OPEN_YET
        if self.frozen or received_at >= self.closes_at:
            return Closed.CLOSED
        return None


def latest_today(clock: TimeMap, now: datetime) -> date:
    """The day in Korea. Of a rehearsal, whose clock is not the wall's, the later of both."""
    return max(korean_date(now), korean_date(clock.programme(now)))


def round_lock(round_id: str) -> int:
    """The advisory lock of a round: admission holds it shared, the freeze exclusively."""
    return int.from_bytes(hashlib.sha256(f"firstbuy-round:{round_id}".encode()).digest()[:8], "big", signed=True)

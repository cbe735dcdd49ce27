"""A round's window and state: who may still enter, and why not."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.clock import TimeMap
from shared.programme.working_days import korean_date


class RoundStatus(StrEnum):
    """The state of a round."""

    ANNOUNCED = "announced"
    OPEN = "open"
    FROZEN = "frozen"
    CONFIRMED = "confirmed"
    FINAL = "final"
    VOID = "void"


class Closed(StrEnum):
    """Why an entry is not accepted."""

    NOT_OPEN_YET = "not-open-yet"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundWindow:
    """The window of a round, in programme time, half-open."""

    round: str
    status: RoundStatus
    opens_at: datetime
    closes_at: datetime
    time_map: TimeMap
    seed: str | None
    """Seed of a rehearsal, from which ids and nonces follow."""

    @property
    def frozen(self) -> bool:
        """True once the set is fixed, or the round is void."""
        return self.status not in (RoundStatus.ANNOUNCED, RoundStatus.OPEN)

    def refusal(self, received_at: datetime) -> Closed | None:
        """Why an entry received at this programme time is refused; None when it is accepted."""
        if received_at < self.opens_at:
            return Closed.NOT_OPEN_YET
        if self.frozen or received_at >= self.closes_at:
            return Closed.CLOSED
        return None


def latest_today(clock: TimeMap, now: datetime) -> date:
    """The day in Korea. For a rehearsal, whose clock differs from real time, the later of the two days."""
    return max(korean_date(now), korean_date(clock.programme(now)))


def round_lock(round_id: str) -> int:
    """The key of a round's advisory lock: admission holds it shared, the freeze exclusively."""
    return int.from_bytes(hashlib.sha256(f"firstbuy-round:{round_id}".encode()).digest()[:8], "big", signed=True)

"""Decides when a registry may be asked. Pure: seconds of a monotonic clock are arguments.

A number of calls per second, with growing pauses after failures, and one call at a time while it is down.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

LONGEST_PAUSE = 600.0


class Circuit(StrEnum):
    """Whether the registry is asked normally."""

    CLOSED = "closed"
    OPEN = "open"
    """Too many calls failed in a row: one is tried at a time, after long pauses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The pace of calls to one registry, as a value."""

    calls_per_second: float
    failures_to_open: int
    first_pause: float
    """Seconds after the first failure; doubled after each that follows it."""
    open_pause: float
    """Seconds between trials while the circuit is open."""
    failures: int = 0
    not_before: float = 0.0

    @property
    def circuit(self) -> Circuit:
        """Open after `failures_to_open` failures in a row."""
        return Circuit.OPEN if self.failures >= self.failures_to_open else Circuit.CLOSED

    def wait(self, now: float) -> float:
        """Seconds until the next call may be made."""
        return max(0.0, self.not_before - now)

    def called(self, now: float) -> "Gate":
        """After a call was begun."""
        return replace(self, not_before=max(self.not_before, now) + 1 / self.calls_per_second)

    def answered(self) -> "Gate":
        """After a call was answered."""
        return replace(self, failures=0)

    def failed(self, now: float, retry_after: float, chance: float) -> "Gate":
        """After a call failed. `chance` in [0, 1) spreads pauses over half to one and a half times their length; a
        longer `retry_after` of the registry is respected."""
        failed = replace(self, failures=self.failures + 1)
        pause = self.open_pause
        if failed.circuit is Circuit.CLOSED:
            pause = min(self.first_pause * 2 ** min(self.failures, 20), LONGEST_PAUSE)
        wait = max(pause * (0.5 + chance), retry_after)
        return replace(failed, not_before=max(self.not_before, now + wait))

"""Measures how far this server's clock, which stamps receipts, is from the database's, which all replicas share."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, Gauge

from services.intake.storage.rounds import database_now
from shared.clock import Clock
from shared.service.postgres import Pool, connected


class ClockOffset:
    """Not ready while the clocks differ by more than `bound` for certain: replicas would close at different moments."""

    def __init__(self, clock: Clock, bound: timedelta, registry: CollectorRegistry) -> None:
        self._clock = clock
        self._bound = bound
        self._least: timedelta | None = None
        self._gauge = Gauge("firstbuy_clock_offset_seconds", "Server's clock minus the database's", registry=registry)

    async def measure(self, pool: Pool) -> None:
        """A periodic job. The database answers between request and response: half of that time is the uncertainty."""
        async with connected(pool) as connection:
            asked = self._clock.now()
            answered = await database_now(connection)
            heard = self._clock.now()
        uncertain = (heard - asked) / 2
        offset = asked + uncertain - answered
        self._gauge.set(offset.total_seconds())
        self._least = max(timedelta(0), abs(offset) - uncertain)

    def missing(self) -> str | None:
        """What keeps the service from being ready, or None."""
        if self._least is None:
            return "not measured yet"
        if self._least > self._bound:
            return f"at least {self._least.total_seconds():.3f} s from the database's: set the clock"
        return None

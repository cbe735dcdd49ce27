"""Metrics by round, as intake knows it: its window, what is admitted, and whether the freeze is late."""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from services.intake.domain.rounds import RoundStatus
from services.intake.storage import measures, rounds
from services.intake.storage.rounds import StoredRound
from shared.clock import Clock
from shared.service.postgres import Pool, connected

_SHOWN: Final = (RoundStatus.ANNOUNCED, RoundStatus.OPEN, RoundStatus.FROZEN)


class RoundMetrics:
    """Of rounds without a confirmed result; times are real ones, also in a rehearsal."""

    def __init__(self, clock: Clock, registry: CollectorRegistry) -> None:
        self._clock = clock

        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(f"firstbuy_round_{name}", says, ["round", *labels], registry=registry)

        self._status = gauge("status", "1 for the status that the round has", "status")
        self._opens = gauge("opens_at_seconds", "When the window begins, in Unix time")
        self._closes = gauge("closes_at_seconds", "When the window ends, in Unix time")
        self._past_close = gauge("past_close_seconds", "Seconds past the close without a freeze")
        self._admitted = gauge("admitted", "Applications that stand")
        self._contested = gauge("contested", "Applications that stand and are contested")

    async def refresh(self, pool: Pool) -> None:
        """Sets all metrics anew."""
        async with connected(pool) as connection:
            found = await rounds.going_on(connection)
            counts = await measures.counts(connection, [stored.window.round for stored in found])
        for metric in (
            self._status,
            self._opens,
            self._closes,
            self._past_close,
            self._admitted,
            self._contested,
        ):
            metric.clear()
        for stored in found:
            self._set(stored)
            admitted, contested = counts[stored.window.round]
            self._admitted.labels(stored.window.round).set(admitted)
            self._contested.labels(stored.window.round).set(contested)

    def _set(self, stored: StoredRound) -> None:
        window = stored.window
        closes = window.time_map.real(window.closes_at)
        late = (self._clock.now() - closes).total_seconds() if window.status is RoundStatus.OPEN else 0.0
        for status in _SHOWN:
            self._status.labels(window.round, status.value).set(window.status is status)
        self._opens.labels(window.round).set(window.time_map.real(window.opens_at).timestamp())
        self._closes.labels(window.round).set(closes.timestamp())
        self._past_close.labels(window.round).set(max(0.0, late))

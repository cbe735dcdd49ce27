"""Metrics of deliveries, by channel."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.notify.domain.attempts import State
from services.notify.storage import measures
from shared.contracts.events import Channel
from shared.service.postgres import Pool, connected

_SECONDS: Final = (1, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
_ENDED: Final = (State.SENT, State.FAILED, State.PENDING)


class DeliveryMetrics:
    """Attempts settled, how long a delivery took, and what is due now."""

    def __init__(self, registry: CollectorRegistry) -> None:
        by_channel = ["channel"]
        self.settled = Counter("firstbuy_notices", "Attempts settled", ["kind", "channel", "state"], registry=registry)
        self._deliveries = Counter(
            "firstbuy_deliveries", "Attempts settled, of any kind", ["channel", "state"], registry=registry
        )
        self._seconds = Histogram(
            "firstbuy_notice_seconds",
            "Seconds from when a notice is owed until it is sent",
            by_channel,
            buckets=_SECONDS,
            registry=registry,
        )
        self._due = Gauge("firstbuy_deliveries_due", "Deliveries that are due", by_channel, registry=registry)
        self._overdue = Gauge(
            "firstbuy_delivery_overdue_seconds", "How long the first has been due", by_channel, registry=registry
        )
        for channel in Channel:
            self._seconds.labels(channel.value)
            self._set(channel.value, 0, 0)
            for state in _ENDED:
                self._deliveries.labels(channel.value, state.value)

    def count(self, kind: str, channel: str, state: State, attempts: int) -> None:
        """Counts settled attempts."""
        self.settled.labels(kind, channel, state.value).inc(attempts)
        self._deliveries.labels(channel, state.value).inc(attempts)

    def took(self, channel: str, seconds: float) -> None:
        """Notes how long a delivery took that is sent."""
        self._seconds.labels(channel).observe(seconds)

    async def refresh(self, pool: Pool) -> None:
        """Sets what is due anew."""
        async with connected(pool) as connection:
            found = await measures.due(connection)
        for channel in Channel:
            self._set(channel.value, *found.get(channel.value, (0, 0)))

    def _set(self, channel: str, due: int, overdue: float) -> None:
        self._due.labels(channel).set(due)
        self._overdue.labels(channel).set(overdue)

"""Metrics by round, as eligibility knows it: what is judged, what waits, and what differs from intake's manifest."""

from prometheus_client import CollectorRegistry, Gauge

from services.eligibility.storage import measures
from shared.service.postgres import Pool, connected


class RoundMetrics:
    """Of rounds that are open, or were frozen within 30 days."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, says: str) -> Gauge:
            return Gauge(f"firstbuy_{name}", says, ["round"], registry=registry)

        self._judged = gauge("round_judged", "Applications that stand and have a verdict")
        self._parked = gauge("round_parked", "Applications that could not be judged")
        self._waiting = gauge("round_waiting", "Applications that wait for the round's policy")
        self._pending = gauge("round_pending", "Applications that wait for a registry")
        self._frozen = gauge("round_frozen", "Applications of the manifest of a frozen round")
        self._mismatches = gauge("bucket_mismatches", "Buckets of judged applications that differ from the manifest")

    def differ(self, round_id: str, buckets: int) -> None:
        """Notes how many buckets of a frozen round differ, when that was looked at."""
        self._mismatches.labels(round_id).set(buckets)

    async def refresh(self, pool: Pool) -> None:
        """Sets all but the mismatches anew."""
        async with connected(pool) as connection:
            found = await measures.counts(connection)
        for metric in (self._judged, self._parked, self._waiting, self._pending, self._frozen):
            metric.clear()
        for count in found:
            self._judged.labels(count.round).set(count.judged)
            self._parked.labels(count.round).set(count.parked)
            self._waiting.labels(count.round).set(count.waiting)
            self._pending.labels(count.round).set(count.pending)
            if count.frozen is not None:
                self._frozen.labels(count.round).set(count.frozen)

"""Metrics that need a query: refreshed by a periodic job, never by a scrape, and at most a twentieth of the time."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from shared.kafka.storage import count_parked
from shared.service.ends import KINDS, seconds_left
from shared.service.metrics import Metrics
from shared.service.outbox import unpublished
from shared.service.postgres import Pool, connected
from shared.service.settings import ServiceSettings

EVERY_SECONDS: Final = 5.0
_ENDS_EVERY_SECONDS: Final = 600.0
_REST: Final = 20


@dataclass(slots=True)
class _Measured:
    measure: Callable[[Pool], Awaitable[None]]
    every: float = 0.0
    due_at: float = 0.0


class Measures:
    """Runs measurements one after the other. One that takes long rests for twenty times as long."""

    def __init__(self, metrics: Metrics, settings: ServiceSettings) -> None:
        self._metrics = metrics
        self._settings = settings
        self._due = [_Measured(self._stores), _Measured(self._ends, _ENDS_EVERY_SECONDS)]
        for kind in KINDS:
            metrics.ends.labels(kind).set(inf)

    def add(self, measure: Callable[[Pool], Awaitable[None]]) -> None:
        """Adds a service's own."""
        self._due.append(_Measured(measure))

    async def measure(self, pool: Pool) -> None:
        """A periodic job: one pass over those that are due."""
        for each in self._due:
            started = time.monotonic()
            if started >= each.due_at:
                await each.measure(pool)
                ended = time.monotonic()
                each.due_at = ended + max(each.every, (ended - started) * _REST)

    async def _stores(self, pool: Pool) -> None:
        async with connected(pool) as connection:
            batches, age = await unpublished(connection)
            parked = await count_parked(connection)
        self._metrics.outbox_batches.set(batches)
        self._metrics.outbox_age.set(age)
        self._metrics.parked.set(parked)
        size, idle = pool.get_size(), pool.get_idle_size()
        for state, count in (("used", size - idle), ("idle", idle), ("most", pool.get_max_size())):
            self._metrics.connections.labels(state).set(count)

    async def _ends(self, pool: Pool) -> None:
        for kind, seconds in (await seconds_left(self._settings)).items():
            self._metrics.ends.labels(kind).set(seconds)

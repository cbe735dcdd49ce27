"""The replay gate: nothing is sent, gathered or given up until notify has re-read its own deliveries.v1.

A database that lost deliveries gets them back from that topic (`handlers.keep_deliveries`). At the start, all sending
waits until the topic has been read up to where it ended then. That takes time only after a loss.
"""

import asyncio

import structlog
from aiokafka.errors import KafkaError

from shared.kafka.own import OwnTopic
from shared.service.postgres import Pool
from shared.service.repeating import Job

_log = structlog.get_logger()


class ReplayGate:
    """Blocks sending until deliveries.v1 has been re-read. It starts closed."""

    def __init__(self, own: OwnTopic) -> None:
        self._own = own
        self._opened = asyncio.Event()

    def missing(self) -> str | None:
        """What readiness waits for; None once the gate is open."""
        return None if self._opened.is_set() else "reads what it has told"

    def once_open(self, job: Job) -> Job:
        """The job, started only once the gate is open."""

        async def gated() -> None:
            await self._opened.wait()
            await job()

        return gated

    async def open(self, pool: Pool) -> None:
        """A periodic job: opens the gate once everything published before the start is in the database."""
        if self._opened.is_set():
            return
        try:
            if await self._own.read_back(pool):
                self._opened.set()
        except KafkaError as error:
            _log.warning("waits for Kafka", job="told", error=str(error))

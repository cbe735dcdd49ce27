"""Nothing is sent, gathered or given up before notify knows what it has told: a database that lost it reads it on
deliveries.v1.

What was announced there is settled here again (`handlers.keep_told`). So, at the start, all that waits until the topic
has been read up to where it ended then: at once, but after a loss and at the first start of a version that reads it.
"""

import asyncio

import structlog
from aiokafka.errors import KafkaError

from shared.kafka.own import OwnTopic
from shared.service.postgres import Pool
from shared.service.runtime import Job

_log = structlog.get_logger()


class ReplayGate:
    """Closed at first."""

    def __init__(self, own: OwnTopic) -> None:
        self._own = own
        self._opened = asyncio.Event()

    def missing(self) -> str | None:
        """For readiness."""
        return None if self._opened.is_set() else "reads what it has told"

    def once_open(self, job: Job) -> Job:
        """The job, begun when it is known what was told."""

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

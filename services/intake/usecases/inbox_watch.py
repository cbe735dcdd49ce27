"""Detects unreadable inboxes and why, since a freeze would wait for them silently."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError
from prometheus_client import CollectorRegistry, Gauge

from services.intake.storage import institutions
from shared.kafka.provision import ProvisioningError, absent
from shared.service.postgres import Pool, connected
from shared.service.settings import KafkaSettings

_log = structlog.get_logger()


class Trouble(StrEnum):
    """Why an inbox can't be read."""

    NO_RIGHT = "no-right"
    NOT_THERE = "not-there"
    MADE_ANEW = "made-anew"
    """Recreated, and shorter than what was read of it. Its messages would be answered under ids that were used."""
    UNREADABLE = "unreadable"


BLOCKING: Final = frozenset({Trouble.NO_RIGHT, Trouble.NOT_THERE, Trouble.UNREADABLE})
"""Troubles that hold up a freeze: the inbox may hold messages sent in time. A recreated inbox holds none of them."""


_TROUBLE_BY_ERROR: Final = {
    TopicAuthorizationFailedError: Trouble.NO_RIGHT,
    UnknownTopicOrPartitionError: Trouble.NOT_THERE,
}


class InboxWatch:
    """The unreadable inboxes, as this replica last saw them."""

    def __init__(
        self, kafka: KafkaSettings, make_consumer: Callable[[], Any], registry: CollectorRegistry | None = None
    ) -> None:
        self._kafka = kafka
        self._make_consumer = make_consumer
        self._looked = float("-inf")
        self._gauge = Gauge(
            "firstbuy_inboxes_unreadable", "Registered inboxes that can't be read", ["trouble"], registry=registry
        )
        self.unreadable: dict[str, Trouble] = {}

    async def look(self, pool: Pool, *, not_before: float = float("inf")) -> None:
        """A periodic job: checks every registered inbox, unless it did since `not_before` (monotonic clock)."""
        if self._looked >= not_before:
            return
        async with connected(pool) as connection:
            stored = await institutions.inbox_offsets(connection)
        began = time.monotonic()
        try:
            self._note(await self._troubles(stored) if stored else {})
        except (KafkaError, ProvisioningError) as error:
            _log.warning("waits for Kafka", job="inbox watch", error=str(error))
        else:
            self._looked = began

    def found(self, topic: str, error: KafkaError) -> None:
        """Notes an error while reading; the next look tells whether it persists."""
        refused = isinstance(error, TopicAuthorizationFailedError)
        _log.error("can't read inbox", topic=topic, error=f"{type(error).__name__}: {error}")
        self._note(self.unreadable | {topic: Trouble.NO_RIGHT if refused else Trouble.UNREADABLE})

    def blocking(self) -> dict[str, str]:
        """Inboxes that hold up a freeze, with their trouble."""
        return {topic: trouble.value for topic, trouble in self.unreadable.items() if trouble in BLOCKING}

    def made_anew(self) -> list[str]:
        """Topics that were recreated."""
        return sorted(topic for topic, trouble in self.unreadable.items() if trouble is Trouble.MADE_ANEW)

    async def _troubles(self, stored: Mapping[str, int]) -> dict[str, Trouble]:
        """The troubles of registered inboxes. `stored` has to be read before the ends are."""
        unseen = await absent(list(stored), self._kafka)
        # A leader election is no trouble.
        troubles = {name: _TROUBLE_BY_ERROR[error] for name, error in unseen.items() if error in _TROUBLE_BY_ERROR}
        ends = await self.ends([name for name in stored if name not in unseen])
        return troubles | {name: Trouble.MADE_ANEW for name, end in ends.items() if end < stored[name]}

    async def ends(self, names: list[str]) -> dict[str, int]:
        """The end offsets the inboxes have now."""
        consumer = self._make_consumer()
        try:
            await consumer.start()
            places = [TopicPartition(name, 0) for name in names]
            consumer.assign(places)  # one metadata request for all; one by one they would take 0.1 s each
            return {place.topic: end for place, end in (await consumer.end_offsets(places)).items()} if places else {}
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), 10)

    def _note(self, troubles: dict[str, Trouble]) -> None:
        for topic, trouble in troubles.items():
            if self.unreadable.get(topic) is not trouble:
                _log.error("inbox can't be read", topic=topic, trouble=trouble.value)
        for topic in self.unreadable.keys() - troubles.keys():
            _log.info("inbox can be read again", topic=topic)
        self.unreadable = troubles
        for kind in Trouble:
            self._gauge.labels(kind.value).set(sum(trouble is kind for trouble in troubles.values()))

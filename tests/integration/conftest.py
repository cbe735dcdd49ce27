"""What several modules of these tests start."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.kafka.producer import EventProducer
from shared.telemetry import open_metrics
from tests.conftest import StartStack
from tests.integration.notified import Notified, Notify


@pytest.fixture
async def notify(start_stack: StartStack) -> AsyncIterator[Notify]:
    producers: list[EventProducer] = []

    async def start(**options: Any) -> Notified:
        stack = await start_stack(services=("notify",), **options)
        kafka = stack.kafka.settings
        producer = EventProducer(kafka, "test", stack.topic_prefix, open_metrics())
        await producer.start()
        producers.append(producer)
        return Notified(stack, producer)

    yield start
    for producer in producers:
        await producer.stop()

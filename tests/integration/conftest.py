"""What several modules of these tests start."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.postgres import PostgresServer, drop_database
from services.notify.settings import NotifySettings
from shared.kafka.producer import EventProducer
from shared.service.telemetry import open_metrics
from tests.conftest import StartStack
from tests.support.notified import Notified, Notify
from tests.support.restoring import Backups

NO_RATES = {f"FIRSTBUY_NOTIFY_MAILS_PER_MAILBOX_{length}": "0" for length in ("HOUR", "DAY")}
"""The contact of golden messages is one person, and most of these tests send many mails."""

DEFAULT_RATES = {
    f"FIRSTBUY_NOTIFY_{name.upper()}": str(NotifySettings.model_fields[name].default)
    for name in ("mails_per_mailbox_hour", "mails_per_mailbox_day", "mails_per_domain_hour", "mails_per_network_hour")
}


@pytest.fixture
async def notify(start_stack: StartStack) -> AsyncIterator[Notify]:
    producers: list[EventProducer] = []

    async def start(environment: dict[str, str] = NO_RATES, **options: Any) -> Notified:
        stack = await start_stack(services=("notify",), environment=NO_RATES | environment, **options)
        kafka = stack.kafka.settings
        producer = EventProducer(kafka, "test", stack.topic_prefix, open_metrics())
        await producer.start()
        producers.append(producer)
        return Notified(stack, producer)

    yield start
    for producer in producers:
        await producer.stop()


@pytest.fixture
async def backups(postgres_server: PostgresServer) -> AsyncIterator[Backups]:
    made = Backups(postgres_server)
    yield made
    for name in made.names:
        await drop_database(postgres_server.url, name)

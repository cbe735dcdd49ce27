"""A notify that runs, what is published to it and what it sent."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from aiokafka import AIOKafkaConsumer

from deploy.local.stack import Stack
from firstbuy.onboarding.cluster import Cluster
from shared.contracts import topics
from shared.kafka.cloudevents import Outgoing, event_id
from shared.kafka.producer import EventProducer

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
NOW = datetime(2018, 9, 3, tzinfo=UTC)
ROUND = "2018-h2"
Facts = dict[str, Any]


def golden(name: str, **changes: Any) -> Facts:
    return {**json.loads((GOLDEN / f"{name}.v1.1.json").read_text()), **changes}


def event(topic: topics.Topic, key: str, name: str, *, trace: str | None = None, **changes: Any) -> Outgoing:
    body = json.dumps(golden(name, **changes), ensure_ascii=False).encode()
    identifier = event_id("test", name, str(changes))
    return Outgoing(
        topic=topic.name, key=key, type=name, id=identifier, subject=key, time=NOW, body=body, traceparent=trace
    )


def opened(*institutions: str) -> Outgoing:
    invited = [{"institution": code, "pledge_won": 1_000_000_000} for code in institutions]
    return event(topics.ROUNDS, ROUND, "RoundOpened", institutions=invited)


def submitted(application: str, party: str, version: int = 1, trace: str | None = None) -> Outgoing:
    changes = {"application": application, "party": party, "version": version}
    return event(topics.APPLICATIONS, application, "ApplicationSubmitted", trace=trace, **changes)


def contact(party: str, **changes: Any) -> Outgoing:
    return event(topics.CONTACTS, party, "ContactChanged", party=party, **changes)


def erased(party: str) -> Outgoing:
    return Outgoing(
        topic=topics.CONTACTS.name,
        key=party,
        type="ContactChanged",
        id=event_id("erased", party),
        subject=party,
        time=NOW,
        body=None,
    )


def ids(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def mails_in(stack: Stack) -> list[EmailMessage]:
    files = sorted(stack.mail_folder.glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=default) for file in files]


class Notified:
    """A running notify, what is published to it, and what it sent."""

    def __init__(self, stack: Stack, producer: EventProducer) -> None:
        self.stack = stack
        self._producer = producer

    async def publish(self, *events: Outgoing) -> None:
        await self._producer.publish(events)

    async def onboard(self, *institutions: str) -> None:
        kafka = self.stack.kafka
        await Cluster(kafka.settings, self.stack.topic_prefix, kafka.own_users).join(institutions)

    def mails(self) -> list[EmailMessage]:
        return mails_in(self.stack)

    def message_ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails()]

    async def told(self) -> Any:
        async with httpx2.AsyncClient() as client:
            return (await client.get(f"{self.stack.url('notify')}/rounds/{ROUND}/deliveries")).json()

    async def until(self, condition: Callable[[Any], bool], seconds: float = 30) -> Any:
        end = time.monotonic() + seconds
        while True:
            try:
                found = await self.told()
            except httpx2.TransportError as error:  # while it is down
                found = {"error": str(error)}
            if "error" not in found and condition(found):
                return found
            assert time.monotonic() < end, (found, self.stack.log("notify"))
            await asyncio.sleep(0.1)

    async def records(self, topic: str, count: int, seconds: float = 20) -> list[Any]:
        """At least `count` events, and any that come within half a second after. An event may be published twice
        under one id, which makes it one."""
        consumer = AIOKafkaConsumer(
            self.stack.topic_prefix + topic,
            **self.stack.kafka.settings.client_arguments(),
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            found: dict[bytes, Any] = {}
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                batches = await consumer.getmany(timeout_ms=500)
                found |= {dict(one.headers)["ce_id"]: one for batch in batches.values() for one in batch}
                if not batches and len(found) >= count:
                    break
            return list(found.values())
        finally:
            await consumer.stop()

    async def rows(self, sql: str, *arguments: Any) -> Sequence[Any]:
        connection = await asyncpg.connect(self.stack.database_url("notify"))
        try:
            found: Sequence[Any] = await connection.fetch(sql, *arguments)
            return found
        finally:
            await connection.close()


Notify = Callable[..., Awaitable[Notified]]


def all_sent(count: int, channel: str = "mail") -> Callable[[Any], bool]:
    return lambda told: told["channels"].get(channel, {}).get("sent") == count and told["settled"]

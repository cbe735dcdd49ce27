"""The institutions' side of Kafka: plain producers into their inboxes, as any institution would write one."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from aiokafka import AIOKafkaProducer

from firstbuy.demo.demand import Message
from shared.contracts import topics
from shared.contracts.access import institution_user
from shared.service.settings import KafkaSettings

Sent = dict[tuple[str, str], Message]
"""By institution and by what the answer quotes: the message's own id, else its offset."""


class InboxWriters:
    """Each institution's own producer, as its own user; where Kafka has no users, as whoever we are."""

    def __init__(self, kafka: KafkaSettings, prefix: str) -> None:
        self._kafka = kafka
        self._prefix = prefix
        self._producers: dict[str, AIOKafkaProducer] = {}
        self.sent: Sent = {}

    async def start(self, institutions: Iterable[str], passwords: Mapping[str, str]) -> None:
        for code in institutions:
            kafka = self._kafka
            if code in passwords:
                kafka = kafka.as_user(institution_user(self._prefix, code), passwords[code])
            client = kafka.client_arguments()
            self._producers[code] = AIOKafkaProducer(acks="all", enable_idempotence=True, **client)
        await asyncio.gather(*(producer.start() for producer in self._producers.values()))

    async def stop(self) -> None:
        await asyncio.gather(*(producer.stop() for producer in self._producers.values()))

    async def write(self, messages: Sequence[Message], *, over_seconds: float = 0.0) -> None:
        """Each institution's in their order, all institutions side by side."""
        by_institution: dict[str, list[Message]] = {}
        for message in messages:
            by_institution.setdefault(message.institution, []).append(message)

        async def writer(own: list[Message]) -> None:
            for message in own:
                await self._write(message)
                await asyncio.sleep(over_seconds / len(own))

        await asyncio.gather(*map(writer, by_institution.values()))

    async def _write(self, message: Message) -> None:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_type", f"kr.firstbuy.{message.type}.v1".encode()),
            ("ce_source", f"/institution/{message.institution}".encode()),
            ("content-type", b"application/json"),
        ]
        if message.id is not None:
            headers.append(("ce_id", message.id.encode()))
        topic = self._prefix + topics.inbox(message.institution).name
        place = await self._producers[message.institution].send_and_wait(
            topic, message.body, key=message.id and message.id.encode(), headers=headers
        )
        self.sent[message.institution, message.id or f"offset:{place.offset}"] = message

"""The institutions' side of Kafka: plain producers into their inboxes, as any institution would write one."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.demo.demand import Message
from shared.contracts import topics

Sent = dict[tuple[str, str], Message]
"""By institution and by what the answer quotes: the message's own id, else its offset."""


class Desks:
    """All institutions' producers in one."""

    def __init__(self, client: dict[str, Any], prefix: str) -> None:
        self._producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **client)
        self._prefix = prefix
        self.sent: Sent = {}

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def write(self, messages: Sequence[Message], *, over_seconds: float = 0.0) -> None:
        """Each institution's in their order, all institutions side by side."""
        by_institution: dict[str, list[Message]] = {}
        for message in messages:
            by_institution.setdefault(message.institution, []).append(message)

        async def desk(own: list[Message]) -> None:
            for message in own:
                await self._write(message)
                await asyncio.sleep(over_seconds / len(own))

        await asyncio.gather(*map(desk, by_institution.values()))

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
        place = await self._producer.send_and_wait(
            topic, message.body, key=message.id and message.id.encode(), headers=headers
        )
        self.sent[message.institution, message.id or f"offset:{place.offset}"] = message

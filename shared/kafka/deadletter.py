"""Dead letters: the unchanged record, with its origin and the reason it was parked."""

from typing import Any

from shared.contracts.topics import CONTACTS, dead_letters
from shared.kafka.producer import EventProducer


class DeadLetters:
    """Publishes to `<topic>.<group>.dlq`. For contacts, only the coordinates go there: no personal data."""

    def __init__(self, producer: EventProducer, prefix: str, service: str) -> None:
        self._producer = producer
        self._prefix = prefix
        self._service = service

    async def __call__(self, record: Any, error: str, detail: str, attempts: int) -> None:
        name = record.topic.removeprefix(self._prefix)
        bare = name == CONTACTS.name
        headers = [] if bare else [(key, value or b"") for key, value in record.headers]
        headers += [
            ("firstbuy_origin", f"{record.topic}/{record.partition}/{record.offset}".encode()),
            ("firstbuy_error", error.encode()),
            ("firstbuy_detail", b"" if bare else detail.encode(errors="replace")),
            ("firstbuy_attempts", str(attempts).encode()),
        ]
        await self._producer.publish_raw(
            self._prefix + dead_letters(name, self._service).name,
            key=None if bare else record.key,
            value=b"" if bare else record.value,
            headers=headers,
        )

"""Dead letters: the unchanged record, with its origin and the reason it was parked."""

from collections import defaultdict
from collections.abc import Sequence

from shared.contracts.topics import CONTACTS, dead_letters
from shared.kafka.producer import EventProducer, RawRecord
from shared.kafka.records import Faulty


class DeadLetters:
    """Publishes to `<topic>.<group>.dlq`. For contacts, only the coordinates go there: no personal data."""

    def __init__(self, producer: EventProducer, prefix: str, service: str) -> None:
        self._producer = producer
        self._prefix = prefix
        self._service = service

    async def __call__(self, records: Sequence[Faulty]) -> None:
        by_topic: dict[str, list[RawRecord]] = defaultdict(list)
        for parked in records:
            name = parked.record.topic.removeprefix(self._prefix)
            by_topic[self._prefix + dead_letters(name, self._service).name].append(self._raw(name, parked))
        for topic, raw in by_topic.items():
            await self._producer.publish_raw(topic, raw)

    def _raw(self, name: str, faulty: Faulty) -> RawRecord:
        record, bare = faulty.record, name == CONTACTS.name
        headers = [] if bare else [(key, value or b"") for key, value in record.headers]
        headers += [
            ("firstbuy_origin", f"{record.topic}/{record.partition}/{record.offset}".encode()),
            ("firstbuy_error", faulty.error.encode()),
            ("firstbuy_detail", b"" if bare else faulty.detail.encode(errors="replace")),
            ("firstbuy_attempts", str(faulty.attempts).encode()),
        ]
        return RawRecord(None if bare else record.key, b"" if bare else record.value, headers)

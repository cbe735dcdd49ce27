"""Decodes consumed records: the envelope's attributes and the contract in the body; names what can't be taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.clock import broker_time
from shared.contracts.topics import CONTACTS, Topic
from shared.contracts.values import Contract
from shared.kafka.cloudevents import trace_of, type_name

Body_co = TypeVar("Body_co", bound=Contract, covariant=True)
Model = TypeVar("Model", bound=Contract)
DETAIL_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Generic[Body_co]):
    """One event as read. `raw` is the JSON as sent; hashes are made of `raw`, not of `body`."""

    id: str
    type: str
    body: Body_co
    raw: bytes
    topic: str
    partition: int
    offset: int
    appended_at: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A record without a value: what its key names is to be erased."""

    key: str
    topic: str
    partition: int
    offset: int


def events_of(batch: Sequence["Event[Contract] | Tombstone"], kind: type[Model]) -> list["Event[Model]"]:
    """The events of a batch that carry a `kind`, in order."""
    return [event for event in batch if isinstance(event, Event) and isinstance(event.body, kind)]  # type: ignore[misc]


class UnreadableRecordError(ValueError):
    """The record does not match its topic's contract."""

    code = "unreadable-record"


class Decoder:
    """Decodes the records of one topic. Unknown event types are skipped, since contracts grow."""

    def __init__(self, topic: Topic) -> None:
        self._adapters: Mapping[str, TypeAdapter[Contract]] = {
            model.__name__: TypeAdapter(model) for model in topic.events
        }

    def decode(self, record: Any) -> Event[Contract] | Tombstone | None:
        """An event, a tombstone, or None for a type this version does not know. Raises UnreadableRecordError."""
        if record.value is None:
            return Tombstone((record.key or b"").decode(), record.topic, record.partition, record.offset)
        try:
            headers = {name: value.decode() for name, value in record.headers if value is not None}
            kind, identifier = type_name(headers["ce_type"]), headers["ce_id"]
            adapter = self._adapters.get(kind)
            if adapter is None:
                return None
            body = adapter.validate_json(record.value)
        except KeyError as error:
            raise UnreadableRecordError(f"header {error.args[0]} is missing") from error
        except UnicodeDecodeError as error:
            raise UnreadableRecordError("a header is not UTF-8") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            pointer = "/" + "/".join(map(str, first["loc"]))
            raise UnreadableRecordError(f"{kind} {pointer}: {first['msg']}") from error
        return Event(
            id=identifier,
            type=kind,
            body=body,
            raw=record.value,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            appended_at=broker_time(record.timestamp),
            traceparent=trace_of(headers.get("traceparent")),
        )


@dataclass(frozen=True, slots=True)
class Faulty:
    """A record that can't be taken, and why. Without a detail where it may quote personal data."""

    record: Any
    event_id: str | None
    error: str
    detail: str
    attempts: int


def faulty(record: Any, error: Exception, attempts: int) -> Faulty:
    """The record with its error's code and text. An error may quote the record, and the personal data of contacts.v1
    may be nowhere else."""
    bare = record.topic.endswith(CONTACTS.name)
    return Faulty(
        record,
        next((value.decode(errors="replace") for name, value in record.headers if name == "ce_id" and value), None),
        getattr(error, "code", None) or type(error).__name__,
        "" if bare else str(error)[:DETAIL_CHARACTERS].replace("\x00", "␀"),
        attempts,
    )

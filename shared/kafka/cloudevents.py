"""CloudEvents 1.0 over Kafka in binary mode: attributes in `ce_` headers, the contract's JSON as the body."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.contracts.values import Contract

TYPE_PREFIX: Final = "kr.firstbuy."
TYPE_SUFFIX: Final = ".v1"
SCHEMA_PREFIX: Final = "urn:firstbuy:schema:"
NAMESPACE: Final = uuid.UUID("6f0c2b3e-5d0e-5c86-9d55-1f1b0d7c2a18")
"""Of event ids derived from business keys (UUIDv5)."""

Header = tuple[str, bytes]


def event_id(*business_key: str | int) -> str:
    """The same id for the same fact, whoever publishes it how often."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(map(str, business_key))))


def type_name(ce_type: str) -> str:
    """`RoundOpened` of `kr.firstbuy.RoundOpened.v1`; a foreign type as it is."""
    return ce_type.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event ready to publish: where, under which key, and what its envelope says."""

    topic: str
    key: str
    type: str
    id: str
    subject: str
    time: datetime
    body: bytes | None
    traceparent: str | None = None


def outgoing(
    topic: str, key: str, event: Contract, *, event_id: str, time: datetime, traceparent: str | None = None
) -> Outgoing:
    """An event of our own under its key, which is also its subject."""
    body = event.model_dump_json().encode()
    return Outgoing(topic, key, type(event).__name__, event_id, key, time, body, traceparent)


def headers_of(event: Outgoing, source: str) -> list[Header]:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_type", f"{TYPE_PREFIX}{event.type}{TYPE_SUFFIX}".encode()),
        ("ce_source", f"/firstbuy/{source}".encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", event.time.isoformat().replace("+00:00", "Z").encode()),
        ("ce_dataschema", f"{SCHEMA_PREFIX}{event.type}:1".encode()),
        ("content-type", b"application/json"),
    ]
    if event.traceparent:
        headers.append(("traceparent", event.traceparent.encode()))
    return headers

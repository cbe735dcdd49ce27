"""CloudEvents 1.0 over Kafka in binary mode: attributes in `ce_` headers, the contract's JSON as the body."""

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from shared.contracts.values import Contract

TYPE_PREFIX: Final = "kr.firstbuy."
TYPE_SUFFIX: Final = ".v1"
SCHEMA_PREFIX: Final = "urn:firstbuy:schema:"
NAMESPACE: Final = uuid.UUID("6f0c2b3e-5d0e-5c86-9d55-1f1b0d7c2a18")
"""The namespace of event ids derived from business keys (UUIDv5)."""

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NAMESPACE_BYTES = NAMESPACE.bytes

Header = tuple[str, bytes]


def event_id(*business_key: str | int) -> str:
    """The event id of a fact: the same however often and by whomever it is published."""
    name = "\x1f".join(map(str, business_key)).encode()
    digest = hashlib.sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).digest()[:16]
    return str(uuid.UUID(bytes=digest, version=5))


def trace_of(sent: str | None) -> str | None:
    """A well-formed W3C `traceparent`; None for anything else, since it is passed on into rows, headers and mails."""
    return sent if sent and _TRACEPARENT.fullmatch(sent) else None


def type_name(ce_type: str) -> str:
    """`RoundOpened` for `kr.firstbuy.RoundOpened.v1`; a foreign type unchanged."""
    return ce_type.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX)


def type_of(name: str) -> str:
    """`kr.firstbuy.RoundOpened.v1` for `RoundOpened`."""
    return f"{TYPE_PREFIX}{name}{TYPE_SUFFIX}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An event ready to publish: its topic, key, envelope and body. `body` None is a tombstone."""

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
    """An event of ours, whose key is also its subject."""
    body = event.model_dump_json().encode()
    return Outgoing(
        topic=topic,
        key=key,
        type=type(event).__name__,
        id=event_id,
        subject=key,
        time=time,
        body=body,
        traceparent=traceparent,
    )


def headers_of(event: Outgoing, source: str) -> list[Header]:
    """The record's headers. `source`: the service that publishes it."""
    headers = [
        *_fixed_headers(event.type, source),
        ("ce_id", event.id.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", event.time.isoformat().replace("+00:00", "Z").encode()),
    ]
    if event.traceparent:
        headers.append(("traceparent", event.traceparent.encode()))
    return headers


@lru_cache(maxsize=256)
def _fixed_headers(event_type: str, source: str) -> tuple[Header, ...]:
    """The headers that are the same for every event of a type."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", type_of(event_type).encode()),
        ("ce_source", f"/firstbuy/{source}".encode()),
        ("ce_dataschema", f"{SCHEMA_PREFIX}{event_type}:1".encode()),
        ("content-type", b"application/json"),
    )

"""Parses an inbox message: its type, its sender's id and its content, in whichever form it was sent.

Three forms are accepted: CloudEvents in binary mode (attributes in headers), in structured mode (attributes and `data`
in the body), and plain JSON with `type` and `id` beside the content. Attributes given twice must agree.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import to_json

from services.intake.storage.requests import InboxMessage
from shared.contracts.events import (
    AmendPurchaseRequest,
    ReadAs,
    Reason,
    ReportNonPurchase,
    ReportPurchase,
    SubmitPurchaseRequest,
    WithdrawPurchaseRequest,
)
from shared.kafka.cloudevents import SCHEMA_PREFIX, TYPE_PREFIX, TYPE_SUFFIX, type_name
from shared.reading.json_read import JsonRead, UnreadableJsonError, loaded, read_json, read_value

MOST_BYTES: Final = 262_144
LONGEST_ID: Final = 200
ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {
    model.__name__: TypeAdapter(model)
    for model in (
        SubmitPurchaseRequest,
        AmendPurchaseRequest,
        WithdrawPurchaseRequest,
        ReportPurchase,
        ReportNonPurchase,
    )
}
_OBJECT: Final = TypeAdapter(dict[str, Any])
_STRUCTURED: Final = "application/cloudevents"
_OTHER_VERSION: Final = re.compile(r"(.+)\.v\d+")


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """A parsed message: what it asks, or why it can't be read. `message` has the sender's id by now, and its body is
    the content alone, which can be parsed again."""

    message: InboxMessage
    asks: Any
    reasons: tuple[Reason, ...] = ()

    @classmethod
    def of(cls, message: InboxMessage, read: JsonRead, before: tuple[ReadAs, ...] = ()) -> "ParsedMessage":
        """`before`: conversions of the whole document."""
        return cls(replace(message, read_as=(*before, *read.read_as)), read.value)


def read_message(message: InboxMessage) -> ParsedMessage:
    """Parses a message; reasons where it can't be read."""
    if len(message.message_id) > LONGEST_ID:
        return ParsedMessage(
            replace(message, message_id=clean_id(message.message_id)), None, (_too_long(message.message_id),)
        )
    if broken := _broken(message):
        return ParsedMessage(message, None, (broken,))
    if message.type in ADAPTERS and not message.content_type.startswith(_STRUCTURED):
        read = read_body(message.type, message.body)
        if isinstance(read, JsonRead):
            reasons = _of_another_schema(message.type, message.schema)
            return ParsedMessage(message, None, reasons) if reasons else ParsedMessage.of(message, read)
    return _unwrapped(message)


def read_body(kind: str, body: bytes, where: str = "") -> JsonRead | tuple[Reason, ...]:
    """What the content of a message of that type asks; reasons where it can't be read. `where`: its place in the
    document."""
    try:
        return read_json(ADAPTERS[kind], body, where)
    except UnreadableJsonError as error:
        return error.reasons


def clean_id(identifier: str) -> str:
    """The id as answers quote it and rows store it."""
    return identifier.replace("\x00", "")[:LONGEST_ID]


def _broken(message: InboxMessage) -> Reason | None:
    size = len(message.body)
    if message.unreadable:
        fix = "send it again, in a batch of its own and with header names in UTF-8"
        return Reason(pointer="", code="unreadable-record", detail=message.unreadable[:500], fix=fix)
    if not size:
        return Reason(pointer="", code="no-value", detail="the record has no value", fix="send JSON as its value")
    if size > MOST_BYTES:
        detail = f"it is {size} bytes long, and may be {MOST_BYTES}"
        return Reason(pointer="", code="too-large", detail=detail, fix="shorten the note")
    return None


def _unwrapped(message: InboxMessage) -> ParsedMessage:
    try:
        sent = loaded(message.body)
        document = read_value(_OBJECT, sent.document, "")
    except UnreadableJsonError as error:
        return ParsedMessage(message, None, error.reasons)
    structured = message.content_type.startswith(_STRUCTURED) or "specversion" in document
    content = (
        document.get("data")
        if structured
        else {name: document[name] for name in document if name not in ("type", "id")}
    )
    schema = document.get("dataschema", message.schema) if structured else message.schema
    kind, kind_reasons = _type(message, document)
    identifier, id_reasons = _id(message, document)
    read = replace(message, type=kind, message_id=identifier, body=to_json(content), content_type="", schema="")
    reasons = (*kind_reasons, *id_reasons, *_of_another_schema(kind, schema), *sent.reasons())
    if not isinstance(content, dict):
        fix = "send the content as a JSON object in /data"
        reasons = (*reasons, Reason(pointer="/data", code="no-data", detail="an event without content", fix=fix))
    if reasons:
        return ParsedMessage(read, None, reasons)
    asks = read_body(kind, read.body, "/data" if structured else "")
    return ParsedMessage(read, None, asks) if isinstance(asks, tuple) else ParsedMessage.of(read, asks, sent.read_as())


def _type(message: InboxMessage, document: Mapping[str, Any]) -> tuple[str, tuple[Reason, ...]]:
    value = document.get("type", message.type)
    known = f"{TYPE_PREFIX}<type>{TYPE_SUFFIX} with one of {', '.join(ADAPTERS)}"
    fix = f'set the header ce_type, or "type" in the body, to {known}'
    if not value or not isinstance(value, str):
        detail = "the message does not say what it is" if not value else "its type is no text"
        return "", (Reason(pointer="", code="no-type", detail=detail, fix=fix),)
    kind = type_name(value).replace("\x00", "␀")[:100]
    if message.type and kind != message.type:
        detail = f"the header says '{message.type[:100]}', the body '{kind}'"
        return kind, (Reason(pointer="/type", code="type-conflict", detail=detail, fix="say it once, or alike"),)
    if kind in ADAPTERS:
        return kind, ()
    other = _OTHER_VERSION.fullmatch(kind)
    if other and other[1] in ADAPTERS:
        fix = f"send {TYPE_PREFIX}{other[1]}{TYPE_SUFFIX}"
        detail = f"there is no '{kind}' here"
        return kind, (Reason(pointer="", code="unsupported-version", detail=detail, fix=fix),)
    return kind, (Reason(pointer="", code="unknown-type", detail=f"'{kind}' is no inbox message", fix=fix),)


def _id(message: InboxMessage, document: Mapping[str, Any]) -> tuple[str, tuple[Reason, ...]]:
    value = document.get("id")
    if value is None:
        return message.message_id, ()
    if isinstance(value, bool) or not isinstance(value, str | int):
        fix = "send the id as text"
        return message.message_id, (Reason(pointer="/id", code="id-no-text", detail="its id is no text", fix=fix),)
    identifier = clean_id(str(value)) or message.message_id
    if len(str(value)) > LONGEST_ID:
        return identifier, (_too_long(str(value), "/id"),)
    if message.message_id not in (identifier, message.unnamed):
        detail = f"the header says '{message.message_id}', the body '{identifier}'"
        reason = Reason(pointer="/id", code="id-conflict", detail=detail, fix="say it once, or alike")
        return message.message_id, (reason,)
    return identifier, ()


def _too_long(identifier: str, pointer: str = "") -> Reason:
    """The answer could not quote the id, and two ids with the same beginning would collide."""
    fix = f"give it {LONGEST_ID} characters at the most; the answer quotes the first {LONGEST_ID} of this one"
    return Reason(pointer=pointer, code="id-too-long", detail=f"its id has {len(identifier)} characters", fix=fix)


def _of_another_schema(kind: str, schema: Any) -> tuple[Reason, ...]:
    """A foreign schema is ignored; one of ours has to be the current one."""
    ours = f"{SCHEMA_PREFIX}{kind}:1"
    if not isinstance(schema, str) or not schema.startswith(SCHEMA_PREFIX) or schema == ours:
        return ()
    detail = f"its schema is said to be {schema[:200]}".replace("\x00", "␀")
    return (Reason(pointer="", code="unsupported-schema", detail=detail, fix=f"send what {ours} describes"),)

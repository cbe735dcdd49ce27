"""Reads JSON from people and their programs strictly: no duplicate names, no number for a date, no text for a number.

Other spellings that a kind of value allows (`shared.reading.as_written`) are accepted and reported as `ReadAs`.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from shared.contracts.events import ReadAs, Reason
from shared.reading.as_written import Wrong
from shared.reading.document_read import DocumentRead, read_document, reason_of, shortened
from shared.reading.field_errors import wrong

_LARGEST: Final = sys.float_info.max
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TOLD_AT_MOST: Final = 50
_ENCODINGS: Final = ("utf-16", "cp949")
_SEND_JSON: Final = "send valid JSON in UTF-8, without lone surrogates"
REASONS_AT_MOST: Final = 50


class UnreadableJsonError(ValueError):
    """The body was refused. `reasons`: why, each with a fix; `is_json` is False if it is no JSON at all."""

    code = "unreadable-json"

    def __init__(self, reasons: Sequence[Reason], *, is_json: bool) -> None:
        super().__init__("; ".join(reason.detail for reason in reasons))
        self.reasons, self.is_json = tuple(reasons), is_json


@dataclass(frozen=True, slots=True)
class JsonRead:
    """The value as the contract has it, and what was spelled differently."""

    value: Any
    read_as: tuple[ReadAs, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A JSON document before any contract. `marked`: it has a byte order mark; `twice`: duplicate names."""

    document: Any
    marked: bool
    twice: tuple[str, ...] = ()

    def reasons(self) -> tuple[Reason, ...]:
        """A reason if names are duplicated (RFC 7493): parsers differ in which of two they use."""
        if not self.twice:
            return ()
        detail = f"'{self.twice[0][:100]}' stands twice in one object"
        return (reason_of("", Wrong("said-twice", detail, "say it once")),)

    def read_as(self) -> tuple[ReadAs, ...]:
        """Reports an ignored byte order mark."""
        return (ReadAs(field="", said="\ufeff", read=""),) if self.marked else ()


def told(read_as: Sequence[ReadAs]) -> dict[str, list[dict[str, str]]]:
    """The member `read_as` of an answer, if anything was spelled differently."""
    return {"read_as": [reading.model_dump() for reading in read_as]} if read_as else {}


def read_json(adapter: TypeAdapter[Any], body: bytes, prefix: str = "") -> JsonRead:
    """Reads a body by a contract.

    `prefix`: JSON pointer to the body within what was sent. Raises UnreadableJsonError.
    """
    sent = loaded(body)
    seen = read_document(adapter, sent.document)
    reasons = [*sent.reasons(), *seen.reasons]
    try:
        value = adapter.validate_json(_json(body, seen) if seen.read_as or sent.marked else body, extra="forbid")
    except ValidationError as error:
        errors = error.errors(include_url=False)
        if errors[0]["type"] == "json_invalid":
            raise UnreadableJsonError(reasons_of(errors, prefix), is_json=False) from error
        named = {reason.pointer for reason in seen.reasons}
        reasons += [reason for reason in reasons_of(errors) if reason.pointer not in named]
        raise UnreadableJsonError(_placed(reasons, prefix), is_json=True) from error
    if reasons:
        raise UnreadableJsonError(_placed(reasons, prefix), is_json=True)
    told_so = [reading.model_copy(update={"field": prefix + reading.field}) for reading in seen.read_as[:_TOLD_AT_MOST]]
    return JsonRead(value, (*sent.read_as(), *told_so))


def read_value(adapter: TypeAdapter[Any], value: object, prefix: str) -> Any:
    """Reads a value that is already parsed, from within free terms or from outside a body.

    Raises UnreadableJsonError.
    """
    seen = read_document(adapter, value)
    if seen.reasons:
        raise UnreadableJsonError(_placed(seen.reasons, prefix), is_json=True)
    try:
        return adapter.validate_python(seen.document)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        raise UnreadableJsonError(reasons_of(errors, prefix), is_json=True) from error


def loaded(body: bytes) -> Loaded:
    """Parses a body. Raises UnreadableJsonError."""
    text = body.removeprefix(_BYTE_ORDER_MARK)
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            counted = Counter(name for name, _ in pairs)
            twice.extend(name for name in members if counted[name] > 1)
        return members

    try:
        document = json.loads(text.decode(), object_pairs_hook=once, parse_constant=_no_number, parse_float=_finite)
        if b"\\u" in text:
            from_json(text)  # raises for half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise UnreadableJsonError([_no_json(body, text)], is_json=False) from error
    return Loaded(document, len(text) < len(body), tuple(twice))


def _finite(digits: str) -> float:
    """The number, clamped to the range of float: JSON has no infinity, and no field accepts numbers that large."""
    return min(max(float(digits), -_LARGEST), _LARGEST)


def _json(body: bytes, seen: DocumentRead) -> bytes:
    """The read document as JSON; the body as sent if that is not possible."""
    try:
        return to_json(seen.document)
    except ValueError:
        return body.removeprefix(_BYTE_ORDER_MARK)


def _no_number(literal: str) -> NoReturn:
    raise ValueError(literal)


def _no_json(body: bytes, text: bytes) -> Reason:
    if encoding := _other_encoding(body):
        return reason_of("", Wrong("json-invalid", f"it is {encoding.upper()}, not UTF-8", "send JSON in UTF-8"))
    try:
        from_json(text, allow_inf_nan=False)
        why = "no JSON in UTF-8"
    except ValueError as error:
        why = str(error)
    return reason_of("", Wrong("json-invalid", f"Invalid JSON: {why}", _SEND_JSON))


def _other_encoding(body: bytes) -> str | None:
    try:
        body.decode()
    except UnicodeDecodeError:
        for encoding in _ENCODINGS:
            try:
                json.loads(body.decode(encoding))
            except (ValueError, RecursionError):
                continue
            return encoding
    return None


def reasons_of(errors: Sequence[Any], prefix: str = "") -> tuple[Reason, ...]:
    """Pydantic's errors as reasons: JSON pointer, code, what is wrong, what to do.

    At most REASONS_AT_MOST: nobody reads more, and an answer must fit into a Kafka record.
    """
    return tuple(
        reason_of(prefix + "".join(f"/{part}" for part in error["loc"]), wrong(error))
        for error in errors[:REASONS_AT_MOST]
    )


def _placed(reasons: Sequence[Reason], prefix: str) -> list[Reason]:
    return [
        reason.model_copy(update={"pointer": shortened(prefix + reason.pointer)})
        for reason in reasons[:REASONS_AT_MOST]
    ]

"""JSON that people and their programs send, read strictly: a name once in an object, a date no number, a number no text
that is none. What a value's kind lets be written otherwise (`shared.as_written`) is read, and told as `ReadAs`."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NoReturn, TypeAlias, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from shared import as_written
from shared.as_written import Wrong
from shared.contracts.events import ReadAs, Reason
from shared.contracts.values import Writing, Written

_LARGEST: Final = sys.float_info.max
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SHOWN_AT_MOST: Final = 200
_TOLD_AT_MOST: Final = 50
_CODES: Final = {"not-a-day": "date-from-datetime-parsing", "no-such-day": "date-from-datetime-parsing"}
"""As answers have named them before."""
_ENCODINGS: Final = ("utf-16", "cp949")
_FIXES: Final = {
    "missing": "add this field",
    "unexpected_keyword_argument": "remove this field, or mend its name",
    "extra_forbidden": "remove this field, or mend its name",
    "string_pattern_mismatch": "write it in the form the schema gives",
    "json_invalid": "send valid JSON in UTF-8, without lone surrogates",
    "address_invalid": "write an address that mail goes to, such as name@firm.example",
    "timezone_aware": "give the offset, such as +09:00",
}
REASONS_AT_MOST: Final = 50


class UnreadableJsonError(ValueError):
    """`reasons` say why, each with its fix; `is_json` unless it can't be read at all."""

    def __init__(self, reasons: Sequence[Reason], *, is_json: bool) -> None:
        super().__init__("; ".join(reason.detail for reason in reasons))
        self.reasons, self.is_json = tuple(reasons), is_json


@dataclass(frozen=True, slots=True)
class JsonRead:
    """`value` as the contract has it, and what was written otherwise."""

    value: Any
    read_as: tuple[ReadAs, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A JSON document before any contract: `marked` by a byte order mark; `twice`: names that stand twice."""

    document: Any
    marked: bool
    twice: tuple[str, ...] = ()

    def reasons(self) -> tuple[Reason, ...]:
        """RFC 7493: a name stands once in an object. Readers differ in which of two they take."""
        if not self.twice:
            return ()
        detail = f"'{self.twice[0][:100]}' stands twice in one object"
        return (_reason("", Wrong("said-twice", detail, "say it once")),)

    def read_as(self) -> tuple[ReadAs, ...]:
        return (ReadAs(field="", said="\ufeff", read=""),) if self.marked else ()


def told(read_as: Sequence[ReadAs]) -> dict[str, list[dict[str, str]]]:
    """For an answer: `read_as`, where anything was written otherwise."""
    return {"read_as": [one.model_dump() for one in read_as]} if read_as else {}


def read_json(adapter: TypeAdapter[Any], body: bytes, prefix: str = "") -> JsonRead:
    """`prefix`: where the body stands in what was sent, as a JSON pointer. Raises UnreadableJsonError."""
    sent = loaded(body)
    seen = read_document(adapter, sent.document)
    reasons = [*sent.reasons(), *seen.reasons]
    try:
        value = adapter.validate_json(_json(body, seen) if seen.read_as or sent.marked else body, extra="forbid")
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise UnreadableJsonError(reasons_of(errors, prefix), is_json=False) from error
        named = {reason.pointer for reason in seen.reasons}
        reasons += [reason for reason in reasons_of(errors) if reason.pointer not in named]
        raise UnreadableJsonError(_placed(reasons, prefix), is_json=True) from error
    if reasons:
        raise UnreadableJsonError(_placed(reasons, prefix), is_json=True)
    told_so = [one.model_copy(update={"field": prefix + one.field}) for one in seen.read_as[:_TOLD_AT_MOST]]
    return JsonRead(value, (*sent.read_as(), *told_so))


def read_value(adapter: TypeAdapter[Any], value: object, prefix: str) -> Any:
    """A value that came within free terms, or otherwise than in a body: as it came, in no JSON around it, which could
    mean something else. Raises UnreadableJsonError."""
    seen = read_document(adapter, value)
    if seen.reasons:
        raise UnreadableJsonError(_placed(seen.reasons, prefix), is_json=True)
    try:
        return adapter.validate_python(seen.document)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise UnreadableJsonError(reasons_of(errors, prefix), is_json=True) from error


def loaded(body: bytes) -> Loaded:
    """Raises UnreadableJsonError."""
    text = body.removeprefix(_BYTE_ORDER_MARK)
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counted = Counter(name for name, _ in pairs)
            twice.extend(name for name in found if counted[name] > 1)
        return found

    try:
        document = json.loads(text.decode(), object_pairs_hook=once, parse_constant=_no_number, parse_float=_finite)
        if b"\\u" in text:
            from_json(text)  # which refuses half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise UnreadableJsonError([_no_json(body, text)], is_json=False) from error
    return Loaded(document, len(text) < len(body), tuple(twice))


def _finite(digits: str) -> float:
    """A number beyond all bounds stays a number beyond those of any field: infinity is none in JSON."""
    return min(max(float(digits), -_LARGEST), _LARGEST)


def _json(body: bytes, seen: "DocumentRead") -> bytes:
    """What was read; or what was sent where no JSON can hold that."""
    try:
        return to_json(seen.document)
    except ValueError:
        return body.removeprefix(_BYTE_ORDER_MARK)


def _no_number(said: str) -> NoReturn:
    raise ValueError(said)


def _no_json(body: bytes, text: bytes) -> Reason:
    if encoding := _other_encoding(body):
        return _reason("", Wrong("json-invalid", f"it is {encoding.upper()}, not UTF-8", "send JSON in UTF-8"))
    try:
        from_json(text, allow_inf_nan=False)
        why = "no JSON in UTF-8"
    except ValueError as error:
        why = str(error)
    return _reason("", Wrong("json-invalid", f"Invalid JSON: {why}", _FIXES["json_invalid"]))


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
    """Pydantic's errors as reasons: a JSON pointer, a code, what is wrong and what to do.

    Not more than anybody reads: of a body made of nothing but errors, as many reasons would be many times its size, and
    an answer has to fit a record.
    """
    return tuple(
        _reason(
            prefix + "".join(f"/{part}" for part in error["loc"]),
            Wrong(
                error["type"].replace("_", "-"),
                error["msg"],
                _FIXES.get(error["type"], f"change it so that: {error['msg'].lower()}"),
            ),
        )
        for error in errors[:REASONS_AT_MOST]
    )


def _reason(pointer: str, wrong: Wrong) -> Reason:
    return Reason(
        pointer=_shortened(pointer),
        code=_CODES.get(wrong.code, wrong.code),
        detail=_shortened(wrong.detail),
        fix=_shortened(wrong.fix),
    )


def _shortened(text: str) -> str:
    return (text if len(text) <= 500 else f"{text[:500]}…").replace("\x00", "␀")


def _placed(reasons: Sequence[Reason], prefix: str) -> list[Reason]:
    return [
        reason.model_copy(update={"pointer": _shortened(prefix + reason.pointer)})
        for reason in reasons[:REASONS_AT_MOST]
    ]


@dataclass(frozen=True, slots=True)
class _Fields:
    plans: Mapping[str, "_Plan"]


@dataclass(frozen=True, slots=True)
class _Items:
    plan: "_Plan"


_Plan: TypeAlias = "_Fields | _Items | Written | type | None"
"""How a document of a type is read: an object's fields, an array's items, a text of a kind, a `date`, `datetime`,
`bool` or `int`."""


@dataclass(slots=True)
class DocumentRead:
    """A document as its type's kinds of values are read, before its contract is asked. `reasons`: what is none of
    them."""

    document: Any
    read_as: list[ReadAs] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    def read(self, plan: _Plan, value: Any, pointer: str) -> Any:
        if value is None or plan is None:
            return value
        if isinstance(plan, _Fields):
            if isinstance(value, dict):
                return {name: self.read(plan.plans.get(name), one, f"{pointer}/{name}") for name, one in value.items()}
        elif isinstance(plan, _Items):
            if isinstance(value, list | tuple):
                return [self.read(plan.plan, one, f"{pointer}/{index}") for index, one in enumerate(value)]
        else:
            found = _text(plan, value) if isinstance(value, str) else _other(plan, value)
            if isinstance(found, Wrong):
                self.reasons.append(_reason(pointer, found))
            elif found is not value and found != value:
                self.read_as.append(
                    ReadAs(field=pointer, said=value[:_SHOWN_AT_MOST], read=str(found)[:_SHOWN_AT_MOST])
                )
                return found
        return value


def read_document(adapter: TypeAdapter[Any], document: Any) -> DocumentRead:
    kind: Any = adapter._type
    seen = DocumentRead(document)
    seen.document = seen.read(plan_of(kind), document, "")
    return seen


def _text(plan: Any, text: str) -> str | int | Wrong:
    if isinstance(plan, Written):
        match plan.kind:
            case Writing.LINE:
                return text if text.isspace() else _unless_blanks_alone(text, as_written.line(text))
            case Writing.PROSE:
                return as_written.prose(text)
            case Writing.CODE:
                return _unless_blanks_alone(text, as_written.plain(text))
            case Writing.DIGITS:
                return as_written.digits(text, plan.groups)
            case Writing.DOCUMENT:
                return _unless_blanks_alone(text, as_written.number_of_document(text))
    if plan is date:
        return as_written.day(text)
    if plan is datetime and as_written.is_number(text):
        return Wrong("datetime-type", "a number is no moment", "write it as 2018-09-14T18:00:00+09:00")
    if plan is bool:
        return Wrong("bool-type", "a text is no yes or no", "write true or false, without quotes")
    if plan is int:
        found = as_written.whole(text)
        return text if isinstance(found, Wrong) else found
    return text


def _unless_blanks_alone(text: str, read: str | Wrong) -> str | Wrong:
    """Blanks around a text are told to nobody."""
    return text if read == text.strip() else read


def _other(plan: Any, value: Any) -> Any:
    if plan is date and not isinstance(value, date):
        return Wrong("date-type", "a number is no date", "write it as text: YYYY-MM-DD")
    if plan is datetime and not isinstance(value, datetime):
        return Wrong("datetime-type", "a number is no moment", "write it as text: 2018-09-14T18:00:00+09:00")
    if plan is bool and not isinstance(value, bool):
        return Wrong("bool-type", "a number is no yes or no", "write true or false")
    return value


@cache
def plan_of(kind: Any) -> _Plan:
    """Of a type as contracts are made of them."""
    if get_origin(kind) is Annotated:
        inner, *said = get_args(kind)
        written = [one for one in said if isinstance(one, Written)]
        return written[-1] if written else plan_of(inner)
    if get_origin(kind) in (Union, UnionType):
        plans = [plan_of(one) for one in get_args(kind) if one is not NoneType]
        return plans[0] if len(plans) == 1 else None
    if get_origin(kind) in (tuple, list):
        plan = plan_of(get_args(kind)[0])
        return None if plan is None else _Items(plan)
    if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel)):
        hints = get_type_hints(kind, include_extras=True)
        return _Fields({name: plan_of(one) for name, one in hints.items()})
    return datetime if kind is AwareDatetime else kind if kind in (date, datetime, bool, int) else None

"""Reads a document by its contract's type: each field by the reader of its kind of value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from datetime import date, datetime
from functools import cache
from operator import is_
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel, TypeAdapter

from shared.contracts.events import ReadAs, Reason
from shared.contracts.values import Writing, Written
from shared.reading import as_written
from shared.reading.as_written import Wrong
from shared.reading.field_errors import came

_SHOWN_AT_MOST: Final = 200
_CODES: Final = {"not-a-day": "date-from-datetime-parsing", "no-such-day": "date-from-datetime-parsing"}
"""Codes that answers used before these readers existed."""


@dataclass(frozen=True, slots=True)
class _Fields:
    plans: Mapping[str, "_Plan"]


@dataclass(frozen=True, slots=True)
class _Items:
    plan: "_Plan"


_Plan: TypeAlias = "_Fields | _Items | Written | type | None"
"""How to read a value: an object's fields, an array's items, a kind of text, a `date`, `datetime`, `bool` or `int`."""


@dataclass(slots=True)
class DocumentRead:
    """A document after reading, before the contract checks it. `wrong`: pointer, value and reason of values that are
    not of their kind."""

    document: Any
    read_as: list[ReadAs] = field(default_factory=list)
    wrong: list[tuple[str, Any, Wrong]] = field(default_factory=list)

    @property
    def reasons(self) -> list[Reason]:
        """The reasons, each with the value that came."""
        return [reason_of(at, replace(wrong, detail=came(value, wrong.detail))) for at, value, wrong in self.wrong]

    def read(self, plan: _Plan, value: Any, pointer: str) -> Any:
        """The value as read; the same object if nothing changed."""
        if isinstance(plan, _Fields):
            return self._fields(plan.plans, value, pointer) if isinstance(value, dict) else value
        if isinstance(plan, _Items):
            if not isinstance(value, list | tuple):
                return value
            items = [self.read(plan.plan, item, f"{pointer}/{index}") for index, item in enumerate(value)]
            return value if all(map(is_, items, value)) else items
        as_read = _text(plan, value) if isinstance(value, str) else _other(plan, value)
        if isinstance(as_read, Wrong):
            self.wrong.append((pointer, value, as_read))
            return value
        if as_read is value or as_read == value:
            return value
        as_shown, read = value[:_SHOWN_AT_MOST], str(as_read)[:_SHOWN_AT_MOST]
        self.read_as.append(ReadAs(field=pointer, said=as_shown, read=read))
        return as_read

    def _fields(self, plans: Mapping[str, _Plan], value: dict[str, Any], pointer: str) -> dict[str, Any]:
        otherwise = {}
        for name, item in value.items():
            plan = plans.get(name)
            if plan is None or item is None or type(item) is plan:
                continue
            read = self.read(plan, item, f"{pointer}/{name}")
            if read is not item:
                otherwise[name] = read
        return {**value, **otherwise} if otherwise else value


def read_document(adapter: TypeAdapter[Any], document: Any) -> DocumentRead:
    """Reads a document by the adapter's type."""
    kind: Any = adapter._type
    seen = DocumentRead(document)
    seen.document = seen.read(plan_of(kind), document, "")
    return seen


def _text(plan: Any, text: str) -> str | int | Wrong:
    if isinstance(plan, Written):
        return _READERS[plan.kind](text, plan.groups)
    if plan is date:
        return as_written.day(text)
    if plan is datetime and as_written.is_number(text):
        return Wrong("datetime-type", "a number is no moment", "write it as 2018-09-14T18:00:00+09:00")
    if plan is bool:
        return Wrong("bool-type", "a text is no yes or no", "write true or false, without quotes")
    if plan is int and not (text.isascii() and text.isdecimal()):  # which a program has put into quotes
        number = as_written.whole(text)
        return text if isinstance(number, Wrong) else number
    return text


_READERS: Final[Mapping[Writing, Callable[[str, tuple[int, ...]], str | Wrong]]] = {
    Writing.LINE: lambda text, _: text if text.isspace() else _unless_blanks_alone(text, as_written.line(text)),
    Writing.PROSE: lambda text, _: as_written.prose(text),
    Writing.CODE: lambda text, _: as_written.plain(text),
    Writing.DIGITS: as_written.digits,
    Writing.DOCUMENT: lambda text, _: _unless_blanks_alone(text, as_written.number_of_document(text)),
}


def _unless_blanks_alone(text: str, read: str | Wrong) -> str | Wrong:
    """The text itself if only blanks around it differ: the contract strips them, so that is not reported."""
    return text if read is text or read == text.strip() else read


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
    """The plan for a type that contracts use."""
    if get_origin(kind) is Annotated:
        inner, *annotations = get_args(kind)
        written = [annotation for annotation in annotations if isinstance(annotation, Written)]
        return written[-1] if written else plan_of(inner)
    if get_origin(kind) in (Union, UnionType):
        plans = [plan_of(member) for member in get_args(kind) if member is not NoneType]
        return plans[0] if len(plans) == 1 else None
    if get_origin(kind) in (tuple, list):
        plan = plan_of(get_args(kind)[0])
        return None if plan is None else _Items(plan)
    if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel)):
        hints = get_type_hints(kind, include_extras=True)
        return _Fields({name: plan_of(hint) for name, hint in hints.items()})
    return datetime if kind is AwareDatetime else kind if kind in (date, datetime, bool, int) else None


def reason_of(pointer: str, wrong: Wrong) -> Reason:
    """The reason as answers state it."""
    return Reason(
        pointer=shortened(pointer),
        code=_CODES.get(wrong.code, wrong.code),
        detail=shortened(wrong.detail),
        fix=shortened(wrong.fix),
    )


def shortened(text: str) -> str:
    """At most 500 characters, without NUL."""
    return (text if len(text) <= 500 else f"{text[:500]}…").replace("\x00", "␀")

"""Reads a sheet's rows as messages. Unreadable cells are named; the rest is read all the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.intake.domain.uploads.cell_errors import CellError, cell_error
from services.intake.domain.uploads.cells import read, shown
from services.intake.domain.uploads.columns import (
    BY_NAME,
    EXAMPLE,
    MESSAGES,
    TYPE,
    Column,
    Message,
    column_at,
    letters,
    message_named,
)
from services.intake.domain.uploads.heading import HEADER_WITHIN, Heading, is_header
from services.intake.domain.uploads.sheets import SHOWN_AT_MOST, Sheet, SheetRow, Unusable, Value, is_empty
from shared.contracts.events import Reason
from shared.proof.canonical import Json
from shared.reading.as_written import Wrong


@dataclass(frozen=True, slots=True)
class CellReadAs:
    """A cell whose text differs from the value that was read."""

    cell: str
    said: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message, as far as it could be read. `seen`: the row's texts, by column."""

    number: int
    type: str | None
    message: dict[str, Any]
    seen: Mapping[str, str]
    errors: tuple[CellError, ...]
    read_as: tuple[CellReadAs, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A sheet as it was understood. `columns`: the spreadsheet's letters, by column name; `headers`: what the file
    calls it."""

    header_row: int
    columns: Mapping[str, str]
    headers: Mapping[str, str]
    rows: tuple[Row, ...]
    errors: tuple[CellError, ...]
    """Errors of the headers."""

    def all_errors(self) -> Iterator[CellError]:
        """From top to bottom, from left to right."""
        yield from self.errors
        for row in self.rows:
            yield from sorted(row.errors, key=lambda error: (len(error.cell or ""), error.cell or ""))


class NoHeaderError(ValueError):
    """No row names the columns."""

    code = "no-header"


def read_rows(sheet: Sheet, round_id: str, institution: str) -> Reading:
    """Reads every row below the header. Raises NoHeaderError."""
    rows = [row for row in sheet.rows if not all(is_empty(value) for value in row.cells.values())]
    header = next((row for row in rows[:HEADER_WITHIN] if is_header(row)), None)
    if header is None:
        raise NoHeaderError("no row names the columns `request` and others")
    below = [row for row in rows if row.number > header.number]
    heading = Heading.of(header, below)
    read_so_far = tuple(_Reader(heading, row, round_id, institution).row() for row in below)
    errors = (*heading.errors, *_missing(heading, read_so_far, header.number))
    where = {name: letters(index) for name, index in heading.columns.items()}
    return Reading(header.number, where, heading.headers, _once_each(read_so_far, where, heading.headers), errors)


def cell_of(columns: Mapping[str, str], row: int, pointer: str) -> tuple[str | None, str | None]:
    """The (column, cell) that a pointer into a row's message is about; None where there is none."""
    name = column_at(pointer)
    return name, f"{columns[name]}{row}" if name is not None and name in columns else None


def contract_errors(reading: Reading, row: Row, reasons: Sequence[Reason]) -> tuple[CellError, ...]:
    """What the contract refuses in a row's message, by cell; without cells that have an error already."""
    known = {error.column for error in (*reading.errors, *row.errors)}
    errors = []
    for reason in reasons:
        column, cell = cell_of(reading.columns, row.number, reason.pointer)
        if column in known:
            continue
        fix = f"write {BY_NAME[column].writes}" if column else reason.fix
        seen = row.seen.get(column or "", "")
        header = reading.headers.get(column or "")
        errors.append(cell_error(row.number, column, cell, seen, Wrong(reason.code, reason.detail, fix), header))
    return tuple(errors)


def _missing(heading: Heading, rows: Sequence[Row], header_row: int) -> Iterator[CellError]:
    """Columns that the messages need and the sheet lacks; reported once, not in each row."""
    used = [message for message in MESSAGES if any(row.type == message.name for row in rows)]
    needed = {name: message.words[0] for message in reversed(used) for name in message.needs}
    for name in [name for name in needed if name not in heading.columns]:
        detail = f"{needed[name]} needs the column {name} ({BY_NAME[name].ko})"
        yield cell_error(header_row, name, None, "", Wrong("missing-column", detail, f"add it: {BY_NAME[name].writes}"))


def _once_each(rows: tuple[Row, ...], where: Mapping[str, str], headers: Mapping[str, str]) -> tuple[Row, ...]:
    """Adds an error where a new request is in the file twice."""
    first: dict[Any, int] = {}
    checked = []
    for row in rows:
        request = row.message.get("request") if row.type == MESSAGES[0].name else None
        before = first.setdefault(request, row.number) if request is not None else row.number
        if before != row.number:
            fix = "give it an id of its own, such as 2018-018"
            wrong = Wrong("repeated-request", f"row {before} makes this request already", fix)
            cell = f"{where['request']}{row.number}"
            error = cell_error(row.number, "request", cell, row.seen["request"], wrong, headers["request"])
            row = replace(row, errors=(*row.errors, error))
        checked.append(row)
    return tuple(checked)


def _around(body: dict[str, Any], pointer: str) -> dict[str, Any]:
    """The object of a message that a pointer leads into; created if missing."""
    for part in pointer.split("/")[1:-1]:
        body = body.setdefault(part, {})
    return body


@dataclass(slots=True)
class _Reader:
    """Reads one row."""

    heading: Heading
    source: SheetRow
    round: str
    institution: str
    errors: list[CellError] = field(default_factory=list)
    read_as: list[CellReadAs] = field(default_factory=list)

    def row(self) -> Row:
        """The row's message, with every error."""
        seen = {name: shown(value) for name in self.heading.columns if not is_empty(value := self._value(name))}
        message = self._message()
        if message is None:
            return Row(number=self.source.number, type=None, message={}, seen=seen, errors=tuple(self.errors))
        body: dict[str, Any] = {"round": self.round}
        for name in (*message.needs, *message.takes):
            if not is_empty(self._value(name)):
                self._put(body, name)
            elif name in message.needs and name in self.heading.columns:
                self._wrong(name, Wrong("missing", "nothing stands here", f"write {BY_NAME[name].writes}"))
        for name in message.needs:
            _around(body, BY_NAME[name].pointer)  # so that a missing object is not reported too
        self._none_besides(message)
        return Row(
            number=self.source.number,
            type=message.name,
            message=body,
            seen=seen,
            errors=tuple(self.errors),
            read_as=tuple(self.read_as),
        )

    def _value(self, name: str) -> Value:
        index = self.heading.columns.get(name)
        return None if index is None else self.source.cells.get(index)

    def _message(self) -> Message | None:
        value = self._value(TYPE.name)
        message = message_named("" if is_empty(value) else shown(value))
        if isinstance(value, Unusable):
            self._wrong(TYPE.name, _with_example(TYPE, Wrong(value.code, value.detail, value.fix)))
            return None
        if message is None:
            self._wrong(TYPE.name, Wrong("unknown-type", "this is no kind of message", f"write {TYPE.writes}"))
        return message

    def _put(self, body: dict[str, Any], name: str) -> None:
        column = BY_NAME[name]
        value = read(column.kind, self._value(name))
        if name == "request" and isinstance(value, str):
            value = value.removeprefix(f"{self.institution}/")
            if value == EXAMPLE:
                fix = "remove the row, or write an id of your own, such as 2018-017"
                self._wrong(name, Wrong("example", "this is the template's example", fix))
                return
        if isinstance(value, Wrong):
            self._wrong(name, _with_example(column, value))
            return
        self._tell(name, value)
        _around(body, column.pointer)[column.pointer.rpartition("/")[2]] = value

    def _tell(self, name: str, read_so: Json) -> None:
        value = self._value(name)
        written, read_text = (
            shown(value).strip(),
            ", ".join(map(str, read_so)) if isinstance(read_so, list) else str(read_so),
        )
        if written != read_text[:SHOWN_AT_MOST] and value != read_so and not written.endswith("…"):
            self.read_as.append(
                CellReadAs(f"{letters(self.heading.columns[name])}{self.source.number}", written, read_text)
            )

    def _none_besides(self, message: Message) -> None:
        """Adds an error for each value that is not part of the row's message: it would be lost silently."""
        for name in self.heading.columns:
            if name not in (TYPE.name, *message.needs, *message.takes) and not is_empty(self._value(name)):
                takers = [message.words[0] for message in MESSAGES if name in (*message.needs, *message.takes)]
                detail = f"{message.words[0]} has no {name}"
                fix = f"empty the cell, or write {' or '.join(takers)} in the column type"
                self._wrong(name, Wrong("not-of-this-type", detail, fix))

    def _wrong(self, name: str, wrong: Wrong) -> None:
        cell = f"{letters(self.heading.columns[name])}{self.source.number}"
        header = self.heading.headers[name]
        self.errors.append(cell_error(self.source.number, name, cell, shown(self._value(name)), wrong, header))


def _with_example(column: Column, wrong: Wrong) -> Wrong:
    """Adds what this column takes to a fix that holds for any column."""
    return replace(wrong, fix=f"{wrong.fix}; this column takes {column.writes}")

"""Printing: people get rich text on the terminal, programs get JSON on standard output."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NoReturn

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from shared.wording.in_korean import said

_UNBOUNDED: Final = 1_000_000


class Screen(Console):
    """What others wrote is printed as they wrote it, and no line is broken: a number or an id that begins on one ends
    on it. A table that is wider than the terminal is printed row by row; where a program reads, no width is too large.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        if len(objects) == 1 and isinstance(objects[0], Table):
            self._print_table(objects[0])
            return
        if all(isinstance(element, str) for element in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)

    def _print_table(self, table: Table) -> None:
        if table.title:
            super().print(table.title, style="italic", soft_wrap=True)
            table.title = None
        width = Measurement.get(self, self.options.update(max_width=_UNBOUNDED), table).maximum
        if self.is_terminal and width > self.width:
            self._print_rows(table)
            return
        table.width = width
        super().print(table, crop=False)

    def _print_rows(self, table: Table) -> None:
        for cells in zip(*(column.cells for column in table.columns), strict=True):
            if table.show_header:
                named = [(str(column.header), cell) for column, cell in zip(table.columns, cells, strict=True)]
            else:
                named = [(str(cells[0]), cells[1])]
            lines = [_named(name, cell) for name, cell in named if str(cell)]
            super().print(Text("\n  ").join(lines), soft_wrap=True)


def _named(name: str, cell: Any) -> Text:
    shown = cell if isinstance(cell, Text) else Text(str(cell).replace("\n", "\n    "))
    return Text.assemble((name, "bold"), ": ", shown)


console = Screen(highlight=False, markup=False)
errors = Screen(stderr=True, highlight=False, markup=False)

_KST = timezone(timedelta(hours=9))


def kst(moment: str) -> str:
    """A moment as people in Korea read it, to the minute."""
    return datetime.fromisoformat(moment).astimezone(_KST).strftime("%Y-%m-%d %H:%M")


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def fail(message: str, code: int = 1) -> NoReturn:
    errors.print(said(message), style="red")
    raise typer.Exit(code)


def print_receipt(receipt: Mapping[str, Any]) -> None:
    table = Table(title="Receipt", show_header=False)
    for name in ("round", "application", "version", "received_at", "payload_hash", "nonce", "identity", "token"):
        if name in receipt:
            table.add_row(name.replace("_", " "), str(receipt[name]))
    console.print(table)
    if receipt.get("contested"):
        console.print("contested: another party entered this product of the firm; one at the most can stand")
    print_remarks(receipt)


def print_warnings(answer: Mapping[str, Any]) -> None:
    """What was taken but only seems right; on standard error, since programs read what else is printed."""
    for warning in answer.get("warnings", ()):
        errors.print(f"warning: {warning['pointer'] or '/'}: {warning['detail']}", style="yellow")
        errors.print(f"    → {warning['fix']}", style="dim")


def print_remarks(answer: Mapping[str, Any], read_as: str = "{where}: {said!r} is read as {read}") -> None:
    """What was written otherwise than it is kept, and what was taken but only seems right."""
    for reading in answer.get("read_as", ()):
        console.print(read_as.format(where=reading["field"] or "/", said=reading["said"], read=reading["read"]))
    for warning in answer.get("warnings", ()):
        console.print(f"warning: {warning['pointer'] or '/'}: {warning['detail']}", style="yellow")
        console.print(f"    → {warning['fix']}", style="dim")

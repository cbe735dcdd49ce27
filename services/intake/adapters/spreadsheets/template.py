"""An empty table to fill in: the headers, and one example row, which is never sent."""

import csv
import io
from typing import Any, Final

from xlsxwriter import Workbook

from services.intake.domain.uploads.cells import Kind
from services.intake.domain.uploads.columns import COLUMNS, MESSAGES, Column
from shared.contracts.events import Language

_SHOWN: Final = {Kind.NUMBER: "#,##0", Kind.DAY: "yyyy-mm-dd"}
_SHEETS: Final = {Language.KO: ("구매 요청", "설명"), Language.EN: ("requests", "columns")}


def csv_template(language: Language) -> bytes:
    """The template as CSV, with a byte order mark, by which spreadsheets recognise UTF-8."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow([_head(column, language) for column in COLUMNS])
    table.writerow([column.example for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def xlsx_template(language: Language) -> bytes:
    """The template as XLSX, with a second sheet that explains each column.

    Columns of ids are formatted as text, so that no spreadsheet turns them into dates or numbers.
    """
    file = io.BytesIO()
    workbook = Workbook(file, {"in_memory": True})
    bold = workbook.add_format({"bold": True, "bottom": 1})
    requests, explained = (workbook.add_worksheet(name) for name in _SHEETS[language])
    for number, column in enumerate(COLUMNS):
        shown = workbook.add_format({"num_format": _SHOWN.get(column.kind, "@")})
        requests.set_column(number, number, 20, shown)
        requests.write_string(0, number, _head(column, language), bold)
        _write(requests, 1, number, column.example, shown)
        for text_at, text in enumerate((column.name, column.ko, column.writes, _taken_by(column))):
            explained.write_string(number, text_at, text)
    requests.freeze_panes(1, 0)
    explained.set_column(0, 1, 24)
    explained.set_column(2, 3, 80)
    workbook.close()
    return file.getvalue()


def _head(column: Column, language: Language) -> str:
    return column.ko if language is Language.KO else column.name


def _write(sheet: Any, row: int, number: int, value: str | int | None, shown: Any) -> None:
    if isinstance(value, int):
        sheet.write_number(row, number, value, shown)
    elif value is not None:
        sheet.write_string(row, number, value, shown)


def _taken_by(column: Column) -> str:
    needing = [message.words[0] for message in MESSAGES if column.name in message.needs]
    taking = [message.words[0] for message in MESSAGES if column.name in message.takes]
    return "; ".join(
        f"{how}: {', '.join(words)}" for how, words in (("needed by", needing), ("taken by", taking)) if words
    )

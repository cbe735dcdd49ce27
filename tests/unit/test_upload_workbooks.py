"""Workbooks: days, hidden rows and columns, formulas."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from xlsxwriter import Workbook

from services.intake.adapters.spreadsheets.bounds import UnreadableFileError
from services.intake.usecases.upload import Understood
from tests.support.tables import HEADER, PLAIN, errors, repacked, sheet_of, taken, told, workbook


def dated(*days: float) -> bytes:
    """Reports whose day is that serial, in a column of dates."""
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        sheet, form = made.add_worksheet(), made.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["type", "contracted_on"])
        for row, serial in enumerate(days, 1):
            sheet.write_string(row, 0, "report-purchase")
            sheet.write_number(row, 1, serial, form)
    return file.getvalue()


def of_day(content: bytes) -> list[str]:
    """The day that was read in each row, or the code of its refusal."""
    reading = taken(content).reading
    refused = {error.cell: error.code for error in reading.all_errors()}
    return [row.message.get("contracted_on") or refused[f"B{row.number}"] for row in reading.rows]


def test_a_day_with_a_time_is_never_the_day_before() -> None:
    inexact = "date-from-datetime-inexact"
    assert of_day(dated(43405.625, 43405.999722, 43406.5, 43405.99)) == [inexact] * 4
    assert of_day(dated(43406, 43405.999999999, 43406.000000001)) == ["2018-11-02"] * 3


@pytest.mark.parametrize(
    ("stated", "day"),
    [
        ("2018-11-02", "2018-11-02"),
        ("2018-11-02T00:00:00.000", "2018-11-02"),
        ("2018-11-01T15:00:00Z", "date-from-datetime-inexact"),
        ("2018-11-02T00:00:00+09:00", "date-from-datetime-inexact"),
        ("2018-11-02T00:00:00Z", "date-from-datetime-inexact"),
        ("15:00:00", "no-such-day"),
        ("soon", "no-such-day"),
    ],
)
def test_a_day_that_is_written_in_iso_is_one_day_everywhere(stated: str, day: str) -> None:
    serial = re.compile(b'<c r="B2" s="[0-9]+"><v>43406</v></c>')
    said = f'<c r="B2" t="d"><v>{stated}</v></c>'.encode()
    assert of_day(repacked(dated(43406), lambda name, part: serial.sub(said, part))) == [day]


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        ("줄1_x000D_\n줄2", "줄1\r\n줄2"),
        ("_x005F_x000D_", "_x000D_"),
        ("a_x0009_b", "a\tb"),
        ("_xAC00_나", "가나"),
        ("_xD83D__xDE80_", "🚀"),
        ("_xD83D_ alone", "_xD83D_ alone"),
        ("_x12_ _xyz0_ _X000D_", "_x12_ _xyz0_ _X000D_"),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_what_xml_can_not_hold_is_the_character_it_stands_for(kept: str, text: str, inline: bool) -> None:
    def fill(made: Any) -> None:
        made.active.append([*HEADER.split(","), "note"])
        made.active.append(["r-1", "41112201", 5, 20_000_000, "NOTE"])

    def written(name: str, part: bytes) -> bytes:
        if inline and name.endswith("sheet1.xml"):
            cell = re.compile(b'<c r="E2"[^>]*>.*?</c>')
            return cell.sub(f'<c r="E2" t="str"><v>{kept}</v></c>'.encode(), part)
        return part.replace(b"NOTE", kept.encode())

    assert taken(repacked(workbook(fill), written)).reading.rows[0].message["facts"]["note"] == text


def test_headers_and_names_of_sheets_are_read_so_too() -> None:
    def fill(made: Any) -> None:
        made.active.title = "_x005F_x0041_"
        made.active.append(["request", "class_code", "quantity", "예산_x000D_\n(원)"])
        made.active.append(["r-1", "41112201", 5, 20_000_000])
        made.create_sheet("_x005F_x0042_")

    understood = taken(workbook(fill))
    assert list(understood.reading.all_errors()) == []
    assert (understood.sheet.name, understood.sheet.passed_over) == ("_x0041_", ("_x0042_",))


def filled(sheet: Any) -> None:
    sheet.append([*HEADER.split(","), "note"])
    for number in range(1, 8):
        sheet.append([f"r-{number}", "41112201", 5, 20_000_000, "seen"])


def hidden(change: Callable[[Any], None]) -> Understood:
    def fill(made: Any) -> None:
        filled(made.active)
        change(made.active)

    return taken(workbook(fill))


def test_rows_that_nobody_sees_are_passed_over_and_named() -> None:
    def change(sheet: Any) -> None:
        for row in (3, 5, 6, 7, 30):
            sheet.row_dimensions[row].hidden = True

    understood = hidden(change)
    assert [row.message["request"] for row in understood.reading.rows] == ["r-1", "r-3", "r-7"]
    assert [row.number for row in understood.reading.rows] == [2, 4, 8]
    assert understood.file()["hidden_rows_passed_over"] == ["3", "5-7"]


def test_a_row_of_no_height_is_hidden() -> None:
    def flat(name: str, part: bytes) -> bytes:
        return part.replace(b'<row r="3"', b'<row r="3" ht="0" customHeight="1"')

    assert taken(repacked(workbook(lambda made: filled(made.active)), flat)).file()["hidden_rows_passed_over"] == ["3"]


def test_where_all_rows_are_hidden_but_some_those_are_read() -> None:
    def change(sheet: Any) -> None:
        sheet.sheet_format.zeroHeight = True
        for row in (1, 2):
            sheet.row_dimensions[row].height = 15

    understood = hidden(change)
    assert [row.message["request"] for row in understood.reading.rows] == ["r-1"]
    assert understood.file()["hidden_rows_passed_over"] == ["3-8"]


def test_columns_that_nobody_sees_are_passed_over_and_named() -> None:
    def change(sheet: Any) -> None:
        sheet.column_dimensions["E"].hidden = True
        sheet.column_dimensions["H"].hidden = True

    understood = hidden(change)
    assert "note" not in understood.reading.rows[0].message["facts"]
    assert list(understood.reading.all_errors()) == []
    assert understood.file()["hidden_columns_passed_over"] == ["E"]


def test_what_is_hidden_without_number_is_told_in_short() -> None:
    def change(sheet: Any) -> None:
        for row in range(2, 300):
            sheet.cell(row, 1, f"h-{row}")
            sheet.row_dimensions[row].hidden = row % 2 == 0 or row > 20

    told_so = hidden(change).file()["hidden_rows_passed_over"]
    assert told_so[:2] == ["2", "4"]
    assert told_so[-1] == "21-299" or told_so[-1] == "20-299"


def test_a_formula_counts_by_the_result_it_had() -> None:
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, HEADER.split(","))
        sheet.write_row(1, 0, ["r-1", "41112201"])
        sheet.write_formula(1, 2, "=2+3", None, 5)
        sheet.write_formula(1, 3, "=1/0", None, "#DIV/0!")
    (error,) = errors(file.getvalue())
    assert (error.cell, error.code, error.value) == ("D2", "error-value", "#DIV/0!")
    assert taken(file.getvalue()).reading.rows[0].message["facts"]["quantity"] == 5


def test_a_formula_without_a_result_is_an_error_of_its_cell() -> None:
    content = sheet_of(HEADER.split(","), ["r-1", "41112201", "=2+3", 20_000_000])
    assert told(content) == [("C2", "formula")]


def test_runs_and_inline_texts_are_texts() -> None:
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "constant_memory": True}) as made:
        sheet, bold = made.add_worksheet(), made.add_format({"bold": True})
        sheet.write_row(0, 0, [*HEADER.split(","), "note"])
        sheet.write_row(1, 0, ["r-1", "41112201", 5, 20_000_000])
        sheet.write_rich_string(1, 4, "half ", bold, "bold")
    assert taken(file.getvalue()).reading.rows[0].message["facts"]["note"] == "half bold"


def test_all_sheets_hidden_is_said() -> None:
    def hidden(name: str, part: bytes) -> bytes:
        return part.replace(b'state="visible"', b'state="hidden"') if name == "xl/workbook.xml" else part

    with pytest.raises(UnreadableFileError, match="no visible sheet"):
        taken(repacked(PLAIN, hidden))

"""Tables as files: numbers and days as such, whatever is written in a cell never a formula; read back by others."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from starlette.requests import Request

from services.selection.api import purchases, results
from services.selection.api.tables import (
    MEDIA_TYPES,
    ROWS_OF_A_SHEET,
    Column,
    Format,
    Kind,
    Row,
    Rows,
    Table,
    at_once,
    check_fits,
    wanted,
    written,
)
from shared.contracts.events import Language
from shared.service.problems import Problem

COLUMNS = (
    Column("who", "기관", "Institution"),
    Column("won", "금액(원)", "Amount (won)", Kind.WON),
    Column("due_on", "기한", "Due on", Kind.DAY),
    Column("reason", "사유", "Reason"),
)
TABLE = Table("things", COLUMNS, {"round": "2018-h2"})
DAY = date(2018, 11, 13)
HOSTILE = (
    '=HYPERLINK("http://x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＠x",
    "=cmd|'/c calc'!A1",
)


async def made(rows: Sequence[Row], kind: Format, language: Language | None = None) -> bytes:
    file = await written(TABLE, at_once(rows), kind, language)
    with file:
        return file.read()


def sheet_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


async def test_a_sheet_has_numbers_days_and_a_head_that_stays() -> None:
    rows: list[Row] = [("kepco", 9_007_199_254_740_991, DAY, "예산"), ("lh", 0, None, None)]
    sheet = sheet_of(await made(rows, Format.XLSX))
    assert [cell.value for cell in sheet[1]] == ["who", "won", "due_on", "reason"]
    assert all(cell.font.bold for cell in sheet[1])
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:D3")
    who, won, due_on, reason = sheet[2]
    assert (who.value, reason.value) == ("kepco", "예산")
    assert (won.data_type, won.number_format) == ("n", "#,##0")
    assert (due_on.is_date, due_on.value.date(), due_on.number_format) == (True, DAY, "yyyy-mm-dd")
    assert [cell.value for cell in sheet[3]] == ["lh", 0, None, None]
    assert sheet.max_row == 3


@pytest.mark.parametrize(
    ("language", "head"), [(None, "won"), (Language.KO, "금액(원)"), (Language.EN, "Amount (won)")]
)
async def test_columns_are_headed_in_the_language_asked_for(language: Language | None, head: str) -> None:
    assert sheet_of(await made([], Format.XLSX, language))["B1"].value == head
    (first,) = csv.reader(io.StringIO((await made([], Format.CSV, language)).decode("utf-8-sig")))
    assert first[1] == head


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_no_cell_is_taken_for_a_formula(hostile: str) -> None:
    row: Row = (hostile, 1, DAY, hostile)
    cell = sheet_of(await made([row], Format.XLSX))["A2"]
    assert (cell.data_type, unescape(cell.value)) == ("s", hostile)
    text = (await made([row], Format.CSV)).decode("utf-8-sig")
    _, read = csv.reader(io.StringIO(text, newline=""))
    assert read == [f"'{hostile}", "1", "2018-11-13", f"'{hostile}"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), max_size=5))
async def test_what_is_written_is_read_back(texts: list[str]) -> None:
    rows: list[Row] = [(text, number, None, text) for number, text in enumerate(texts)]
    sheet = sheet_of(await made(rows, Format.XLSX))
    read = [[cell.value or "" for cell in row] for row in sheet.iter_rows(min_row=2, max_col=4)]
    kept = [text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd") for text in texts]
    assert [row[0] for row in read] == kept
    assert json.loads(await made(rows, Format.JSON)) == {
        "round": "2018-h2",
        "things": [{"who": text, "won": number, "due_on": None, "reason": text} for number, text in enumerate(texts)],
    }


async def test_a_text_longer_than_a_cell_is_cut_visibly() -> None:
    value = sheet_of(await made([("x" * 40_000, 1, None, None)], Format.XLSX))["A2"].value
    assert (len(value), value[-2:]) == (32_767, "x…")


async def test_rows_come_in_parts_and_what_fails_leaves_no_file() -> None:
    closed = []

    async def parts(fail: bool) -> Rows:
        try:
            yield [("a", 1, DAY, None)]
            yield [("b", 2, DAY, None), ("c", 3, DAY, None)]
            if fail:
                raise ConnectionError("the database went away")
        finally:
            closed.append(fail)

    for kind in Format:
        with await written(TABLE, parts(False), kind, None) as file:
            content = file.read()
        assert all(name in content for name in (b"a", b"b", b"c")) or kind is Format.XLSX
        with pytest.raises(ConnectionError):
            await written(TABLE, parts(True), kind, None)
    assert closed == [False, True] * 3


def test_more_rows_than_a_sheet_holds_are_answered_with_what_to_ask_for() -> None:
    check_fits(Format.XLSX, ROWS_OF_A_SHEET)
    check_fits(Format.CSV, ROWS_OF_A_SHEET + 1)
    with pytest.raises(Problem) as raised:
        check_fits(Format.XLSX, ROWS_OF_A_SHEET + 1)
    assert (raised.value.status, raised.value.code) == (406, "too-many-rows")
    assert "?format=csv" in str(raised.value)


@pytest.mark.parametrize(
    ("accept", "asked", "given"),
    [
        ("*/*", None, Format.JSON),
        ("text/csv", None, Format.CSV),
        (MEDIA_TYPES[Format.XLSX], None, Format.XLSX),
        ("text/html, text/csv;q=0.9, */*", None, Format.CSV),
        ("text/csv", Format.XLSX, Format.XLSX),
        ("text/csv", Format.JSON, Format.JSON),
    ],
)
def test_what_is_asked_for_goes_before_what_is_accepted(accept: str, asked: Format | None, given: Format) -> None:
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]})
    assert wanted(request, asked) is given


@pytest.mark.parametrize("columns", [results.COLUMNS, purchases.PURCHASES, purchases.PLEDGES])
def test_every_column_has_a_name_and_a_head_in_both_languages_of_its_own(columns: tuple[Column, ...]) -> None:
    for heads in ([c.name for c in columns], [c.ko for c in columns], [c.en for c in columns]):
        assert all(heads)
        assert len(set(heads)) == len(columns)

"""Tables that institutions upload: what each cell comes to, whatever program wrote it."""

import io
import zipfile
from datetime import UTC, date, datetime
from time import process_time
from typing import Any

import pytest

from services.intake.adapters.spreadsheets.bounds import NoSpreadsheetError, TooLargeError, UnreadableFileError
from services.intake.adapters.spreadsheets.reading import XLSX_TYPE
from services.intake.adapters.spreadsheets.template import csv_template, xlsx_template
from services.intake.adapters.spreadsheets.xlsx_file import _NO_PART_OF_A_DATE
from services.intake.domain.uploads.cells import Kind, read
from services.intake.domain.uploads.columns import COLUMNS, letters, named
from services.intake.domain.uploads.rows import cell_of
from services.intake.domain.uploads.sheets import Unusable, Value
from shared.contracts.events import Language
from shared.reading.as_written import Wrong
from shared.wording.in_korean import in_korean
from tests.support.tables import HEADER, PLAIN, errors, repacked, sheet_of, table, taken, told, workbook

PATTERN = "string-pattern-mismatch"
GOOD = "r-1,41112201,5,20000000"


READ: list[tuple[Kind, Value, Any]] = [
    (Kind.NUMBER, 50, 50),
    (Kind.NUMBER, 50.0, 50),
    (Kind.NUMBER, "50.0", 50),
    (Kind.NUMBER, " 120,000,000 ", 120_000_000),
    (Kind.NUMBER, "1,200.00", 1200),
    (Kind.NUMBER, "'50", 50),
    (Kind.CLASS, 41112201.0, "41112201"),
    (Kind.CLASS, "'01112201", "01112201"),
    (Kind.REFERENCE, 17.0, "17"),
    (Kind.REFERENCE, "2018-017", "2018-017"),
    (Kind.DAY, datetime(2018, 9, 14), "2018-09-14"),  # noqa: DTZ001 -- as spreadsheets have days
    (Kind.DAY, date(2018, 9, 14), "2018-09-14"),
    (Kind.DAY, "2018. 9. 14.", "2018-09-14"),
    (Kind.DAY, "2018/09/14", "2018-09-14"),
    (Kind.CODES, "nep, net;gs", ["nep", "net", "gs"]),
    (Kind.TEXT, "=SUM(A1)", "=SUM(A1)"),
    (Kind.TEXT, "'=SUM(A1)", "=SUM(A1)"),
    (Kind.TEXT, "'quoted'", "'quoted'"),
    (Kind.TEXT, 3, "3"),
    (Kind.NUMBER, 100_000_000.00000001, 100_000_000),
    (Kind.NUMBER, 0.1 * 3 * 10, 3),
    (Kind.NUMBER, 1.1 * 300, 330),
    (Kind.NUMBER, 119_999_999.99999999, 120_000_000),
    (Kind.NUMBER, "１２０，０００，０００", 120_000_000),
    (Kind.NUMBER, "\u200b50\u00a0", 50),
    (Kind.CLASS, "４１１１２２０１", "41112201"),
    (Kind.REFERENCE, "2018\u2011017", "2018-017"),
    (Kind.DAY, "2018년 9월 14일", "2018-09-14"),
    (Kind.CODES, "ｎｅｐ，net", ["nep", "net"]),
    (Kind.TEXT, "\u1112\u1161\u11ab", "한"),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), READ)
def test_what_spreadsheets_do_to_a_value_is_seen_through(kind: Kind, value: Value, wanted: Any) -> None:
    assert read(kind, value) == wanted


REFUSED: list[tuple[Kind, Value, str]] = [
    (Kind.NUMBER, "1.2억", "not-a-whole-number"),
    (Kind.NUMBER, "120,000,000원", "not-a-whole-number"),
    (Kind.NUMBER, "1,2,3", "not-a-whole-number"),
    (Kind.NUMBER, "1.2E+08", "not-a-whole-number"),
    (Kind.NUMBER, "-5", "not-a-whole-number"),
    (Kind.NUMBER, "9" * 5000, "not-a-whole-number"),
    (Kind.NUMBER, 1.5, "not-a-whole-number"),
    (Kind.NUMBER, float("inf"), "not-a-whole-number"),
    (Kind.NUMBER, date(2018, 1, 1), "not-a-whole-number"),
    (Kind.NUMBER, True, "true-or-false"),
    (Kind.NUMBER, "=1+1", "formula"),
    (Kind.CLASS, 1112201, "leading-zero"),
    (Kind.REFERENCE, date(2018, 1, 1), "date"),
    (Kind.REFERENCE, 1.5, "number"),
    (Kind.REFERENCE, '="001"', "formula"),
    (Kind.DAY, "14/09/2018", "not-a-day"),
    (Kind.DAY, "2018-02-30", "no-such-day"),
    (Kind.DAY, 43357, "not-a-day"),
    (Kind.CODES, 5, "not-a-code"),
    (Kind.NUMBER, 99_999_999.5, "not-a-whole-number"),
    (Kind.NUMBER, 1_000_000.001, "not-a-whole-number"),
    (Kind.NUMBER, float("nan"), "not-a-whole-number"),
    (Kind.REFERENCE, 12345678901234567890.0, "number"),
    (Kind.REFERENCE, 1234567890123456, "number"),
    (Kind.DAY, datetime(2018, 11, 1, 15), "date-from-datetime-inexact"),  # noqa: DTZ001 -- as spreadsheets have them
    (Kind.DAY, datetime(2018, 11, 2, tzinfo=UTC), "date-from-datetime-inexact"),
    (Kind.DAY, "2018-11-02 00:00:00", "date-from-datetime-inexact"),
    (Kind.TEXT, "a\u202eb", "turning-text"),
    (Kind.TEXT, Unusable("#N/A", "error-value", "it shows #N/A", "mend it"), "error-value"),
]


@pytest.mark.parametrize(("kind", "value", "code"), REFUSED)
def test_what_is_not_plainly_meant_is_refused_with_the_fix(kind: Kind, value: Value, code: str) -> None:
    wrong = read(kind, value)
    assert isinstance(wrong, Wrong)
    assert wrong.code == code
    assert wrong.fix


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_column_is_known_by_its_name_and_in_korean(column: Any) -> None:
    for header in (column.name, column.ko, f" {column.name.upper().replace('_', ' ')} ", column.ko.replace("(", "\n(")):
        assert named(header) == column.name


def test_what_is_kept_otherwise_than_it_is_written_is_told_by_its_cell() -> None:
    (row,) = taken(table(HEADER, 'r\u20101,４１１１２２０１,5,"20,000,000"')).reading.rows
    assert [(one.cell, one.said, one.read) for one in row.read_as] == [
        ("A2", "r\u20101", "r-1"),
        ("B2", "４１１１２２０１", "41112201"),
        ("D2", "20,000,000", "20000000"),
    ]
    assert taken(table(HEADER, GOOD)).reading.rows[0].read_as == ()


def test_columns_are_lettered_as_spreadsheets_do() -> None:
    assert [letters(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


CELLS: dict[str, tuple[bytes, list[tuple[str | None, str]]]] = {
    "two in a row": (table(HEADER, "r 1,41112201,1.5,20000000"), [("A2", PATTERN), ("C2", "not-a-whole-number")]),
    "nothing in it": (table(HEADER, "r-1,41112201,,20000000"), [("C2", "missing")]),
    "zero": (table(HEADER, "r-1,41112201,0,20000000"), [("C2", "greater-than-equal")]),
    "beyond JSON": (table(HEADER, "r-1,41112201,5,99999999999999999999"), [("D2", "less-than-equal")]),
    "unknown column": (table(f"{HEADER},prise", f"{GOOD},5"), [("E1", "unknown-column")]),
    "no header above": (table(HEADER, f"{GOOD},5"), [("E1", "no-header")]),
    "a column twice": (table(f"{HEADER},수량", f"{GOOD},5"), [("E1", "repeated-column")]),
    "a column missing": (table("request,class_code,quantity", "r-1,41112201,5"), [(None, "missing-column")]),
    "of another type": (table(f"{HEADER},replaces", f"{GOOD},1"), [("E2", "not-of-this-type")]),
    "no such type": (table(f"type,{HEADER}", f"buy,{GOOD}"), [("A2", "unknown-type")]),
    "the same request twice": (table(HEADER, GOOD, "kepco/r-1,41112201,9,20000000"), [("A3", "repeated-request")]),
    "a list": (table(f"{HEADER},certificate_kinds", f'{GOOD},"nep,NEP!"'), [("E2", PATTERN)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_each_error_names_its_cell(name: str) -> None:
    content, wanted = CELLS[name]
    assert told(content) == wanted
    assert all(error.fix and error.detail for error in errors(content))


def test_a_pointer_leads_back_to_its_cell() -> None:
    columns = {"budget_won": "D", "certificate_kinds": "E"}
    assert cell_of(columns, 7, "/facts/budget_won") == ("budget_won", "D7")
    assert cell_of(columns, 7, "/facts/certificate_kinds/1") == ("certificate_kinds", "E7")
    assert cell_of(columns, 7, "/round") == (None, None)


def test_every_kind_of_message_can_stand_in_one_table() -> None:
    header = "구분,구매 요청 번호,대체할 버전,물품분류번호,수량,예산(원),신청 번호,계약 수량,계약 금액(원),계약일,사유"
    application = "3f0c9a52-1d52-4b6f-9f6e-2d6f0a4b7c11"
    reading = taken(
        table(
            header,
            "요청,r-1,,41112201,5,20000000,,,,,",
            "변경,r-2,1,41112201,5,20000000,,,,,",
            "철회,r-3,,,,,,,,,no budget",
            f'구매 보고,r-4,,,,,{application},2,"1,900,000",2018-10-20,',
            f"미구매 보고,r-5,,,,,{application},,,,budget cut",
        )
    ).reading
    assert list(reading.all_errors()) == []
    assert [row.type for row in reading.rows] == [
        "SubmitPurchaseRequest",
        "AmendPurchaseRequest",
        "WithdrawPurchaseRequest",
        "ReportPurchase",
        "ReportNonPurchase",
    ]
    assert reading.rows[3].message == {
        "round": "2018-h2",
        "request": "r-4",
        "application": application,
        "quantity": 2,
        "amount_won": 1_900_000,
        "contracted_on": "2018-10-20",
    }


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("cp949", "CP949"), ("euc-kr", "CP949"), ("utf-16", "UTF-16")],
)
def test_korean_text_is_read_as_it_was_written(encoding: str, named: str) -> None:
    read_so_far = taken("구매 요청 번호,물품분류번호,수량,예산\nr-1,41112201,5,20000000\n한글,,,\n".encode(encoding))
    assert read_so_far.sheet.encoding == named
    assert read_so_far.reading.rows[1].seen["request"] == "한글"


@pytest.mark.parametrize("between", [";", "\t"])
def test_what_stands_between_cells_is_seen_by_the_header(between: str) -> None:
    rows = [
        ["제목, 2018", "", ""],
        [*HEADER.split(","), "note"],
        ["r-1", "41112201", "5", "20,000,000", "a, b, c, d, e"],
    ]
    understood = taken(table(*(between.join(row) for row in rows)))
    assert list(understood.reading.all_errors()) == []
    assert understood.reading.rows[0].message["facts"]["note"] == "a, b, c, d, e"
    assert understood.reading.rows[0].message["facts"]["budget_won"] == 20_000_000


def test_excel_s_word_for_its_separator_is_no_row() -> None:
    assert told(table("sep=;", HEADER.replace(",", ";"), "r-1;41112201;x;2")) == [("C2", "not-a-whole-number")]


def test_excel_s_unicode_text_is_read() -> None:
    content = table(HEADER, GOOD).decode().replace(",", "\t").encode("utf-16")
    assert taken(content).reading.rows[0].message["facts"]["quantity"] == 5


WORDS = {
    "구매요청": "SubmitPurchaseRequest",
    "희망": "SubmitPurchaseRequest",
    "변경": "AmendPurchaseRequest",
    "철회": "WithdrawPurchaseRequest",
    "요청 철회": "WithdrawPurchaseRequest",
    "구매실적": "ReportPurchase",
    "구매 실적": "ReportPurchase",
    "미구매": "ReportNonPurchase",
    " 희\u200b망\u00a0": "SubmitPurchaseRequest",
}


@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_the_type_is_said_in_korean_too(word: str) -> None:
    assert taken(table(f"구분,{HEADER}", f"{word},{GOOD}")).reading.rows[0].type == WORDS[word]


def test_line_breaks_within_a_cell_move_no_row() -> None:
    content = table(f"{HEADER},note", f'{GOOD},"two', 'lines"', "", "r-2,41112201,x,20000000,,,")
    assert told(content) == [("C4", "not-a-whole-number")]


def test_excels_habits_are_taken_as_they_are() -> None:
    def fill(made: Any) -> None:
        made.active.title = "hidden"
        made.active.sheet_state = "hidden"
        sheet = made.create_sheet("requests")
        sheet.append(["구매 요청"])
        sheet.merge_cells("A1:F1")
        sheet.append([])
        sheet.append(["type", "request", "application", "contracted_quantity", "contracted_won", "contracted_on"])
        day = datetime(2018, 10, 20)  # noqa: DTZ001 -- as spreadsheets have days
        application = "3f0c9a52-1d52-4b6f-9f6e-2d6f0a4b7c11"
        sheet.append(["report-purchase", 17.0, application, 2.0, 1_900_000, day])
        sheet["F4"].number_format = 'yyyy"년" m"월" d"일"'
        sheet["E4"].number_format = '#,##0"원"'
        sheet["ZZ900"].number_format = "@"
        sheet["B30"] = "  "

    understood = taken(workbook(fill), XLSX_TYPE)
    assert (understood.sheet.name, understood.sheet.passed_over) == ("requests", ("hidden",))
    assert list(understood.reading.all_errors()) == []
    (row,) = understood.reading.rows
    assert (row.number, row.message["request"]) == (4, "17")
    assert (row.message["quantity"], row.message["contracted_on"]) == (2, "2018-10-20")


def grown(content: bytes, growth: int) -> bytes:
    return repacked(content, lambda name, part: part + b" " * growth if name.endswith("sheet1.xml") else part)


def lying(content: bytes) -> bytes:
    """Its directory says that the sheet unpacks to a few bytes."""
    bomb = bytearray(grown(content, 50_000_000))
    with zipfile.ZipFile(io.BytesIO(content)) as honest:
        size = honest.getinfo("xl/worksheets/sheet1.xml").file_size
    at = bomb.rindex(b"xl/worksheets/sheet1.xml") - 46
    bomb[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(bomb)


def entities(name: str, part: bytes) -> bytes:
    return part.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)


def unknown_encoding(name: str, part: bytes) -> bytes:
    return b'<?xml version="1.0" encoding="klingon"?>' + part


UNREADABLE: dict[str, tuple[bytes, type[UnreadableFileError], str]] = {
    "unpacks to too much": (grown(PLAIN, 3_000_000), TooLargeError, "2,000,000 bytes"),
    "says less than it unpacks to": (lying(PLAIN), UnreadableFileError, "no whole XLSX"),
    "too many rows": (table(HEADER, *(f"r-{n},41112201,5,2" for n in range(21))), TooLargeError, "20 rows"),
    "too many rows of a workbook": (sheet_of(HEADER.split(","), *([n] for n in range(21))), TooLargeError, "20 rows"),
    "too many columns": (table(HEADER, GOOD + "," * 61 + "x"), TooLargeError, "column 64"),
    "too wide a workbook": (sheet_of(HEADER.split(","), [None] * 64 + [1]), TooLargeError, "column 64"),
    "entities": (repacked(PLAIN, entities), UnreadableFileError, "not as spreadsheets write it"),
    "an encoding nobody knows": (repacked(PLAIN, unknown_encoding), UnreadableFileError, "no whole XLSX"),
    "cut off": (PLAIN[: len(PLAIN) // 2], UnreadableFileError, "no whole XLSX"),
    "an archive": (repacked(PLAIN, lambda name, part: b""), UnreadableFileError, ""),
    "XLS": (bytes.fromhex("d0cf11e0a1b11ae1") + b"\x00" * 600, NoSpreadsheetError, "old XLS"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", NoSpreadsheetError, "neither UTF-8 nor CP949"),
    "UTF-16 unmarked": (table(HEADER, GOOD).decode().encode("utf-16-le"), NoSpreadsheetError, "neither UTF-8 nor"),
    "half of UTF-16": (table(HEADER, GOOD).decode().encode("utf-16")[:-1], NoSpreadsheetError, "no whole UTF-16"),
    "no text": (table(HEADER, GOOD) + b"\n\xff\xfe", NoSpreadsheetError, "see line 3"),
    "two encodings": (
        f"{HEADER},note\n{GOOD},한글\n".encode() + "r-2,41112201,5,2,한글".encode("cp949"),
        UnreadableFileError,
        "line 2 has UTF-8, line 3 CP949",
    ),
    "two in one line": (
        f"{HEADER},note,region\n{GOOD},".encode() + "구매".encode("cp949") + ",대전".encode(),
        UnreadableFileError,
        "two encodings",
    ),
    "a quote left open": (table(HEADER, 'r-1,"4111'), UnreadableFileError, "line 2"),
    "no header": (table(GOOD), UnreadableFileError, "no row names the columns"),
    "no rows": (table(HEADER, ",,,"), UnreadableFileError, "nothing stands below"),
    "empty": (b"", UnreadableFileError, "no row names the columns"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_can_not_be_read_is_refused_for_what_it_is(name: str) -> None:
    content, kind, said = UNREADABLE[name]
    with pytest.raises(kind) as refused:
        taken(content)
    assert said in str(refused.value)
    assert refused.value.fix


@pytest.mark.parametrize("hostile", ["[", "[a", '"', '"[', "\\", "_[", "*[", "[]"])
def test_no_number_format_holds_the_interpreter(hostile: str) -> None:
    """Eight times as much takes about eight times as long; it had taken sixty-four times."""

    def seconds(length: int) -> float:
        began = process_time()
        _NO_PART_OF_A_DATE.sub("", hostile * (length // len(hostile)))
        return process_time() - began

    assert seconds(400_000) < 30 * max(seconds(50_000), 0.001)


@pytest.mark.parametrize("said", ["text/csv", XLSX_TYPE, "application/json"])
def test_a_file_is_not_taken_for_what_it_is_not(said: str) -> None:
    content = table(HEADER, GOOD) if said == XLSX_TYPE else PLAIN
    with pytest.raises(NoSpreadsheetError):
        taken(content, said)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("template", [csv_template, xlsx_template])
def test_a_template_is_read_as_it_is_but_for_its_example(template: Any, language: Language) -> None:
    content = template(language)
    assert [code for _, code in told(content)] == ["example"]
    assert taken(content).reading.columns.keys() == {column.name for column in COLUMNS}


KOREAN = "요청 번호,물품분류번호,수량,예산"
APPLICATION = "00000000-0000-0000-0000-000000000000"
OF_KOREAN = "r-1,41112201,5,20000000"
SAID: dict[str, tuple[bytes, tuple[int, str | None, str, str]]] = {
    "no number": (table(KOREAN, "r-1,41112201,1.2억,20000000"), (2, "수량", "1.2억", "such as 50")),
    "zero": (table(KOREAN, "r-1,41112201,0,20000000"), (2, "수량", "0", "such as 50")),
    "a formula": (table(KOREAN, "r-1,41112201,=1+1,20000000"), (2, "수량", "=1+1", "such as 50")),
    "a class": (table(KOREAN, "r-1,411,5,20000000"), (2, "물품분류번호", "411", "such as 41112201")),
    "an id": (table(KOREAN, "r 1,41112201,5,20000000"), (2, "요청 번호", "r 1", "such as 2018-017")),
    "no money": (table(KOREAN, "r-1,41112201,5,2천만원"), (2, "예산", "2천만원", "such as 120000000")),
    "nothing": (table(KOREAN, "r-1,41112201,,20000000"), (2, "수량", "", "such as 50")),
    "a long one": (table(KOREAN, f"r-1,41112201,{'9x' * 300},2"), (2, "수량", "9x" * 100 + "…", "such as 50")),
    "a turning one": (table(KOREAN, "r-1,41112201,5\u202e0,2"), (2, "수량", "5<U+202E>0", "such as 50")),
    "the same twice": (table(KOREAN, OF_KOREAN, OF_KOREAN), (3, "요청 번호", "r-1", "such as 2018-018")),
    "an example": (table(KOREAN, "EXAMPLE-1,41112201,5,2000"), (2, "요청 번호", "EXAMPLE-1", "such as 2018-017")),
    "a day": (
        table("구분,요청 번호,신청 번호,계약 수량,계약 금액,계약일", f"실적,r-1,{APPLICATION},5,9,어제"),
        (2, "계약일", "어제", "such as 2018-09-14"),
    ),
    "codes": (table(f"{KOREAN},인증", f'{OF_KOREAN},"nep,NEP!"'), (2, "인증", "nep,NEP!", "such as nep, net")),
    "days": (table(f"{KOREAN},납품 기한", f"{OF_KOREAN},두 달"), (2, "납품 기한", "두 달", "such as 60")),
    "a ceiling": (table(f"{KOREAN},단가 상한", f"{OF_KOREAN},비쌈"), (2, "단가 상한", "비쌈", "such as 2400000")),
    "a region": (table(f"{KOREAN},지역", f"{OF_KOREAN},서울!"), (2, "지역", "서울!", "such as seoul")),
    "a version": (table(f"구분,{KOREAN},버전", f"변경,{OF_KOREAN},첫째"), (2, "버전", "첫째", "such as 1")),
    "a type": (table(f"구분,{KOREAN}", f"사자,{OF_KOREAN}"), (2, "구분", "사자", "submit")),
    "of another type": (table(f"{KOREAN},버전", f"{OF_KOREAN},1"), (2, "버전", "1", "write amend")),
    "an unknown column": (table(f"{KOREAN},zzz", f"{OF_KOREAN},1"), (1, "zzz", "zzz", "such as quantity")),
    "no header": (table(KOREAN, f"{OF_KOREAN},1"), (1, None, "", "such as quantity")),
    "a column twice": (table(f"{KOREAN},quantity", f"{OF_KOREAN},1"), (1, "quantity", "quantity", "C or E")),
    "a missing column": (table("요청 번호,물품분류번호,수량", "r-1,41112201,5"), (1, None, "", "such as 120000000")),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_each_error_says_the_row_the_column_of_the_file_what_came_and_an_example(name: str) -> None:
    content, (row, header, value, example) = SAID[name]
    found = [error for error in errors(content) if (error.row, error.header, error.value) == (row, header, value)]
    assert found, errors(content)
    assert all(example in error.fix and error.detail for error in found)
    assert all(in_korean(text) != text for error in found for text in (error.detail, error.fix))


def test_every_column_has_an_example() -> None:
    assert all("such as" in column.writes for column in COLUMNS if column.name != "type")

"""A panel's marks: what a file says, what of it can't be taken, and who stands apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.spreadsheets.bounds import NoSpreadsheetError
from services.intake.adapters.spreadsheets.reading import csv_rows
from services.intake.domain.scores import StatedMark, changed, column_named, counted, faults, outliers, read_table
from shared.contracts.events import Reason
from shared.programme.panel import PanelMark, marks_root

ONE, TWO = "0a7d1c3b-0e52-4f4c-8e9b-512f6f0a7be1", "1b7d1c3b-0e52-4f4c-8e9b-512f6f0a7be1"


def read(content: str | bytes) -> tuple[list[StatedMark], list[Reason]]:
    sent = content.encode() if isinstance(content, str) else content
    return read_table(csv_rows(sent, lambda header: column_named(header) is not None))


@pytest.mark.parametrize("encoding", ["cp949", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_table_is_read_as_korean_excel_saves_it(encoding: str, between: str) -> None:
    lines = [
        ["심사위원", "신청 번호", "점수", "이해충돌"],
        ["r-1", ONE, "６１", "아니오"],
        ["r\u20111", TWO, "5", "예"],
    ]
    if encoding == "cp949":
        lines[2][0] = "r-1"
    marks, reasons = read("\r\n".join(map(between.join, lines)).encode(encoding))
    assert reasons == []
    assert marks == [StatedMark("/lines/2", ONE, "r-1", 61), StatedMark("/lines/3", TWO, "r-1", 5, True)]


def test_what_is_no_csv_is_said_in_words() -> None:
    with pytest.raises(NoSpreadsheetError, match="an XLSX, whatever it is called"):
        read(b"PK\x03\x04...")


def test_a_table_is_read_as_spreadsheets_write_it() -> None:
    text = (
        f"\ufeffApplication,Reviewer,Points,Conflict_of_interest\r\n{ONE.upper()}, r-1 ,61,\r\n\r\n{TWO},r-1,0,Yes\r\n"
    )
    marks, reasons = read(text)
    assert reasons == []
    assert marks == [StatedMark("/lines/2", ONE, "r-1", 61), StatedMark("/lines/4", TWO, "r-1", 0, True)]
    assert read(f"application,reviewer,points\n{ONE},r-1,61\n")[0] == [StatedMark("/lines/2", ONE, "r-1", 61)]


def test_every_line_that_can_not_be_read_is_named_with_the_fix() -> None:
    lines = [
        f"{ONE},r-1",
        f"{ONE},r-1,6.5",
        f"{ONE},r-1,-3",
        f"{ONE},r-1,9999999",
        f"{ONE},r-1,5,maybe",
        f"{ONE},r-2,५,no",
    ]
    marks, reasons = read("application,reviewer,points,conflict_of_interest\n" + "\n".join(lines))
    assert marks == []
    assert [(reason.pointer, reason.code) for reason in reasons] == [
        ("/lines/2", "cells"),
        ("/lines/3", "cells"),
        ("/lines/4", "cells"),
        ("/lines/5", "cells"),
        ("/lines/6/conflict_of_interest", "yes-or-no"),
        ("/lines/7/points", "no-number"),
    ]
    assert all(reason.fix for reason in reasons)
    assert [one.code for one in read("id;points\n")[1]] == ["head"]
    assert [one.code for one in read("")[1]] == ["head"]


def test_what_can_not_be_taken() -> None:
    stated = [
        StatedMark("/0", ONE, "r-1", 70),
        StatedMark("/1", ONE, "r-1", 60),
        StatedMark("/2", "nobody", "r-1", 60),
        StatedMark("/3", TWO, "r-1", 60),
        StatedMark("/4", ONE, "r-2", 71),
    ]
    found = faults(stated, {ONE, TWO}, {TWO}, 70)
    assert [(one.pointer, one.code) for one in found] == [
        ("/1", "twice"),
        ("/2/application", "unknown"),
        ("/3/application", "closed"),
        ("/4/points", "out-of-range"),
    ]
    assert faults(stated[:1], {ONE}, set(), 70) == []


def test_a_mark_sent_again_changes_nothing_another_is_the_next_version() -> None:
    standing = {(ONE, "r-1"): PanelMark(ONE, "r-1", 2, 60, False)}
    assert changed([StatedMark("", ONE, "r-1", 60)], standing) == []
    assert changed([StatedMark("", ONE, "r-1", 61)], standing) == [PanelMark(ONE, "r-1", 3, 61, False)]
    assert changed([StatedMark("", ONE, "r-1", 60, True)], standing) == [PanelMark(ONE, "r-1", 3, 60, True)]
    assert changed([StatedMark("", TWO, "r-1", 60)], standing) == [PanelMark(TWO, "r-1", 1, 60, False)]


def test_who_stands_apart_from_the_others() -> None:
    def of(*points: int) -> list[PanelMark]:
        return [PanelMark(ONE, f"r-{number}", 1, one, False) for number, one in enumerate(points)]

    assert outliers(of(60), 70) == []
    assert outliers(of(60, 61, 42), 70) == ["r-2"], "18.5 away, a quarter of 70 is 17.5"
    assert outliers(of(60, 61, 44), 70) == []
    assert outliers(of(0, 70), 70) == ["r-0", "r-1"], "of two nobody can say which"
    conflicted = [*of(60, 61), PanelMark(ONE, "r-9", 1, 0, True)]
    assert outliers(counted(conflicted)[ONE], 70) == [], "who declared a conflict is not counted"


@given(st.permutations([PanelMark(one, f"r-{n}", 1, n, n == 2) for one in (ONE, TWO) for n in range(3)]))
def test_the_root_does_not_depend_on_the_order(marks: list[PanelMark]) -> None:
    assert marks_root(marks) == marks_root(sorted(marks))
    assert marks_root(marks[1:]) != marks_root(marks)

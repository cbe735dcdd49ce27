"""Tables of purchase requests as files, and how they are read."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl

from services.intake.adapters.spreadsheets.bounds import Bounds
from services.intake.adapters.spreadsheets.reading import read_file
from services.intake.domain.uploads.cell_errors import CellError
from services.intake.usecases.upload import Understood, understand

BOUNDS = Bounds(rows=20, unpacked_bytes=2_000_000, seconds=5, memory_bytes=268_435_456)


def taken(content: bytes, said: str = "") -> Understood:
    return understand(read_file(content, said, BOUNDS), "2018-h2", "kepco")


def table(*rows: str) -> bytes:
    return "\n".join(rows).encode()


def errors(content: bytes) -> list[CellError]:
    return list(taken(content).reading.all_errors())


def told(content: bytes) -> list[tuple[str | None, str]]:
    return [(error.cell, error.code) for error in errors(content)]


def workbook(fill: Callable[[Any], None]) -> bytes:
    made = openpyxl.Workbook()
    fill(made)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def sheet_of(*rows: list[Any]) -> bytes:
    def fill(made: Any) -> None:
        for row in rows:
            made.active.append(row)

    return workbook(fill)


HEADER = "request,class_code,quantity,budget_won"


def repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    return file.getvalue()


PLAIN = sheet_of(HEADER.split(","), ["r-1", "41112201", 5, 20_000_000])

"""Files made to exhaust who reads them: each is refused or read, in bounded time and memory, and nothing else is
touched."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.intake.adapters.spreadsheets.bounds import Bounds, TooLargeError, UnreadableFileError
from services.intake.adapters.spreadsheets.reader import EarlierUploadError, SheetReader
from services.intake.domain.uploads.sheets import LONGEST_TEXT, Sheet, Unusable
from tests.support.spreadsheets import MAIN, xlsx

BOUNDS = Bounds(rows=2000, unpacked_bytes=33_554_432, seconds=4, memory_bytes=536_870_912)
ROOM = 33_000_000
"""Bytes that a hostile part has, just below what a file may unpack to."""


def filled(before: str, repeated: str, after: str = "") -> str:
    return before + repeated * ((ROOM - len(before) - len(after)) // len(repeated)) + after


def styles(inside: str) -> str:
    return f'<styleSheet xmlns="{MAIN}">{inside}</styleSheet>'


def rows(inside: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{inside}</sheetData></worksheet>'


def referring(cells: int) -> str:
    """Rows of cells that all show the one text."""
    row = "".join('<c t="s"><v>0</v></c>' for _ in range(60))
    return rows(f"<row>{row}</row>" * (cells // 60))


REFUSED: dict[str, Callable[[], bytes]] = {
    "nested in a table": lambda: xlsx(sheet=filled(f'<worksheet xmlns="{MAIN}"><sheetData>', "<a>")),
    "nested in a row": lambda: xlsx(sheet=filled(f'<worksheet xmlns="{MAIN}"><sheetData><row>', "<a>")),
    "nested in styles": lambda: xlsx(styles=filled(f'<styleSheet xmlns="{MAIN}">', "<a>")),
    "nested in a workbook": lambda: xlsx(workbook=filled(f'<workbook xmlns="{MAIN}">', "<a>")),
    "styles without number": lambda: xlsx(styles=filled(f'<styleSheet xmlns="{MAIN}"><cellXfs>', "<xf/>")),
    "formats without number": lambda: xlsx(
        styles=filled(f'<styleSheet xmlns="{MAIN}"><numFmts>', '<numFmt numFmtId="200" formatCode="y"/>')
    ),
    "texts without number": lambda: xlsx(texts=filled(f'<sst xmlns="{MAIN}">', "<si><t>a</t></si>")),
    "sheets without number": lambda: xlsx(workbook=filled(f'<workbook xmlns="{MAIN}"><sheets>', '<sheet name="a"/>')),
    "elements without number": lambda: xlsx(sheet=filled(rows("<row/>")[:-24] + "<row>", "<c/>")),
    "attributes without number": lambda: xlsx(
        styles=styles("<xf " + " ".join(f'a{number}=""' for number in range(1_500_000)) + "/>")
    ),
    "one text in every cell": lambda: xlsx(
        texts=f'<sst xmlns="{MAIN}"><si><t>{"a" * 30_000}</t></si></sst>', sheet=referring(60_000)
    ),
    # Canonical order is sorted by insertion: one such cell is a tenth of a second, a table of them an hour.
    "marks that are sorted": lambda: b"\n".join(("a" + "\u0316\u0301" * 10_000).encode() for _ in range(50)),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_would_exhaust_its_reader_is_refused(name: str) -> None:
    content = REFUSED[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(TooLargeError) as refused:
        await SheetReader(BOUNDS).read(content, "")
    assert refused.value.fix
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime - began.ru_utime < BOUNDS.seconds + 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "of this process, in KiB"


async def test_who_takes_too_long_or_too_much_is_ended_and_answered() -> None:
    slow = replace(BOUNDS, seconds=1)
    content = xlsx(sheet=rows("<row/>" + "<row><c/></row>" * 600_000))
    with pytest.raises(TooLargeError, match="more time"):
        await SheetReader(slow).read(content, "")
    tight = replace(BOUNDS, memory_bytes=134_217_728)
    texts = f'<sst xmlns="{MAIN}">' + f"<si><t>{'a' * 100}</t></si>" * 249_000 + "</sst>"
    with pytest.raises(TooLargeError, match="more memory"):
        await SheetReader(tight).read(xlsx(texts=texts), "")


async def test_the_loop_turns_while_a_file_is_read_and_one_that_is_given_up_is_ended() -> None:
    reading = asyncio.create_task(SheetReader(BOUNDS).read(xlsx(sheet=filled(rows("<row/>")[:-24], "<row/>")), ""))
    while not (children := readers()):
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not set(children) & set(readers())


def readers() -> list[str]:
    return [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and b"spreadsheets.apart" in _words(entry) and _parent(entry) == os.getpid()
    ]


def _words(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


async def test_the_reader_is_told_nothing_that_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTBUY_INTAKE_DATABASE_URL", "postgresql://somebody:secret@db.example/intake")
    asked: dict[str, object] = {}
    started = asyncio.create_subprocess_exec

    async def watched(*words: str, **options: object) -> asyncio.subprocess.Process:
        asked.update(options, words=words)
        return await started(*words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    await SheetReader(BOUNDS).read(xlsx(), "")
    assert asked["env"] == {}
    assert asked["words"][:2] == (sys.executable, "-m")  # type: ignore[index]


async def test_what_was_read_comes_as_it_was() -> None:
    table = "request,note,day\n" + "r-1,e\u0301tat " + "x" * LONGEST_TEXT + ",2018-09-14\nr-2,,\n"
    sheet: Sheet = await SheetReader(BOUNDS).read(table.encode(), "text/csv")
    assert (sheet.format, sheet.encoding, [row.number for row in sheet.rows]) == ("csv", "UTF-8", [1, 2, 3])
    long = sheet.rows[1].cells[1]
    assert isinstance(long, Unusable)
    assert (long.code, long.shown[:5]) == ("too-long", "e\u0301tat"[:5])
    assert sheet.rows[2].cells == {0: "r-2"}


async def test_uploads_of_one_institution_take_turns_and_others_do_not_wait() -> None:
    reader = SheetReader(BOUNDS)
    async with reader.reserved("kepco", 0.1):
        with pytest.raises(EarlierUploadError):
            async with reader.reserved("kepco", 0.05):
                pass
        async with reader.reserved("khnp", 0.05):
            pass
    async with reader.reserved("kepco", 0.05):
        pass


async def test_a_reader_that_breaks_is_told_as_a_file_that_costs_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = asyncio.create_task(SheetReader(BOUNDS).read(xlsx(sheet=filled(rows("<row/>")[:-24], "<row/>")), ""))
    while not (children := readers()):
        await asyncio.sleep(0.01)
    os.kill(int(children[0]), signal.SIGKILL)
    with pytest.raises(TooLargeError, match="time or memory"):
        await reading


async def test_a_fault_of_the_reader_s_own_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "services.intake.adapters.spreadsheets.reader._MODULE", "services.intake.adapters.spreadsheets.nowhere"
    )
    with pytest.raises(UnreadableFileError, match="fault of ours") as refused:
        await SheetReader(BOUNDS).read(xlsx(), "")
    assert not isinstance(refused.value, TooLargeError)

"""A document's type is told by its content, and nothing is taken that runs, is locked, or is two files in one."""

import io
import json
import subprocess
import sys
import zipfile
from contextlib import suppress
from typing import Any

import pikepdf
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Encryption, Name

from deploy.image.lean import NEVER_LOADED
from deploy.local.state import PROJECT
from services.intake.adapters.documents import apart, zips
from services.intake.adapters.documents.content import file_type
from services.intake.adapters.documents.refusing import RefusedFileError
from tests.support.document_files import (
    CONTENT_TYPES,
    EVERY,
    archive,
    compound,
    hwp,
    hwpx,
    jpeg,
    office,
    pdf,
    png,
)


def refusal(content: bytes) -> str:
    with pytest.raises(RefusedFileError) as refused:
        file_type(content)
    assert str(refused.value)
    assert refused.value.fix
    return refused.value.code


@pytest.mark.parametrize("kind", EVERY)
def test_each_type_is_told_by_its_content(kind: str) -> None:
    assert file_type(EVERY[kind]()).name == kind


def test_an_ordinary_spreadsheet_and_a_compressed_pdf_are_taken() -> None:
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written)
    book.add_worksheet().write(0, 0, "재무제표")
    book.close()
    assert file_type(written.getvalue()).name == "XLSX"
    packed = pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate, linearize=True)
    assert file_type(packed).name == "PDF"


def script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS="app.alert(1)")


def opens_with(action: Any) -> Any:
    return lambda document: document.Root.__setattr__("OpenAction", action)


def test_a_pdf_is_read_without_what_the_image_leaves_out() -> None:
    blocked = ";".join(f"sys.modules[{name!r}] = None" for name in NEVER_LOADED)
    code = f"import sys;{blocked};from {apart.__name__} import main;main()"
    limits = json.dumps({"seconds": 20, "memory_bytes": 2**29})
    done = subprocess.run(
        [sys.executable, "-c", code, limits], input=pdf(), capture_output=True, cwd=PROJECT, check=True
    )
    assert json.loads(done.stdout) == {"media_type": "application/pdf"}


RUNNING = {
    "on opening": opens_with(script()),
    "by name": lambda document: document.Root.__setattr__(
        "Names", Dictionary(JavaScript=Dictionary(Names=Array(["a", script()])))
    ),
    "on a page": lambda document: document.pages[0].obj.__setattr__("AA", Dictionary(O=script())),
    "in an object of its own": lambda document: document.Root.__setattr__("Own", document.make_indirect(script())),
    "in a list in a list": opens_with(Array([Array([script()])])),
    "a program": opens_with(Dictionary(S=Name.Launch)),
    "a form": lambda document: document.Root.__setattr__("AcroForm", Dictionary(XFA=Array([]))),
}


@pytest.mark.parametrize("where", RUNNING)
@pytest.mark.parametrize("packed", [False, True])
def test_a_pdf_that_runs_something_is_refused(where: str, packed: bool) -> None:
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
    assert refusal(pdf(change=RUNNING[where], object_stream_mode=mode)) == "scripted-file"


def test_the_name_of_a_script_may_be_escaped() -> None:
    plain = pdf(change=RUNNING["on opening"])
    assert refusal(plain.replace(b"/JavaScript", b"/Java#53cript").replace(b"/JS", b"/#4aS")) == "scripted-file"


def test_words_about_scripts_are_no_script() -> None:
    assert file_type(pdf("(/JS /JavaScript) 설명")).name == "PDF"


@pytest.mark.parametrize("user", ["", "secret"])
def test_a_locked_pdf_is_refused(user: str) -> None:
    assert refusal(pdf(encryption=Encryption(owner="owner", user=user))) == "encrypted-file"


REFUSED = {
    "nothing": (b"", "empty-file"),
    "text": ("규격서".encode(), "type-not-taken"),
    "a program": (b"MZ\x90\0" + b"\0" * 100, "type-not-taken"),
    "a page": (b"<html><script>1</script>", "type-not-taken"),
    "a GIF that is a PDF": (b"GIF89a" + pdf(), "type-not-taken"),
    "a PDF behind a line": (b"\n" + pdf(), "type-not-taken"),
    "a ZIP": (archive({"a.exe": b"MZ"}), "type-not-taken"),
    "an old Office file": (compound(("WordDocument", b"x" * 100)), "type-not-taken"),
    "half a PDF": (pdf()[:200], "broken-file"),
    "a PDF of its head": (b"%PDF-1.7\n%%EOF\n", "broken-file"),
    "half a PNG": (png()[:40], "broken-file"),
    "half a JPEG": (jpeg()[:12], "broken-file"),
    "half a DOCX": (office("DOCX")[:-30], "broken-file"),
    "half an HWP": (hwp()[:600], "broken-file"),
    "a PDF and a ZIP": (pdf() + archive({"a": b"b"}), "bytes-behind"),
    "a PNG and a ZIP": (png(archive({"a": b"b"})), "bytes-behind"),
    "a JPEG and a ZIP": (jpeg(archive({"a": b"b"})), "two-types"),
    "a JPEG and a PDF": (jpeg(comment=pdf()[:300]), "two-types"),
    "a JPEG and a RAR": (jpeg(b"Rar!\x1a\x07\x01\x00"), "two-types"),
    "a DOCX behind a program": (b"MZ" + office("DOCX"), "type-not-taken"),
    "a DOCX with something behind": (office("DOCX") + b"more", "broken-file"),
    "a DOCX and an XLSX": (
        archive({CONTENT_TYPES: "wordprocessingml.document.main+xml spreadsheetml.sheet.main+xml"}),
        "type-not-taken",
    ),
    "macros": (office("XLSX", **{"xl/vbaProject.bin": b"x"}), "scripted-file"),
    "a macro sheet": (
        archive({CONTENT_TYPES: "application/vnd.ms-excel.sheet.macroEnabled.main+xml"}),
        "scripted-file",
    ),
    "a way out": (office("DOCX", **{"../../evil": b"x"}), "path-in-archive"),
    "an absolute way": (office("DOCX", **{"/etc/passwd": b"x"}), "path-in-archive"),
    "one name twice": (office("DOCX", **{"MAIN.XML": b"x"}), "two-types"),
    "a locked HWPX": (hwpx(**{"META-INF/manifest.xml": "<odf:encryption-data/>"}), "encrypted-file"),
    "a locked HWP": (hwp(0b11), "encrypted-file"),
    "an HWP with a script": (hwp(0b1001), "scripted-file"),
    "a locked DOCX": (compound(("EncryptedPackage", b"x" * 100)), "encrypted-file"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_nobody_takes_is_refused_with_its_reason(what: str) -> None:
    content, code = REFUSED[what]
    assert refusal(content) == code


def test_a_picture_with_what_cameras_put_behind_it_is_taken() -> None:
    assert file_type(jpeg(b"\0\0\0\x18ftypmp42" + b"film" * 100)).name == "JPEG"


def test_an_archive_is_bounded_in_parts_and_in_what_it_unpacks_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "UNPACKED_AT_MOST", 1_000_000)
    assert refusal(hwpx(big=b"0" * 1_000_001)) == "archive-too-large"
    many = archive({f"part-{number}": b"" for number in range(10_001)}, zipfile.ZIP_STORED)
    assert refusal(many) == "archive-too-large"


def test_a_part_that_unpacks_to_more_than_it_says_is_refused() -> None:
    content = bytearray(office("DOCX", big=b"0" * 1_000_000))
    size = (1_000_000).to_bytes(4, "little")
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = (10).to_bytes(4, "little")
    assert refusal(bytes(content)) == "broken-file"


@given(st.sampled_from(sorted(EVERY)), st.data())
def test_a_damaged_file_is_refused_or_taken_and_never_a_fault(kind: str, data: st.DataObject) -> None:
    content = bytearray(EVERY[kind]())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:end])):
        with suppress(RefusedFileError):
            file_type(damaged)


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"", b"PK\x03\x04", b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
    ),
)
def test_any_bytes_behind_any_signature_are_answered(behind: bytes, signature: bytes) -> None:
    with pytest.raises(RefusedFileError):
        file_type(signature + behind)

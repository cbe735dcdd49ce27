"""ZIP archives that are documents: DOCX, XLSX (ECMA-376) and HWPX (KS X 6101), told apart by what is inside."""

import io
import re
import zipfile
from typing import Final

from services.intake.adapters.documents.refusing import SAVE_AGAIN, RefusedFileError
from shared.programme.file_types import DOCX, HWPX, XLSX, FileType

_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_COMMENT_AT_MOST: Final = 65_535
PARTS_AT_MOST: Final = 10_000
UNPACKED_AT_MOST: Final = 536_870_912
"""Bytes of all parts unpacked."""
_LISTED_AT_MOST: Final = 2_097_152
_READ_AT_ONCE: Final = 1_048_576
_TYPES: Final = "[Content_Types].xml"
_MANIFEST: Final = "META-INF/manifest.xml"
_MAIN: Final = {
    b"wordprocessingml.document.main+xml": DOCX,
    b"spreadsheetml.sheet.main+xml": XLSX,
}
_MACROS: Final = re.compile(r"(^|/)(vbaProject\.bin|vbaData\.xml|macrosheets/)", re.IGNORECASE)
_WITHOUT_MACROS: Final = "save it without macros, as DOCX or XLSX, and send that"


def ends_as_zip(content: bytes) -> bool:
    """True if a program that unpacks ZIP archives finds one in it: it reads from the end."""
    tail = content[-(_END_SIZE + _COMMENT_AT_MOST) :]
    at = tail.rfind(_END)
    while at >= 0:
        if at + _END_SIZE <= len(tail):
            comment = int.from_bytes(tail[at + 20 : at + 22], "little")
            if at + _END_SIZE + comment == len(tail):
                return True
        at = tail.rfind(_END, 0, at)
    return False


def zip_type(content: bytes) -> FileType:
    """The type of the document in an archive. Raises RefusedFileError."""
    _check_end(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_parts(archive)
            kind = _kind(archive)
            _unpack(archive)
            return kind
    except (zipfile.BadZipFile, EOFError, NotImplementedError, KeyError, ValueError, OverflowError) as error:
        if isinstance(error, RefusedFileError):
            raise
        raise _broken() from error
    except Exception as error:
        if type(error).__module__ in ("zlib", "lzma"):
            raise _broken() from error
        raise


def _check_end(content: bytes) -> None:
    """Checks the last record before Python reads the list of parts into memory."""
    at = len(content) - _END_SIZE
    if content[at : at + 4] != _END:
        if not ends_as_zip(content):
            raise _broken()
        raise RefusedFileError("bytes-behind", "something stands behind its end", SAVE_AGAIN)
    listed, begins = (int.from_bytes(content[at + place : at + place + 4], "little") for place in (12, 16))
    if begins + listed != at:
        raise RefusedFileError("two-types", "its list of parts is not where it says", SAVE_AGAIN)
    if listed > _LISTED_AT_MOST or int.from_bytes(content[at + 10 : at + 12], "little") > PARTS_AT_MOST:
        raise _too_much(f"it has more than {PARTS_AT_MOST:,} parts")


def _check_parts(archive: zipfile.ZipFile) -> None:
    names: set[str] = set()
    unpacked = 0
    for part in archive.infolist():
        name = part.filename
        if part.flag_bits & 0x1:
            raise RefusedFileError("encrypted-file", "it has a password", "save it without a password, and send that")
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise RefusedFileError("path-in-archive", "a part of it would be unpacked elsewhere", SAVE_AGAIN)
        if name.lower() in names:
            raise RefusedFileError("two-types", "two of its parts have one name", SAVE_AGAIN)
        if _MACROS.search(name):
            raise RefusedFileError("scripted-file", "it has macros", _WITHOUT_MACROS)
        names.add(name.lower())
        unpacked += part.file_size
    if unpacked > UNPACKED_AT_MOST:
        raise _too_much(f"it has more than {UNPACKED_AT_MOST:,} bytes unpacked")


def _kind(archive: zipfile.ZipFile) -> FileType:
    names = archive.namelist()
    if "mimetype" in names and _start(archive, "mimetype").strip() == HWPX.media_type.encode():
        if _MANIFEST in names and b"encryption-data" in _start(archive, _MANIFEST):
            raise RefusedFileError("encrypted-file", "it has a password", "save it without a password, and send that")
        return HWPX
    if _TYPES in names:
        types = _start(archive, _TYPES)
        if b"macroEnabled" in types:
            raise RefusedFileError("scripted-file", "it has macros", _WITHOUT_MACROS)
        found = {kind for main, kind in _MAIN.items() if main in types}
        if len(found) == 1:
            return found.pop()
    fix = "send the files in it one by one, each as a document of its own"
    raise RefusedFileError("type-not-taken", "it is an archive, and no DOCX, XLSX or HWPX", fix)


def _start(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(_READ_AT_ONCE)


def _unpack(archive: zipfile.ZipFile) -> None:
    """Unpacks every part, which checks its size and check sum, and keeps nothing of it."""
    left = UNPACKED_AT_MOST
    for part in archive.infolist():
        with archive.open(part) as opened:
            while piece := opened.read(_READ_AT_ONCE):
                left -= len(piece)
                if left < 0:
                    raise _too_much(f"it has more than {UNPACKED_AT_MOST:,} bytes unpacked")


def _too_much(detail: str) -> RefusedFileError:
    return RefusedFileError("archive-too-large", detail, SAVE_AGAIN)


def _broken() -> RefusedFileError:
    return RefusedFileError("broken-file", "it begins as an archive and is not whole", SAVE_AGAIN)

"""OLE compound files (MS-CFB): HWP 5 is one, as are older files of Word and Excel, and those with a password."""

from typing import Final

from services.intake.adapters.documents.refusing import SAVE_AGAIN, RefusedFileError
from shared.programme.file_types import HWP, FileType

_HEADER: Final = 512
_ENTRY: Final = 128
_LAST: Final = 0xFFFFFFFA
"""Sector numbers from here on mean that there is none."""
_HWP_MARK: Final = b"HWP Document File"
_MINI: Final = 4096
"""Streams shorter than that stand in the root's stream, by sectors of 64 bytes."""
_LOCKED: Final = 1 << 1 | 1 << 4 | 1 << 8 | 1 << 10
"""Of an HWP's flags: by a password, by rights, by a certificate, by both."""
_SCRIPT: Final = 1 << 3
SAVE_PLAIN: Final = "save it without a password, as HWP, and send that"


def ole_type(content: bytes) -> FileType:
    """HWP. Raises RefusedFileError for anything else, and for an HWP that is locked or has a script."""
    try:
        names, header = _looked_at(content)
    except (IndexError, ValueError) as error:
        raise RefusedFileError("broken-file", "it begins as a compound file and is not whole", SAVE_AGAIN) from error
    if "EncryptedPackage" in names:
        raise RefusedFileError("encrypted-file", "it has a password", "save it without a password, and send that")
    if header is None or not header.startswith(_HWP_MARK):
        detail = "by its content it is a file of an older Office, or a mail"
        raise RefusedFileError("type-not-taken", detail, "save it as DOCX, XLSX or PDF, and send that")
    flags = int.from_bytes(header[36:40], "little")
    if flags & _LOCKED:
        raise RefusedFileError("encrypted-file", "it has a password", SAVE_PLAIN)
    if flags & _SCRIPT:
        raise RefusedFileError("scripted-file", "it has a script", "save it without scripts, and send that")
    return HWP


def _looked_at(content: bytes) -> tuple[set[str], bytes | None]:
    """The names of its first streams, and the content of `FileHeader` if it has one.

    Raises ValueError or IndexError.
    """
    sector = 1 << int.from_bytes(content[30:32], "little")
    if sector not in (512, 4096):
        raise ValueError("size of a sector")
    table = _table(content, sector)
    directory = _chain(content, table, int.from_bytes(content[48:52], "little"), sector)
    names: set[str] = set()
    small, found = b"", None
    for at in range(0, len(directory) - _ENTRY + 1, _ENTRY):
        entry = directory[at : at + _ENTRY]
        name = entry[: max(int.from_bytes(entry[64:66], "little") - 2, 0)].decode("utf-16-le", errors="replace")
        names.add(name)
        start, size = int.from_bytes(entry[116:120], "little"), int.from_bytes(entry[120:124], "little")
        if at == 0:
            small = _chain(content, table, start, sector)
        elif name == "FileHeader":
            found = start, size
    if found is None:
        return names, None
    start, size = found
    if size < _MINI:
        return names, small[start * 64 : start * 64 + size]
    return names, _chain(content, table, start, sector)[:size]


def _table(content: bytes, sector: int) -> list[int]:
    """The allocation table: the next sector of each."""
    numbers = _numbers(content[76:_HEADER])
    more = int.from_bytes(content[68:72], "little")
    for _ in range(len(content) // sector):  # further sectors that list those of the table
        if more >= _LAST:
            break
        *listed, more = _numbers(_sector(content, more, sector))
        numbers += listed
    table: list[int] = []
    for number in numbers[: len(content) // sector]:
        if number >= _LAST:
            break
        table += _numbers(_sector(content, number, sector))
    return table


def _numbers(read: bytes) -> list[int]:
    return [int.from_bytes(read[at : at + 4], "little") for at in range(0, len(read), 4)]


def _chain(content: bytes, table: list[int], number: int, sector: int) -> bytes:
    pieces: list[bytes] = []
    while number < _LAST and len(pieces) < len(table) + 1:
        pieces.append(_sector(content, number, sector))
        number = table[number] if number < len(table) else _LAST
    return b"".join(pieces)


def _sector(content: bytes, number: int, size: int) -> bytes:
    start = (number + 1) * size if size > _HEADER else _HEADER + number * size
    found = content[start : start + size]
    if not found:
        raise ValueError("a sector that is not there")
    return found

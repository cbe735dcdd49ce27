"""Tells what a file is by its content. What nobody takes, or what another program would take for something else, is
refused: whoever opens a document must see what was looked at here."""

from typing import Final

from services.intake.adapters.documents.images import jpeg_end, png_end
from services.intake.adapters.documents.ole import ole_type
from services.intake.adapters.documents.pdfs import check_pdf
from services.intake.adapters.documents.refusing import SAVE_AGAIN, RefusedFileError
from services.intake.adapters.documents.zips import ends_as_zip, zip_type
from shared.programme.file_types import FILE_TYPES, JPEG, PDF, PNG, FileType

_PDF: Final = b"%PDF-"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_READ_FROM: Final = 1024
"""Readers look for a PDF's header in that many bytes."""
_ARCHIVES: Final = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c")
_ARCHIVE_READ_FROM: Final = 1_048_576
"""Unpackers look for their signature in that many bytes, behind a program that unpacks itself."""
_ISO: Final = (b"CD001", 32_769)
TAKEN: Final = ", ".join(kind.name for kind in FILE_TYPES)
_KNOWN: Final = {
    b"MZ": "a program of Windows",
    b"\x7fELF": "a program",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"GIF8": "a GIF",
    b"RIFF": "a WebP, sound or film",
    b"II*\x00": "a TIFF",
    b"MM\x00*": "a TIFF",
    b"HWP Document File V": "an HWP before version 5",
    b"{\\rtf": "an RTF",
    b"<": "a page or XML",
}


def file_type(content: bytes) -> FileType:
    """The type of a file. Raises RefusedFileError."""
    if not content:
        raise RefusedFileError("empty-file", "it has no bytes", "send the file itself")
    if content.startswith(_ZIP):
        return zip_type(content)
    if content.startswith(_OLE):
        kind = ole_type(content)
    elif content.startswith(_PDF):
        check_pdf(content)
        kind = PDF
    elif content.startswith(_PNG):
        png_end(content)
        kind = PNG
    elif content.startswith(_JPEG):
        jpeg_end(content)
        kind = JPEG
    else:
        raise _unknown(content)
    _one_type_alone(content, kind)
    return kind


def _unknown(content: bytes) -> RefusedFileError:
    known = (name for signature, name in _KNOWN.items() if content.startswith(signature))
    named = next(known, "of no type that we know")
    if _PDF in content[:_PDF_READ_FROM]:
        named = "a PDF with something before it"
    return RefusedFileError("type-not-taken", f"by its content it is {named}", f"send one of {TAKEN}")


def _one_type_alone(content: bytes, kind: FileType) -> None:
    """Raises RefusedFileError where another program would find a file of its own in it."""
    if kind is not PDF and _PDF in content[:_PDF_READ_FROM]:
        raise _two(kind, "a PDF")
    if ends_as_zip(content):
        raise _two(kind, "a ZIP archive")
    if any(signature in content[:_ARCHIVE_READ_FROM] for signature in _ARCHIVES):
        raise _two(kind, "an archive")
    signature, at = _ISO
    if content[at : at + len(signature)] == signature:
        raise _two(kind, "a disk image")


def _two(kind: FileType, other: str) -> RefusedFileError:
    return RefusedFileError("two-types", f"it is {kind.name} and {other} in one", SAVE_AGAIN)

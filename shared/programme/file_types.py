"""The types of file that an application's documents may have."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file. `endings`: of its names, the usual one first."""

    name: str
    media_type: str
    endings: tuple[str, ...]


PDF: Final = FileType("PDF", "application/pdf", ("pdf",))
PNG: Final = FileType("PNG", "image/png", ("png",))
JPEG: Final = FileType("JPEG", "image/jpeg", ("jpg", "jpeg"))
HWP: Final = FileType("HWP", "application/x-hwp", ("hwp",))
HWPX: Final = FileType("HWPX", "application/hwp+zip", ("hwpx",))
XLSX: Final = FileType("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ("xlsx",))
DOCX: Final = FileType("DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ("docx",))
FILE_TYPES: Final = (PDF, PNG, JPEG, HWP, HWPX, XLSX, DOCX)
"""Every type that is taken."""

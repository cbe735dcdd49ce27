"""Files of every type that documents may have, made here."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import pikepdf

CONTENT_TYPES: Final = "[Content_Types].xml"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
MAIN: Final = {
    "DOCX": f"{_OFFICE}wordprocessingml.document.main+xml",
    "XLSX": f"{_OFFICE}spreadsheetml.sheet.main+xml",
}
HWP_FLAGS: Final = 1
"""Of an ordinary HWP: compressed."""


def pdf(text: str = "규격서", change: Callable[[Any], None] | None = None, **saved: Any) -> bytes:
    """One page; `change` alters the document before it is saved."""
    document = pikepdf.new()
    document.add_blank_page()
    document.docinfo["/Title"] = text
    if change:
        change(document)
    written = io.BytesIO()
    document.save(written, **saved)
    return written.getvalue()


def png(behind: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"") + behind


def jpeg(behind: bytes = b"", comment: bytes = b"") -> bytes:
    def segment(marker: int, data: bytes) -> bytes:
        return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data

    said = segment(0xFE, comment) if comment else b""
    frame = segment(0xC0, b"\x08\x00\x01\x00\x01\x01\x01\x11\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\x34"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0") + said + frame + scan + b"\xff\xd9" + behind


def archive(parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return written.getvalue()


def office(kind: str, **more: str | bytes) -> bytes:
    """A DOCX or XLSX; `more`: further parts by name."""
    types = f'<Types><Override PartName="/main.xml" ContentType="{MAIN[kind]}"/></Types>'
    return archive({CONTENT_TYPES: types, "main.xml": "<main/>", **more})


def hwpx(**more: str | bytes) -> bytes:
    return archive({"mimetype": "application/hwp+zip", "Contents/content.hpf": "<package/>", **more})


def compound(*streams: tuple[str, bytes]) -> bytes:
    """An OLE compound file with up to three short streams, which stand in the root's stream."""
    sector, end, free = 512, 0xFFFFFFFE, 0xFFFFFFFF
    small = b"".join(content.ljust(-(-len(content) // 64) * 64, b"\0") for _, content in streams)
    small = small.ljust(-(-len(small) // sector) * sector, b"\0")

    def entry(name: str, kind: int, start: int, size: int) -> bytes:
        written = (name + "\0").encode("utf-16-le")
        head = written.ljust(64, b"\0") + struct.pack("<HBB", len(written), kind, 1)
        return head.ljust(116, b"\0") + struct.pack("<II", start, size).ljust(12, b"\0")

    entries, at = [entry("Root Entry", 5, 2, len(small))], 0
    for name, content in streams:
        entries.append(entry(name, 2, at, len(content)))
        at += -(-len(content) // 64)
    directory = b"".join(entries).ljust(sector, b"\0")
    chain = [2 + number + 1 for number in range(len(small) // sector - 1)] + [end]
    table = struct.pack("<II", 0xFFFFFFFD, end) + b"".join(struct.pack("<I", number) for number in chain)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<I", 0)
    return header.ljust(sector, b"\xff") + table.ljust(sector, struct.pack("<I", free)[:1]) + directory + small


def hwp(flags: int = HWP_FLAGS) -> bytes:
    head = b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05000300, flags)
    return compound(("FileHeader", head.ljust(256, b"\0")), ("DocInfo", b"info"))


EVERY: Final[Mapping[str, Callable[[], bytes]]] = {
    "PDF": pdf,
    "PNG": png,
    "JPEG": jpeg,
    "HWP": hwp,
    "HWPX": hwpx,
    "XLSX": lambda: office("XLSX"),
    "DOCX": lambda: office("DOCX"),
}

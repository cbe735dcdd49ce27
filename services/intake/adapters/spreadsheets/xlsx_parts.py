"""The parts of an XLSX as trees of elements, within bounds: XLSX is a ZIP archive of XML."""

import posixpath
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from services.intake.adapters.spreadsheets.bounds import SAVE_PLAIN, TooLargeError, UnreadableFileError

_DEPTH_AT_MOST: Final = 64
_KEPT_AT_MOST: Final = 500_000
"""Most elements of a part that is kept whole, such as styles: Excel has at most 64,000 cell formats."""
_FED_AT_ONCE: Final = 1_048_576
SAVE_AGAIN: Final = "open it in the spreadsheet, save it as XLSX again, and send that"


class Counted(ET.TreeBuilder):
    """Builds a tree, and raises TooLargeError where a part is too deep or has too many elements."""

    def __init__(self, at_most: int) -> None:
        super().__init__()
        self._left, self._at_most = at_most, at_most
        self._depth = 0

    def start(self, tag: Any, attrs: Any, /) -> ET.Element:
        self._left -= 1
        self._depth += 1
        if self._depth > _DEPTH_AT_MOST:
            raise TooLargeError(f"one of its parts is nested deeper than {_DEPTH_AT_MOST} elements", SAVE_PLAIN)
        if self._left < 0:
            raise TooLargeError(f"one of its parts has more than {self._at_most:,} elements", SAVE_PLAIN)
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def relations(archive: zipfile.ZipFile, folder: str, path: str) -> dict[str, tuple[str, str]]:
    """The relations of a part by id, each as (kind, path); none where it has no relations."""
    if path not in archive.namelist():
        return {}
    return {
        relation.get("Id", ""): (
            relation.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/"),
        )
        for relation in parsed(archive, path)
        if relation.get("TargetMode") != "External"
    }


def part_of(archive: zipfile.ZipFile, path: str) -> bytes:
    """The unpacked content of a part. Raises UnreadableFileError where it declares entities or holds NUL."""
    size = archive.getinfo(path).file_size
    with archive.open(path) as part:
        content = part.read(size)  # without a size it would unpack everything, whatever the directory states
    if b"<!DOCTYPE" in content or b"\x00" in content:
        raise UnreadableFileError("unreadable", "one of its parts is not as spreadsheets write it", SAVE_AGAIN)
    return content


def parsed(archive: zipfile.ZipFile, path: str) -> ET.Element:
    """The tree of a part."""
    return fed(Counted(_KEPT_AT_MOST), part_of(archive, path))


def fed(builder: ET.TreeBuilder, part: bytes) -> ET.Element:
    """Feeds a part to a builder; its root."""
    parser = ET.XMLParser(target=builder)  # noqa: S314 -- has no entities
    for at in range(0, len(part), _FED_AT_ONCE):
        parser.feed(part[at : at + _FED_AT_ONCE])  # after an error the parser goes on to the end of its chunk
    root: ET.Element = parser.close()
    return root


def local(element: ET.Element) -> str:
    """An element's name without the namespace: there are two of them, and prefixes vary by writer."""
    return element.tag.rpartition("}")[2]


def children(root: ET.Element, *path: str) -> Iterator[ET.Element]:
    """The elements at a path of names below `root`."""
    for child in root:
        if local(child) == path[0]:
            if len(path) == 1:
                yield child
            else:
                yield from children(child, *path[1:])

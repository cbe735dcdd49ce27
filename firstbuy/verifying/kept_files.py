"""What somebody kept, read from a folder: JSON or JSON lines, whatever else lies there named and passed over."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

LARGEST: Final = 64 * 1024 * 1024
"""Octets. What is kept of a round is small; a whole round is a bundle."""
DEEPEST: Final = 20
"""Lists within lists."""
UNREAD_SHOWN: Final = 3


@dataclass(slots=True)
class KeptFile:
    """`documents`: every object in it, those in lists too. `unread`: what of it could not be read, and why."""

    path: Path
    documents: list[dict[str, Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def kept_in(folder: Path, bundle: Path) -> Iterator[KeptFile]:
    """Every file, subfolders too, in order of path; links to folders are not followed, and the bundle is no copy of
    itself. `OSError` where the folder itself can't be read."""
    closed: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=closed.append):
        folders.sort()
        for name in sorted(names):
            yield _read(Path(place, name), bundle)
        for name in folders:
            if Path(place, name).is_symlink():
                yield KeptFile(Path(place, name), unread=["it is a link to a folder, which is not followed"])
    for error in closed:
        if Path(error.filename) == folder:
            raise error
        yield KeptFile(Path(error.filename), unread=[error.strerror or type(error).__name__])


def _read(path: Path, bundle: Path) -> KeptFile:
    kept = KeptFile(path)
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            kept.unread.append("it is no file")
        elif os.path.samestat(about, bundle.stat()):
            kept.unread.append("it is the bundle itself")
        elif about.st_size > LARGEST:
            kept.unread.append(f"it has {about.st_size} octets, more than {LARGEST}")
        else:
            _take(kept, path.read_bytes())
    except OSError as error:
        kept.unread.append(error.strerror or type(error).__name__)
    return kept


def _take(kept: KeptFile, content: bytes) -> None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        kept.unread.append("it is no text in UTF-8")
        return
    try:
        _collect(kept, _json(text), "it")
        return
    except (ValueError, RecursionError):
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    unread = 0
    for number, line in lines:
        try:
            _collect(kept, _json(line), f"line {number}")
        except (ValueError, RecursionError):
            unread += 1
            if unread <= UNREAD_SHOWN:
                kept.unread.append(f"line {number} is no JSON")
    if unread == len(lines):
        kept.unread = ["it is neither JSON nor JSON lines"]
    elif unread > UNREAD_SHOWN:
        kept.unread.append(f"and {unread - UNREAD_SHOWN} more lines")


def _collect(kept: KeptFile, value: Any, where: str, depth: int = 0) -> None:
    if isinstance(value, dict):
        kept.documents.append(value)
    elif isinstance(value, list) and depth < DEEPEST:
        for element in value:
            _collect(kept, element, where, depth + 1)
    else:
        kept.unread.append(f"{where} holds something that is no object")


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_number)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")

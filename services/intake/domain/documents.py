"""Documents of applications: their names, how many and how large they may be, and who may leave how much behind.

A firm has no account before it applies. So whoever uploads sends an upload key of its own choice, and only an
application sent with that key can name what was uploaded under it: who merely knows a file's hash can't.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.intake.domain.refused import RefusalKind, Refused, unfit
from shared.contracts.events import Reason
from shared.contracts.facts import DocumentFile
from shared.programme.file_types import FileType

FILES_AT_MOST: Final = 50
"""Documents of one application."""
KEPT_FOR: Final = timedelta(days=1)
"""How long a document is kept that no application names; one that an edge sent, from the round's close."""
COUNTED_FOR: Final = timedelta(days=1)
"""How long what a network uploaded counts."""
TOO_MANY_WAITING: Final = "too-many-waiting"
_KEY: Final = re.compile(r"[!-~]{32,200}")
_TURNING: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffd]")
_LONGEST: Final = 255
_NAME_IT: Final = "send the file's own name, such as 규격서.pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """What may be uploaded, in bytes. `network_bytes`: by one network within a day. `waiting_bytes`: all that no
    application names yet; what unknown senders left may be half of it."""

    file_bytes: int
    application_bytes: int
    network_bytes: int
    waiting_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes held already: under this key, from this network within a day, and waiting for an application: all, and
    those of unknown senders."""

    of_key: int
    files_of_key: int
    of_network: int
    waiting: int
    waiting_of_unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedDocument:
    """A document under an upload key. `trusted`: an edge or staff sent it."""

    round: str
    key_hash: str
    file: DocumentFile
    network: str | None
    trusted: bool
    uploaded_at: datetime


def key_hash(key: str | None) -> str | Refused:
    """SHA-256 of an upload key, which is stored as that alone."""
    if key is None or not _KEY.fullmatch(key):
        detail = "none came" if key is None else f"it has {len(key)} characters"
        fix = "choose 32 to 200 random characters (openssl rand -hex 32), and send the same with the application"
        return unfit("no-upload-key", "The Upload-Key can't be accepted.", (_reason("", "header", detail, fix),))
    return hashlib.sha256(key.encode()).hexdigest()


def name_fault(name: str) -> Reason | None:
    """Why this is no name of a file. Dots and Hangul of either form are fine, and stay as they came."""
    if "/" in name or "\\" in name:
        detail = "the name has the parts of a path"
        return _reason("/name", "path-in-name", detail, "send the name alone, without its folder")
    if not name.strip(" .") or len(name) > _LONGEST:
        return _reason("/name", "no-name", f"the name has {len(name)} characters", _NAME_IT)
    if match := _CONTROL.search(name):
        detail = f"the name has the character U+{ord(match.group()):04X}"
        return _reason("/name", "control-character", detail, _NAME_IT)
    if _TURNING.search(name):
        return _reason("/name", "turning-text", "the name has signs that turn the reading direction", _NAME_IT)
    return None


def ending_fault(name: str, kind: FileType) -> Reason | None:
    """Why the name does not fit the content. It is opened by its ending, on whoever's machine it is read."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in kind.endings:
        return None
    detail = f"the content is {kind.name}, and the name ends with '{ending[:20]}'"
    return _reason("/name", "ending-differs", detail, f"end the name with .{kind.endings[0]}")


def no_room(room: Room, limits: DocumentLimits, size: int, *, trusted: bool, network: bool) -> Refused | None:
    """Why no document of that size is taken. `network`: the sender's network is known."""
    if room.of_key + size > limits.application_bytes or room.files_of_key >= FILES_AT_MOST:
        title = (
            f"An application has up to {FILES_AT_MOST} documents of {limits.application_bytes:,} bytes together: "
            "remove one first."
        )
        return Refused(RefusalKind.TOO_LARGE, "application-full", title)
    if trusted:
        full = room.waiting + size > limits.waiting_bytes
    else:
        if network and room.of_network + size > limits.network_bytes:
            title = f"From your network {limits.network_bytes:,} bytes came within a day: send the rest tomorrow."
            return Refused(RefusalKind.BUSY, "network-full", title, retry_seconds=3600)
        full = room.waiting_of_unknown + size > limits.waiting_bytes // 2 or room.waiting + size > limits.waiting_bytes
    if full:
        title = "Too many documents wait for an application: apply with yours, or send it again in an hour."
        return Refused(RefusalKind.UNAVAILABLE, TOO_MANY_WAITING, title, retry_seconds=3600)
    return None


def list_faults(documents: Sequence[DocumentFile], limits: DocumentLimits, where: str = "") -> tuple[Reason, ...]:
    """What is wrong with the documents that an application names, by themselves."""
    at = f"{where}/documents"
    faults = []
    if len(documents) > FILES_AT_MOST:
        detail = f"there are {len(documents)}"
        faults.append(_reason(at, "too-many-documents", detail, f"name {FILES_AT_MOST} at the most"))
    seen: set[tuple[str, str]] = set()
    for place, document in enumerate(documents):
        if (document.kind, document.sha256) in seen:
            detail = f"{document.kind} of this content stands twice"
            faults.append(_reason(f"{at}/{place}", "said-twice", detail, "say it once"))
        seen.add((document.kind, document.sha256))
    together = sum({document.sha256: document.bytes for document in documents}.values())
    if together > limits.application_bytes:
        detail = f"they have {together:,} bytes together"
        faults.append(_reason(at, "too-large", detail, f"name documents of {limits.application_bytes:,} bytes or less"))
    return tuple(faults)


def unheld(documents: Sequence[DocumentFile], held: Iterable[DocumentFile], where: str = "") -> tuple[Reason, ...]:
    """What is wrong with documents that are named beside those that are held for whoever names them."""
    known: dict[str, list[DocumentFile]] = {}
    for document in held:
        known.setdefault(document.sha256, []).append(document)
    faults = []
    for place, document in enumerate(documents):
        at = f"{where}/documents/{place}"
        if document.sha256 not in known:
            fix = "upload it with POST /rounds/{round}/documents, and apply with the same Upload-Key"
            faults.append(_reason(f"{at}/sha256", "document-not-held", "no such document is held for you", fix))
        elif not any(_same(document, other) for other in known[document.sha256]):
            faults.append(_differing(at, document, known[document.sha256][0]))
    return tuple(faults)


def not_held(faults: Sequence[Reason]) -> Refused:
    """The refusal of an application by its documents."""
    return unfit("invalid-fields", "Some documents can't be accepted: see each error.", faults)


def _same(named: DocumentFile, held: DocumentFile) -> bool:
    return all(_comparable(named, field) == _comparable(held, field) for field in _COMPARED)


_COMPARED: Final = ("kind", "bytes", "media_type", "name")


def _comparable(document: DocumentFile, field: str) -> object:
    value = getattr(document, field)
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _differing(at: str, named: DocumentFile, held: DocumentFile) -> Reason:
    field = next(field for field in _COMPARED if _comparable(named, field) != _comparable(held, field))
    detail = f"it was uploaded with '{getattr(held, field)}'"
    return _reason(f"{at}/{field}", "document-differs", detail, "name it as its upload was answered")


def _reason(pointer: str, code: str, detail: str, fix: str) -> Reason:
    return Reason(pointer=pointer, code=code, detail=detail, fix=fix)

"""Parses a returned mail into its delivery reports (RFC 3464, RFC 6533) and the mails they return."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Final

_REPORTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_MAILS: Final = frozenset({"message/rfc822", "message/global"})
_HEADERS: Final = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})
_DEEPEST: Final = 3
_LONGEST_TEXT: Final = 65_536
_TAG: Final = re.compile(r"</?[a-zA-Z!][^<>@]{0,2000}>")
_BREAK: Final = re.compile(r"(?i)<(?:br|/p|/div|/tr|/li|/h\d)\b[^<>]{0,200}>")


@dataclass(frozen=True, slots=True)
class Returned:
    """The parts of a returned mail. `originals` begin with the headers of the mail that is returned."""

    headers: Message
    kind: str
    """The `report-type` of a multipart/report; empty for other mails."""
    reports: tuple[str, ...]
    originals: tuple[str, ...]
    texts: tuple[str, ...]


class _Part(Message):
    """Keeps inner mails and reports as text: Python's parser knows one kind of report only, decodes none, and descends
    into inner mails."""

    def get_content_type(self) -> str:
        kind = self.written_type()
        return "text/plain" if kind.startswith("message/") else kind

    def written_type(self) -> str:
        return super().get_content_type()


def returned(content: bytes) -> Returned:
    """Parses the whole mail, or the returned mail attached to it if it was forwarded.

    Raises RecursionError if it is nested too deeply.
    """
    outer = inner = _taken_apart(content)
    for _ in range(_DEEPEST):
        if inner.reports or not inner.originals:
            break
        inner = _taken_apart(inner.originals[0].encode("utf-8", "surrogateescape"))
    return inner if inner.reports else outer


def _taken_apart(content: bytes) -> Returned:
    message = message_from_bytes(content, _class=_Part)
    parts = [(part.written_type(), part) for part in message.walk() if not part.is_multipart()]
    reports = tuple(_text(part) for kind, part in parts if kind in _REPORTS)
    originals = tuple(_text(part) for kind, part in parts if kind in _MAILS | _HEADERS)
    plain = tuple(_text(part)[:_LONGEST_TEXT] for kind, part in parts if kind == "text/plain")
    texts = plain or tuple(_untagged(_text(part)[:_LONGEST_TEXT]) for kind, part in parts if kind == "text/html")
    kind = (
        str(message.get_param("report-type") or "").lower() if message.get_content_type() == "multipart/report" else ""
    )
    return Returned(message, kind, reports, originals, texts)


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    return "\n".join(_decoded(raw, part.get_content_charset()).splitlines())


def _decoded(raw: bytes, charset: str | None) -> str:
    for name in ("utf-8", charset, "cp949"):
        try:
            return raw.decode(name or "utf-8")
        except (UnicodeError, LookupError):
            continue
    return raw.decode("latin-1")


def _untagged(html: str) -> str:
    return _TAG.sub(" ", _BREAK.sub("\n", html)).replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ")


def groups(report: str) -> Iterator[dict[str, list[str]]]:
    """The report's field groups, unfolded and by lower-case name: first the mail's, then each recipient's."""
    for block in re.split(r"\n[ \t]*\n", report.strip("\n")):
        fields: dict[str, list[str]] = {}
        unfolded = re.sub(r"\n[ \t]+", " ", block)
        for line in unfolded.split("\n"):
            name, colon, value = line.partition(":")
            if colon and name.strip():
                fields.setdefault(name.strip().lower(), []).append(value.strip())
        if fields:
            yield fields

"""Rounds for readers that come back by themselves: an Atom feed (RFC 4287) and a calendar (RFC 5545)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from services.portal.domain.rounds import Summary
from services.portal.domain.texts import Texts
from shared.wording.written import one_line

ATOM: Final = "http://www.w3.org/2005/Atom"
_NAMES: Final = "firstbuy:round:"
_LONGEST_LINE: Final = 75
"""Octets of a calendar's line (RFC 5545 §3.1)."""


def atom(rounds: Sequence[Summary], address: str, texts: Texts) -> bytes:
    """A feed with an entry for each round, which is new whenever its state is. `address`: where people reach the
    portal, without a slash at its end."""
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": texts.language.value})
    _add(feed, "id", f"{address}/rounds.atom")
    _add(feed, "title", texts("home.title"))
    _add(feed, "updated", _stamp(max((_changed(each) for each in rounds), default=datetime(2018, 1, 1, tzinfo=UTC))))
    author = SubElement(feed, "author")
    _add(author, "name", texts("programme"))
    SubElement(feed, "link", {"rel": "self", "href": f"{address}/rounds.atom"})
    for each in sorted(rounds, key=_changed, reverse=True):
        entry = SubElement(feed, "entry")
        state = texts(f"step.{each.status}")
        window = texts("round.window_text", opens=texts.minute(each.opens_at), closes=texts.minute(each.closes_at))
        _add(entry, "id", f"urn:{_NAMES}{each.round}:{each.status}")
        _add(entry, "title", f"{each.titled(texts.language)}: {state}")
        _add(entry, "updated", _stamp(_changed(each)))
        _add(entry, "summary", window)
        SubElement(entry, "link", {"rel": "alternate", "href": f"{address}/rounds/{each.round}"})
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = one_line(text)


def _changed(each: Summary) -> datetime:
    """When its state began, as far as the window says: a feed is not told more."""
    return each.opens_at if each.status in {"announced", "open"} else each.closes_at


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def calendar(rounds: Sequence[Summary], address: str, texts: Texts) -> bytes:
    """Each round's window as an event that ends at the close."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Firstbuy//Portal//KO", "CALSCALE:GREGORIAN"]
    for each in sorted(rounds, key=lambda each: each.opens_at):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_NAMES}{each.round}",
            f"DTSTAMP:{_basic(each.now)}",
            f"DTSTART:{_basic(each.opens_at)}",
            f"DTEND:{_basic(each.closes_at)}",
            f"SUMMARY:{_escaped(each.titled(texts.language))}",
            f"URL:{address}/rounds/{each.round}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _basic(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    """A text of one line (RFC 5545 §3.3.11)."""
    return one_line(text).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[bytes]:
    """The line in parts that are short enough, none of which ends within a character."""
    part = b""
    for character in line:
        octets = character.encode()
        if len(part) + len(octets) > _LONGEST_LINE:
            yield part
            part = b" "
        part += octets
    yield part

"""Reads BER (X.690, 8), with both forms of length and constructed strings. Raw bytes are kept for signatures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

BOOLEAN, INTEGER, OCTET_STRING, OID, GENERALIZED_TIME = 0x01, 0x02, 0x04, 0x06, 0x18
SEQUENCE, SET = 0x30, 0x31
CONSTRUCTED: Final = 0x20
_INDEFINITE: Final = 0x80
_DEEPEST: Final = 32
_DEEPEST_PIECE: Final = 5


class UnreadableBerError(ValueError):
    """Not BER, or not of the expected structure; the message says what."""

    code = "unreadable-ber"


@dataclass(frozen=True, slots=True)
class Element:
    """One element. `tag`: the identifier octet (tags below 31); `content`: without end-of-contents octets."""

    tag: int
    content: bytes
    raw: bytes

    @property
    def members(self) -> "tuple[Element, ...]":
        """The elements inside.

        Raises UnreadableBerError for a primitive element, as all properties do if it does not fit.
        """
        if not self.tag & CONSTRUCTED:
            raise UnreadableBerError("what should hold others does not")
        return tuple(_elements(self.content))

    def of(self, tag: int) -> "Element":
        """This element if it has the tag. Raises UnreadableBerError otherwise."""
        if self.tag != tag:
            raise UnreadableBerError(f"a {tag:#04x} is wanted, a {self.tag:#04x} stands there")
        return self

    @property
    def integer(self) -> int:
        """The value of an INTEGER."""
        if not self.of(INTEGER).content:
            raise UnreadableBerError("an integer without octets")
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def first(self) -> "Element":
        """The first member."""
        members = self.members
        if not members:
            raise UnreadableBerError("it holds nothing")
        return members[0]

    @property
    def octets(self) -> bytes:
        """The value of an OCTET STRING, primitive or constructed; nested as deeply as OpenSSL reads."""
        return _joined(self, _DEEPEST_PIECE)

    @property
    def dotted(self) -> str:
        """The value of an OBJECT IDENTIFIER, such as 1.2.840."""
        arcs, arc = list[int](), 0
        for octet in self.of(OID).content:
            arc = arc << 7 | octet & 0x7F
            if not octet & 0x80:
                arcs.append(arc)
                arc = 0
        if not arcs or self.content[-1] & 0x80:
            raise UnreadableBerError("an object identifier that does not end")
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _joined(string: Element, deeper: int) -> bytes:
    if string.tag == OCTET_STRING:
        return string.content
    if not deeper:
        raise UnreadableBerError("a string in pieces of pieces")
    string.of(OCTET_STRING | CONSTRUCTED)
    return b"".join(_joined(piece, deeper - 1) for piece in string.members)


def element(data: bytes) -> Element:
    """The element that `data` is. Raises UnreadableBerError, also if anything follows it."""
    whole, after = _read(data, 0, 0)
    if after != len(data):
        raise UnreadableBerError("something stands behind its end")
    return whole


def _elements(data: bytes) -> Iterator[Element]:
    place = 0
    while place < len(data):
        member, place = _read(data, place, 0)
        yield member


def _read(data: bytes, start: int, depth: int) -> tuple[Element, int]:
    """The element at `start`, and where the next begins."""
    if depth > _DEEPEST:
        raise UnreadableBerError("it is nested beyond reason")
    if start + 2 > len(data):
        raise UnreadableBerError("it ends too early")
    tag, first = data[start], data[start + 1]
    if tag & 0x1F == 0x1F:
        raise UnreadableBerError("a tag of more than one octet")
    begin = start + 2
    if first == _INDEFINITE:
        if not tag & CONSTRUCTED:
            raise UnreadableBerError("an indefinite length of what holds nothing")
        place = begin
        while data[place : place + 2] != b"\x00\x00":
            _, place = _read(data, place, depth + 1)
        return Element(tag, data[begin:place], data[start : place + 2]), place + 2
    length = first
    if first > _INDEFINITE:
        begin += first & 0x7F
        length = int.from_bytes(data[start + 2 : begin], "big")
    end = begin + length
    if end > len(data):
        raise UnreadableBerError("it ends too early")
    return Element(tag, data[begin:end], data[start:end]), end

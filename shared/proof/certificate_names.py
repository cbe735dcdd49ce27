"""Names and numbers in X.509 certificates (RFC 5280), read from their DER."""

from typing import Final

from shared.proof.ber import SEQUENCE, SET, Element, UnreadableBerError, element

_TEXTS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x14: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}


def exactly(holder: Element, count: int) -> tuple[Element, ...]:
    """The members of an element that must have `count`. Raises UnreadableBerError."""
    members = holder.members
    if len(members) != count:
        raise UnreadableBerError(f"{len(members)} members, where {count} are wanted")
    return members


def to_be_signed(der: bytes) -> tuple[Element, ...]:
    """The members of TBSCertificate without its optional version."""
    members = element(der).of(SEQUENCE).members[0].of(SEQUENCE).members
    return members[1:] if members[0].tag == 0xA0 else members


def issuer_and_serial(der: bytes) -> tuple[Element, int]:
    """Issuer and serial number of a certificate."""
    serial, _, issuer, *_ = to_be_signed(der)
    return issuer, serial.integer


def subject(der: bytes) -> Element:
    """The subject of a certificate."""
    return to_be_signed(der)[4]


def spelled(name: Element) -> tuple[frozenset[tuple[str, object]], ...]:
    """The form in which names are compared (RFC 5280, 7.1), ignoring string type, case and extra spaces."""
    return tuple(
        frozenset(
            (kind.dotted, _text(value)) for kind, value in (exactly(pair, 2) for pair in relative.of(SET).members)
        )
        for relative in name.of(SEQUENCE).members
    )


def _text(value: Element) -> object:
    encoding = _TEXTS.get(value.tag)
    try:
        return " ".join(value.content.decode(encoding).lower().split()) if encoding else value.raw
    except UnicodeError:
        return value.raw

"""A time-stamp's answer and token (RFC 3161) as bytes: BER, as RFC 5652 lets SignedData be, its sets in any order.

Read into what `rfc3161_client` checks, whose own reader takes DER alone; it has OpenSSL check the signature over the
bytes that came. `stricter` is what `openssl ts -verify` asks beside that.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    ExtendedKeyUsage,
    ExtensionNotFound,
    InvalidVersion,
    KeyUsage,
    Name,
    load_der_x509_certificate,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier
from rfc3161_client.tsp import PKIStatus

from shared.proof.ber import GENERALIZED_TIME, OCTET_STRING, SEQUENCE, SET, Element, UnreadableBerError, element

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_STAMP: Final = "1.2.840.113549.1.9.16.1.4"
_SIGNED_BY: Final = {"1.2.840.113549.1.9.16.2.12": 1, "1.2.840.113549.1.9.16.2.47": 2}
"""SigningCertificate (RFC 2634) and SigningCertificateV2 (RFC 5035), by version."""
_DIGESTS: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_DIRECTORY_NAME: Final = 0xA4
_TEXTS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x14: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
_MOMENT: Final = re.compile(rb"(\d{14})(?:\.(\d{1,12}))?Z")
_LONGEST_CHAIN: Final = 16


class NotSignedAsSaidError(ValueError):
    """The signer is not whom the token says, or not for time-stamps; the message says what."""

    code = "not-signed-as-said"


@dataclass(frozen=True, slots=True)
class Imprint:
    hash_algorithm: ObjectIdentifier
    message: bytes


@dataclass(frozen=True, slots=True)
class Info:
    policy: ObjectIdentifier
    message_imprint: Imprint
    gen_time: datetime
    nonce: int | None
    authority: Element | None
    """A GeneralName."""


@dataclass(frozen=True, slots=True)
class Signer:
    issuer: Name
    serial_number: int


@dataclass(frozen=True, slots=True)
class Signed:
    certificates: frozenset[bytes]
    signer: Signer
    certificate: Certificate
    """The signer's."""
    attributes: tuple[Element, ...]

    @property
    def signer_infos(self) -> set[Signer]:
        return {self.signer}


@dataclass(frozen=True, slots=True)
class StampAnswer:
    """With the names of a `TimeStampResponse` of rfc3161_client. `status`: granted, also of a token by itself; *granted
    with modifications* is granted, since what was modified is held against the request (RFC 3161, 2.4.2)."""

    status: PKIStatus
    tst_info: Info
    signed_data: Signed
    token: bytes

    def time_stamp_token(self) -> bytes:
        return self.token


def answer_of(content: bytes) -> StampAnswer:
    """A TimeStampResp. Raises UnreadableBerError; of one that is not granted too."""
    stated, *token = element(content).of(SEQUENCE).members
    status = stated.of(SEQUENCE).members[:1]
    granted = status and status[0].integer in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}
    if not granted or len(token) != 1:
        raise UnreadableBerError(f"not granted: PKIStatus {status[0].integer if status else 'is missing'}")
    return token_of(token[0].raw)


def token_of(content: bytes) -> StampAnswer:
    """A TimeStampToken. Raises UnreadableBerError."""
    kind, content_info = _exactly(element(content).of(SEQUENCE), 2)
    if kind.dotted != _SIGNED_DATA:
        raise UnreadableBerError(f"no SignedData but {kind.dotted}")
    _, _, encapsulated, *others = _exactly(content_info.of(0xA0), 1)[0].of(SEQUENCE).members
    kind, stamped = _exactly(encapsulated.of(SEQUENCE), 2)
    if kind.dotted != _STAMP:
        raise UnreadableBerError(f"no time-stamp but {kind.dotted}")
    info = _info(element(_exactly(stamped.of(0xA0), 1)[0].octets))
    certificates = [
        member.raw for other in others if other.tag == 0xA0 for member in other.members if member.tag == SEQUENCE
    ]
    signers = [member for other in others if other.tag == SET for member in other.members]
    if len(signers) != 1:
        raise UnreadableBerError(f"{len(signers)} signers, where one is wanted")
    return StampAnswer(PKIStatus.GRANTED, info, _signed(certificates, signers[0]), content)


def _info(content: Element) -> Info:
    version, policy, imprint, _, moment, *others = content.of(SEQUENCE).members
    if version.integer != 1:
        raise UnreadableBerError(f"TSTInfo of version {version.integer}")
    algorithm, digest = _exactly(imprint.of(SEQUENCE), 2)
    named = [element for element in others if element.tag == 0xA0]
    return Info(
        ObjectIdentifier(policy.dotted),
        Imprint(ObjectIdentifier(algorithm.of(SEQUENCE).first.dotted), digest.octets),
        _moment(moment.of(GENERALIZED_TIME).content),
        next((element.integer for element in others if element.tag == 0x02), None),
        _exactly(named[0], 1)[0] if named else None,
    )


def _moment(written: bytes) -> datetime:
    match = _MOMENT.fullmatch(written)
    if not match:
        raise UnreadableBerError("a genTime that is none")
    micros = int((match.group(2) or b"0").ljust(6, b"0")[:6])
    try:
        return datetime.strptime(match.group(1).decode(), "%Y%m%d%H%M%S").replace(microsecond=micros, tzinfo=UTC)
    except ValueError:
        raise UnreadableBerError("a genTime that is none") from None


def _signed(certificates: Sequence[bytes], signer: Element) -> Signed:
    _, identified, _, *others = signer.of(SEQUENCE).members
    issuer, serial = _exactly(identified.of(SEQUENCE), 2)
    loaded = {each: _certificate(each) for each in certificates}
    for each, certificate in loaded.items():
        its_issuer, its_serial = _named(each)
        if (_spelled(its_issuer), its_serial) == (_spelled(issuer), serial.integer):
            named = Signer(certificate.issuer, certificate.serial_number)
            attributes = tuple(member for other in others if other.tag == 0xA0 for member in other.members)
            return Signed(frozenset(certificates), named, certificate, attributes)
    raise UnreadableBerError("the signer's certificate is not in the token")


def _certificate(der: bytes) -> Certificate:
    try:
        return load_der_x509_certificate(der)
    except (ValueError, TypeError, InvalidVersion) as error:
        raise UnreadableBerError("a certificate that is none") from error


def stricter(answer: StampAnswer, roots: Sequence[Certificate]) -> None:
    """What `openssl ts -verify` asks and rfc3161_client does not: a key for time-stamps and nothing else, that the
    signed attributes name its certificate (RFC 5035; RFC 3161, 2.4.1), and that the authority's name, if one is
    stamped, is its own. Raises NotSignedAsSaidError."""
    signed = answer.signed_data
    if not _for_stamps_alone(signed.certificate):
        raise NotSignedAsSaidError("the signer's key is not for time-stamps alone")
    known = [*map(load_der_x509_certificate, signed.certificates), *roots]
    chain = list(_chain(signed.certificate, known))
    named = list(_signing_certificates(signed.attributes))
    if not named:
        raise NotSignedAsSaidError("no ESSCertID says which certificate signed")
    for version, certificates in named:
        for place, each in enumerate(certificates):
            candidates = chain[:1] if place == 0 else chain
            if not any(_is_named(candidate, each, version) for candidate in candidates):
                raise NotSignedAsSaidError("its ESSCertID is of another certificate")
    if answer.tst_info.authority is not None and not _is_called(signed.certificate, answer.tst_info.authority):
        raise NotSignedAsSaidError("the authority that is stamped is not the one that signed")


def _for_stamps_alone(certificate: Certificate) -> bool:
    extensions = certificate.extensions
    try:
        purposes = extensions.get_extension_for_class(ExtendedKeyUsage)
    except ExtensionNotFound:
        return False
    if not purposes.critical or set(purposes.value) != {ExtendedKeyUsageOID.TIME_STAMPING}:
        return False
    try:
        uses = extensions.get_extension_for_class(KeyUsage).value
    except ExtensionNotFound:
        return True
    others = (uses.key_encipherment, uses.data_encipherment, uses.key_agreement, uses.key_cert_sign, uses.crl_sign)
    return (uses.digital_signature or uses.content_commitment) and not any(others)


def _chain(certificate: Certificate, known: Sequence[Certificate]) -> Iterator[Certificate]:
    """From the signer's up; that it leads to a root is OpenSSL's to check."""
    for _ in range(_LONGEST_CHAIN):
        yield certificate
        above = next(
            (candidate for candidate in known if candidate != certificate and _issued(certificate, candidate)), None
        )
        if above is None:
            return
        certificate = above


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _signing_certificates(attributes: Sequence[Element]) -> Iterator[tuple[int, tuple[Element, ...]]]:
    """(version, ESSCertIDs) of each signed attribute that names certificates."""
    for attribute in attributes:
        kind, values = _exactly(attribute.of(SEQUENCE), 2)
        if version := _SIGNED_BY.get(kind.dotted):
            (value,) = _exactly(values.of(SET), 1)
            certificates = value.of(SEQUENCE).first.of(SEQUENCE).members
            if not certificates:
                raise NotSignedAsSaidError("an ESSCertID of no certificate")
            yield version, certificates


def _is_named(certificate: Certificate, named: Element, version: int) -> bool:
    members = list(named.of(SEQUENCE).members)
    name = "sha1" if version == 1 else "sha256"
    if version == 2 and members and members[0].tag == SEQUENCE:
        name = _DIGESTS.get(members.pop(0).first.dotted, "")
    if not name or not members:
        return False
    der = certificate.public_bytes(Encoding.DER)
    if members[0].octets != hashlib.new(name, der, usedforsecurity=False).digest():
        return False
    return len(members) < 2 or _issuer_and_serial(members[1]) == (_spelled(_named(der)[0]), certificate.serial_number)


def _issuer_and_serial(identifier: Element) -> tuple[object, int]:
    names, serial = _exactly(identifier.of(SEQUENCE), 2)
    (name,) = _exactly(names.of(SEQUENCE), 1)
    return _spelled(_exactly(name.of(_DIRECTORY_NAME), 1)[0]), serial.integer


def _is_called(certificate: Certificate, name: Element) -> bool:
    """By its subject, or by one of its other names."""
    der = certificate.public_bytes(Encoding.DER)
    if name.tag == _DIRECTORY_NAME and _spelled(_exactly(name, 1)[0]) == _spelled(_subject(der)):
        return True
    members = _to_be_signed(der)
    extensions = [member for other in members if other.tag == 0xA3 for member in _exactly(other, 1)[0].members]
    for kind, *_, value in (extension.members for extension in extensions):
        if kind.dotted == ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string:
            names = element(value.of(OCTET_STRING).content).members
            return any((name.tag, name.content) == (other.tag, other.content) for other in names)
    return False


def _to_be_signed(der: bytes) -> tuple[Element, ...]:
    """Without its version, which may be missing."""
    members = element(der).of(SEQUENCE).members[0].of(SEQUENCE).members
    return members[1:] if members[0].tag == 0xA0 else members


def _named(der: bytes) -> tuple[Element, int]:
    """Issuer and serial number of a certificate."""
    serial, _, issuer, *_ = _to_be_signed(der)
    return issuer, serial.integer


def _subject(der: bytes) -> Element:
    return _to_be_signed(der)[4]


def _spelled(name: Element) -> tuple[frozenset[tuple[str, object]], ...]:
    """As names are compared (RFC 5280, 7.1): whatever type of string, case and spaces they are written in."""
    return tuple(
        frozenset(
            (kind.dotted, _text(value)) for kind, value in (_exactly(pair, 2) for pair in relative.of(SET).members)
        )
        for relative in name.of(SEQUENCE).members
    )


def _text(value: Element) -> object:
    encoding = _TEXTS.get(value.tag)
    try:
        return " ".join(value.content.decode(encoding).lower().split()) if encoding else value.raw
    except UnicodeError:
        return value.raw


def _exactly(holder: Element, count: int) -> tuple[Element, ...]:
    members = holder.members
    if len(members) != count:
        raise UnreadableBerError(f"{len(members)} members, where {count} are wanted")
    return members

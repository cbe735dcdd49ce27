"""Reads time-stamp answers and tokens (RFC 3161) in BER, which RFC 5652 allows for SignedData, with sets in any order.

The result is what `rfc3161_client` verifies: its own reader accepts only DER, but it lets OpenSSL check the signature
over the original bytes. `stamp_checks` adds what `openssl ts -verify` checks beside that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.x509 import (
    Certificate,
    InvalidVersion,
    Name,
    load_der_x509_certificate,
)
from cryptography.x509.oid import ObjectIdentifier
from rfc3161_client.tsp import PKIStatus

from shared.proof.ber import GENERALIZED_TIME, SEQUENCE, SET, Element, UnreadableBerError, element
from shared.proof.certificate_names import exactly, issuer_and_serial, spelled

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_STAMP: Final = "1.2.840.113549.1.9.16.1.4"
_MOMENT: Final = re.compile(rb"(\d{14})(?:\.(\d{1,12}))?Z")


@dataclass(frozen=True, slots=True)
class Imprint:
    """The hash that was stamped."""

    hash_algorithm: ObjectIdentifier
    message: bytes


@dataclass(frozen=True, slots=True)
class Info:
    """TSTInfo: what the authority states."""

    policy: ObjectIdentifier
    message_imprint: Imprint
    gen_time: datetime
    nonce: int | None
    authority: Element | None
    """A GeneralName."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, by the issuer and serial number of the certificate."""

    issuer: Name
    serial_number: int


@dataclass(frozen=True, slots=True)
class Signed:
    """SignedData: the certificates in the token, and its signer."""

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
    """An answer with the attributes of rfc3161_client's `TimeStampResponse`. `status` is granted for a bare token too.
    *Granted with modifications* counts as granted, since modifications are checked against the request (RFC 3161,
    2.4.2)."""

    status: PKIStatus
    tst_info: Info
    signed_data: Signed
    token: bytes

    def time_stamp_token(self) -> bytes:
        return self.token


def answer_of(content: bytes) -> StampAnswer:
    """Reads a TimeStampResp. Raises UnreadableBerError, also if it is not granted."""
    status_info, *token = element(content).of(SEQUENCE).members
    status = status_info.of(SEQUENCE).members[:1]
    granted = status and status[0].integer in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}
    if not granted or len(token) != 1:
        raise UnreadableBerError(f"not granted: PKIStatus {status[0].integer if status else 'is missing'}")
    return token_of(token[0].raw)


def token_of(content: bytes) -> StampAnswer:
    """Reads a TimeStampToken. Raises UnreadableBerError."""
    kind, content_info = exactly(element(content).of(SEQUENCE), 2)
    if kind.dotted != _SIGNED_DATA:
        raise UnreadableBerError(f"no SignedData but {kind.dotted}")
    _, _, encapsulated, *others = exactly(content_info.of(0xA0), 1)[0].of(SEQUENCE).members
    kind, stamped = exactly(encapsulated.of(SEQUENCE), 2)
    if kind.dotted != _STAMP:
        raise UnreadableBerError(f"no time-stamp but {kind.dotted}")
    info = _info(element(exactly(stamped.of(0xA0), 1)[0].octets))
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
    algorithm, digest = exactly(imprint.of(SEQUENCE), 2)
    named = [element for element in others if element.tag == 0xA0]
    return Info(
        ObjectIdentifier(policy.dotted),
        Imprint(ObjectIdentifier(algorithm.of(SEQUENCE).first.dotted), digest.octets),
        _moment(moment.of(GENERALIZED_TIME).content),
        next((element.integer for element in others if element.tag == 0x02), None),
        exactly(named[0], 1)[0] if named else None,
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
    issuer, serial = exactly(identified.of(SEQUENCE), 2)
    loaded = {each: _certificate(each) for each in certificates}
    for each, certificate in loaded.items():
        its_issuer, its_serial = issuer_and_serial(each)
        if (spelled(its_issuer), its_serial) == (spelled(issuer), serial.integer):
            named = Signer(certificate.issuer, certificate.serial_number)
            attributes = tuple(member for other in others if other.tag == 0xA0 for member in other.members)
            return Signed(frozenset(certificates), named, certificate, attributes)
    raise UnreadableBerError("the signer's certificate is not in the token")


def _certificate(der: bytes) -> Certificate:
    try:
        return load_der_x509_certificate(der)
    except (ValueError, TypeError, InvalidVersion) as error:
        raise UnreadableBerError("a certificate that is none") from error

"""What `openssl ts -verify` checks of a time-stamp and `rfc3161_client` does not."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    ExtendedKeyUsage,
    ExtensionNotFound,
    KeyUsage,
    load_der_x509_certificate,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from shared.proof.ber import OCTET_STRING, SEQUENCE, SET, Element, element
from shared.proof.certificate_names import exactly, issuer_and_serial, spelled, subject, to_be_signed
from shared.proof.stamp_reading import StampAnswer

_SIGNED_BY: Final = {"1.2.840.113549.1.9.16.2.12": 1, "1.2.840.113549.1.9.16.2.47": 2}
"""SigningCertificate (RFC 2634) and SigningCertificateV2 (RFC 5035), by version."""
_DIGESTS: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_DIRECTORY_NAME: Final = 0xA4
_LONGEST_CHAIN: Final = 16


class NotSignedAsSaidError(ValueError):
    """The signer is not the one the token names, or may not sign time-stamps; the message says what."""

    code = "not-signed-as-said"


def stricter(answer: StampAnswer, roots: Sequence[Certificate]) -> None:
    """Checks that the signer's key is for time-stamps only, that the signed attributes name its certificate (RFC 5035;
    RFC 3161, 2.4.1), and that a stated authority name is its own. Raises NotSignedAsSaidError."""
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
    """The certificates from the signer's up. OpenSSL checks that the chain leads to a root."""
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
    """(version, ESSCertIDs) of each signed attribute that names certificates. Raises NotSignedAsSaidError."""
    for attribute in attributes:
        kind, values = exactly(attribute.of(SEQUENCE), 2)
        if version := _SIGNED_BY.get(kind.dotted):
            (value,) = exactly(values.of(SET), 1)
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
    return len(members) < 2 or _named_issuer(members[1]) == (
        spelled(issuer_and_serial(der)[0]),
        certificate.serial_number,
    )


def _named_issuer(identifier: Element) -> tuple[object, int]:
    names, serial = exactly(identifier.of(SEQUENCE), 2)
    (name,) = exactly(names.of(SEQUENCE), 1)
    return spelled(exactly(name.of(_DIRECTORY_NAME), 1)[0]), serial.integer


def _is_called(certificate: Certificate, name: Element) -> bool:
    """True if the name is the certificate's subject or one of its alternative names."""
    der = certificate.public_bytes(Encoding.DER)
    if name.tag == _DIRECTORY_NAME and spelled(exactly(name, 1)[0]) == spelled(subject(der)):
        return True
    members = to_be_signed(der)
    extensions = [member for other in members if other.tag == 0xA3 for member in exactly(other, 1)[0].members]
    for kind, *_, value in (extension.members for extension in extensions):
        if kind.dotted == ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string:
            names = element(value.of(OCTET_STRING).content).members
            return any((name.tag, name.content) == (other.tag, other.content) for other in names)
    return False

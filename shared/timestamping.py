"""Time-stamps (RFC 3161) of commitment roots: requests, answers, and tokens that anyone checks without a network.

What is stamped: **SHA-256 of the root's 32 bytes** (not of its hex digits). By hand, with the token of a
CommitmentTimeStamped:

    echo $ROOT | xxd -r -p > root.bin;  echo $TOKEN | base64 -d > token.der
    openssl ts -verify -data root.bin -in token.der -token_in -CAfile ca.pem
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates
from cryptography.x509.oid import ObjectIdentifier
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

SHA256: Final = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_GRANTED: Final = bytes.fromhex("3003020100")  # PKIStatusInfo: granted
_AUTHORITY_LENGTH: Final = 200


class UnusableRootsError(ValueError):
    """The file of an authority's roots can't be read, or holds no certificate in PEM."""


class WrongStampError(ValueError):
    """Not a time-stamp of this root by an authority under these roots; the text says why."""


@dataclass(frozen=True, slots=True)
class Stamp:
    token: bytes
    """The TimeStampToken, DER."""
    stamped_at: datetime
    """The authority's own time: real time, also in a rehearsal."""
    authority: str
    """Subject of the certificate that signed (RFC 4514)."""

    def stated(self) -> dict[str, str]:
        """As JSON; the token in base64."""
        return {
            "authority": self.authority,
            "token": base64.b64encode(self.token).decode(),
            "stamped_at": self.stamped_at.isoformat().replace("+00:00", "Z"),
        }


def roots_of(pem: bytes) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UnusableRootsError("no certificate in PEM in it") from error


def request_for(root: str) -> TimeStampRequest:
    """With a nonce, so that an old answer is none, and asking for the signer's certificate, so that it can be checked
    for ever."""
    return TimestampRequestBuilder().data(bytes.fromhex(root)).hash_algorithm(HashAlgorithm.SHA256).build()


def answered(answer: bytes, request: TimeStampRequest, root: str, roots: Sequence[Certificate]) -> Stamp:
    """The stamp in an authority's answer to this request. Raises WrongStampError."""
    return _checked(_decoded(answer), VerifierBuilder.from_request(request), root, roots)


def checked_token(token: bytes, root: str, roots: Sequence[Certificate]) -> Stamp:
    """The stamp in a token that was published. Raises WrongStampError."""
    return _checked(_decoded(_sequence(_GRANTED + token)), VerifierBuilder(), root, roots)


def _decoded(answer: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(answer)
    except ValueError as error:
        raise WrongStampError(f"unreadable: {error}") from error


def _checked(response: TimeStampResponse, verifier: VerifierBuilder, root: str, roots: Sequence[Certificate]) -> Stamp:
    for trusted in dict.fromkeys(roots):
        verifier = verifier.add_root_certificate(trusted)
    try:
        verifier.build().verify(response, hashlib.sha256(bytes.fromhex(root)).digest())
        if response.tst_info.message_imprint.hash_algorithm != SHA256:
            raise WrongStampError("the digest stamped is of another algorithm than SHA-256")
        token = response.time_stamp_token()
        return Stamp(token, response.tst_info.gen_time.astimezone(UTC), _signer(response))
    except (VerificationError, ValueError) as error:
        raise WrongStampError(str(error)) from error


def _signer(response: TimeStampResponse) -> str:
    (signer,) = response.signed_data.signer_infos
    for der in response.signed_data.certificates:
        certificate = load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return certificate.subject.rfc4514_string()[:_AUTHORITY_LENGTH]
    raise WrongStampError("the signer's certificate is not in the token")


def _sequence(content: bytes) -> bytes:
    """A DER SEQUENCE."""
    length = len(content)
    if length < 0x80:
        return bytes((0x30, length)) + content
    spelled = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x30, 0x80 | len(spelled))) + spelled + content

"""Time-stamps (RFC 3161) of commitment roots: requests, answers, and tokens that can be checked offline.

The stamped digest is **SHA-256 of the root's 32 bytes** (not of its hex digits). To check the token of a
CommitmentTimeStamped by hand:

    echo $ROOT | xxd -r -p > root.bin;  echo $TOKEN | base64 -d > token.der
    openssl ts -verify -data root.bin -in token.der -token_in -CAfile ca.pem
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from cryptography.x509 import (
    Certificate,
    DuplicateExtension,
    UnsupportedGeneralNameType,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import ObjectIdentifier
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
)

from shared.proof.stamp_checks import stricter
from shared.proof.stamp_reading import StampAnswer, answer_of, token_of

SHA256: Final = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_AUTHORITY_LENGTH: Final = 200


class UnusableRootsError(ValueError):
    """The file of an authority's roots can't be read, or holds no certificate in PEM."""

    code = "unusable-roots"


class WrongStampError(ValueError):
    """Not a time-stamp of this root by an authority under these certificates; the text says why."""

    code = "wrong-stamp"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A checked time-stamp."""

    token: bytes
    """The authority's TimeStampToken, unchanged (BER)."""
    stamped_at: datetime
    """The authority's own time: real time, also in a rehearsal."""
    authority: str
    """Subject of the signing certificate (RFC 4514)."""

    def stated(self) -> dict[str, str]:
        """The stamp as JSON, with the token in base64."""
        return {
            "authority": self.authority,
            "token": base64.b64encode(self.token).decode(),
            "stamped_at": self.stamped_at.isoformat().replace("+00:00", "Z"),
        }


def roots_of(pem: bytes) -> list[Certificate]:
    """The certificates in a PEM file. Raises UnusableRootsError."""
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UnusableRootsError("no certificate in PEM in it") from error


def request_for(root: str) -> TimeStampRequest:
    """A request for a stamp of `root` (hex). It has a nonce against replayed answers, and asks for the signer's
    certificate, so that the token can be checked for ever."""
    return TimestampRequestBuilder().data(bytes.fromhex(root)).hash_algorithm(HashAlgorithm.SHA256).build()


def answered(answer: bytes, request: TimeStampRequest, root: str, roots: Sequence[Certificate]) -> Stamp:
    """The stamp in an authority's answer to this request. Raises WrongStampError."""
    return _checked(answer_of, answer, VerifierBuilder.from_request(request), root, roots)


def checked_token(token: bytes, root: str, roots: Sequence[Certificate]) -> Stamp:
    """The stamp in a token that was published. Raises WrongStampError."""
    return _checked(token_of, token, VerifierBuilder(), root, roots)


def _checked(
    reader: Callable[[bytes], StampAnswer],
    content: bytes,
    verifier: VerifierBuilder,
    root: str,
    roots: Sequence[Certificate],
) -> Stamp:
    try:
        answer = reader(content)
    except ValueError as error:
        raise WrongStampError(f"unreadable: {error}") from error
    for trusted in dict.fromkeys(roots):
        verifier = verifier.add_root_certificate(trusted)
    info = answer.tst_info
    try:
        verifier.build().verify(cast("TimeStampResponse", answer), hashlib.sha256(bytes.fromhex(root)).digest())
        if info.message_imprint.hash_algorithm != SHA256:
            raise WrongStampError("the digest stamped is of another algorithm than SHA-256")
        stricter(answer, roots)
    except (VerificationError, ValueError, DuplicateExtension, UnsupportedGeneralNameType) as error:
        raise WrongStampError(str(error)) from error
    authority = answer.signed_data.certificate.subject.rfc4514_string()[:_AUTHORITY_LENGTH]
    return Stamp(answer.token, info.gen_time, authority)

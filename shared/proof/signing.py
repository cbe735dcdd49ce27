"""Ed25519 signatures (RFC 8032) over canonical JSON, and the public keys that check them."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.proof.canonical import Json, canonical_json, checked_canonical_json

ALGORITHM: Final = "Ed25519"
_HEX_KEY: Final = re.compile(r"[0-9a-f]{64}")
_PEM: Final = re.compile(rb"-----BEGIN .*?-----END [^\r\n]*", re.DOTALL)


class UnusableKeyError(ValueError):
    """The key file can't be read, or holds neither 64 hex digits nor an Ed25519 private key in PEM, unencrypted."""

    code = "unusable-key"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A published key: its 32 bytes in hex."""

    public: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the 32 bytes, in hex."""
        return hashlib.sha256(bytes.fromhex(self.public)).hexdigest()

    @property
    def key_id(self) -> str:
        """The first 16 digits of the fingerprint."""
        return self.fingerprint[:16]


class Signer:
    """Signs with one private key of 32 bytes. Ed25519 is deterministic: a document always gets the same signature."""

    def __init__(self, private: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(private)
        self.key = PublicKey(self._private.public_key().public_bytes_raw().hex())

    def sign(self, document: Json) -> str:
        """The signature of a document's canonical JSON, base64url without padding."""
        return _text(self._private.sign(canonical_json(document)))


def private_key(content: bytes) -> bytes:
    """The 32 bytes of the private key in a key file: 64 hex digits, or PEM (`openssl genpkey -algorithm ed25519`).

    Raises UnusableKeyError.
    """
    text = content.decode("ascii", "replace").strip().lower()
    if _HEX_KEY.fullmatch(text):
        return bytes.fromhex(text)
    try:
        loaded = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise UnusableKeyError("neither 64 hex digits nor a private key in PEM without a passphrase") from error
    if not isinstance(loaded, Ed25519PrivateKey):
        raise UnusableKeyError("a private key of another kind: make one with openssl genpkey -algorithm ed25519")
    return loaded.private_bytes_raw()


def private_keys(content: bytes) -> tuple[bytes, ...]:
    """The private keys in a key file, one after another, each as `private_key` takes it. Raises UnusableKeyError."""
    parts = _PEM.findall(content) or content.split() or [content]
    return tuple(map(private_key, parts))


def verified(document: Json, signature: str, public: str) -> bool:
    """True if `public` (32 bytes in hex) signed the document. Only the canonical base64 form of a signature counts."""
    try:
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        if _text(raw) != signature:  # base64 can spell the same bytes in several ways
            return False
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(raw, checked_canonical_json(document))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _text(signature: bytes) -> str:
    return base64.urlsafe_b64encode(signature).rstrip(b"=").decode()

"""Checks signatures of drand beacons: BLS over BLS12-381, by drand's schemes.

The scheme is given by name, else by the key's length: 96 bytes for schemes with short signatures (quicknet), 48 for
those with short keys. Chained schemes also sign the previous signature, which is not stored here, so they can't be
checked.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point

_ON_G1: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
_ON_G2: Final = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"
SHORT_SIGNATURES: Final = "bls-unchained-g1-rfc9380"
SHORT_KEYS: Final = "pedersen-bls-unchained"
SCHEMES: Final = {
    SHORT_SIGNATURES: 96,
    SHORT_KEYS: 48,
    "bls-unchained-on-g1": 96,
}
"""The length of each scheme's key in bytes."""


class UnusableKeyError(ValueError):
    """The key does not fit its scheme, or the scheme can't be checked."""

    code = "unusable-key"


@dataclass(frozen=True, slots=True)
class ChainKey:
    """A chain's public key and scheme. Create it with `of`."""

    scheme: str
    key: bytes

    @classmethod
    def of(cls, public_key: str, scheme: str | None = None) -> "ChainKey":
        """`public_key`: hexadecimal, as in the chain's info. Raises UnusableKeyError."""
        key = bytes.fromhex(public_key)
        named = scheme or (SHORT_SIGNATURES if len(key) == SCHEMES[SHORT_SIGNATURES] else SHORT_KEYS)
        if named not in SCHEMES:
            raise UnusableKeyError(f"signatures of scheme {named} can't be checked; those of {', '.join(SCHEMES)} can")
        if len(key) != SCHEMES[named]:
            raise UnusableKeyError(f"a key of scheme {named} has {SCHEMES[named]} bytes, this one {len(key)}")
        point = G2Point if len(key) == SCHEMES[SHORT_SIGNATURES] else G1Point
        try:
            point.from_compressed_bytes(key)
        except ValueError:
            raise UnusableKeyError("these bytes are no key: copy public_key from the chain's info") from None
        return cls(named, key)

    def signed(self, number: int, signature: str) -> bool:
        """True if `signature` (hexadecimal) is the chain's for round `number`."""
        message = sha256(number.to_bytes(8, "big")).digest()
        try:
            if self.scheme == SHORT_KEYS:
                sealed, hashed = G2Point.from_compressed_bytes(bytes.fromhex(signature)), _g2(message)
                return GT.pairing_check([G1Point(), G1Point.from_compressed_bytes(self.key)], [sealed, -hashed])
            short = G1Point.from_compressed_bytes(bytes.fromhex(signature))
        except ValueError:
            return False
        # The first networks with short signatures used the other group's tag; drand fixed that with the RFC 9380
        # scheme.
        tag = _ON_G1 if self.scheme == SHORT_SIGNATURES else _ON_G2
        hashed_short = G1Point.hash_to_curve(message, tag)
        return GT.pairing_check([short, -hashed_short], [G2Point(), G2Point.from_compressed_bytes(self.key)])


def _g2(message: bytes) -> G2Point:
    return G2Point.hash_to_curve(message, _ON_G2)

"""A drand chain of the tests' own: it signs any round at once, as a real one does when the round's moment comes."""

from hashlib import sha256
from typing import Final

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from shared.proof.beacon import SHORT_KEYS, SHORT_SIGNATURES

SECRET: Final = 20180914
_TAGS: Final = {SHORT_SIGNATURES: "G1", "bls-unchained-on-g1": "G2", SHORT_KEYS: "G2"}


class Beacon:
    def __init__(self, scheme: str = SHORT_SIGNATURES, secret: Scalar | None = None) -> None:
        self._scheme, self._secret = scheme, secret or Scalar(SECRET)

    @property
    def public_key(self) -> str:
        key = G1Point() * self._secret if self._scheme == SHORT_KEYS else G2Point() * self._secret
        return bytes(key.to_compressed_bytes()).hex()

    def signature(self, number: int) -> str:
        message = sha256(number.to_bytes(8, "big")).digest()
        tag = f"BLS_SIG_BLS12381{_TAGS[self._scheme]}_XMD:SHA-256_SSWU_RO_NUL_".encode()
        if self._scheme == SHORT_KEYS:
            return bytes((G2Point.hash_to_curve(message, tag) * self._secret).to_compressed_bytes()).hex()
        return bytes((G1Point.hash_to_curve(message, tag) * self._secret).to_compressed_bytes()).hex()

"""Seals the tokens of applications, so that a copy of the database opens none."""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"firstbuy portal: tokens of applications"


class UnopenableError(Exception):
    """None of the keys opens it: the key was changed, and the one before is not there."""

    code = "unopenable"


class Sealing:
    """Seals with the first key and opens with any, as they are at each call."""

    def __init__(self, keys: Callable[[], Sequence[str]]) -> None:
        self._keys = keys

    def seal(self, token: str, application: str) -> bytes:
        """The token, to be opened for this application alone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + _cipher(self._keys()[0]).encrypt(nonce, token.encode(), application.encode())

    def open(self, sealed: bytes, application: str) -> str:
        """The token. Raises UnopenableError."""
        for key in self._keys():
            try:
                opened = _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], application.encode())
            except InvalidTag:
                continue
            return opened.decode()
        raise UnopenableError(application)


def _cipher(key: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, _PURPOSE).derive(key.encode()))

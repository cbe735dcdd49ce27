"""The key that a service signs with, and all public keys it ever signed with."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import structlog

from shared.proof.signing import PublicKey, Signer, UnusableKeyError
from shared.service.postgres import Connection, Pool, connected
from shared.service.settings import ServiceSettings
from shared.service.settings_files import Watched

MAKE_PRIVATE = "INSERT INTO own_signing_key (private) VALUES ($1) ON CONFLICT DO NOTHING"
PRIVATE = "SELECT private FROM own_signing_key"
PUBLISH_KEY = "INSERT INTO published_keys (key_id, public_key) VALUES ($1, $2) ON CONFLICT DO NOTHING"
KEYS = "SELECT public_key, first_used_at FROM published_keys ORDER BY first_used_at, key_id"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key and the time of its first use."""

    key: PublicKey
    first_used_at: datetime


class SigningKey:
    """The service's signing key: from settings, else generated once and shared by all replicas. A key that is put in
    the place of another signs from then on; the public keys of both stay published."""

    def __init__(self, private: Callable[[], Sequence[bytes]]) -> None:
        """`private`: the key that signs now, and behind it those that are to be published; none: the generated one."""
        self._read = private
        self._private: Sequence[bytes] = ()
        self._signer: Signer | None = None

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self:
        """The key of these settings. Raises UnusableKeyError."""
        return cls(_newest(settings))

    async def signer(self, pool: Pool) -> Signer:
        """The signer. Its public key is stored before anything is signed. The first call, and one after a change, takes
        a connection: never call it while holding one."""
        private = self._read()
        if self._signer is None or private != self._private:
            async with connected(pool) as connection:
                signers = [Signer(key) for key in private or [await _generated(connection)]]
                for signer in signers:
                    await connection.execute(PUBLISH_KEY, signer.key.key_id, signer.key.public)
            self._signer, self._private = signers[0], private
        return self._signer


def _newest(settings: ServiceSettings) -> Callable[[], Sequence[bytes]]:
    """Reads the private keys again once their file has changed. A file that can't be used leaves those before."""
    keys = settings.signing_keys()
    watched = Watched(Path(settings.signing_key_file))

    def read() -> Sequence[bytes]:
        nonlocal keys
        if keys and watched.changed():
            try:
                keys = settings.signing_keys()
            except UnusableKeyError as error:
                _log.error("keeps its signing key: the file can't be used", error=str(error))
        return keys

    return read


async def _generated(connection: Connection) -> bytes:
    """The generated key; concurrent first calls get the same one."""
    await connection.execute(MAKE_PRIVATE, secrets.token_bytes(32))
    private: bytes = await connection.fetchval(PRIVATE)
    return private


async def published(connection: Connection) -> list[PublishedKey]:
    """All keys ever used, oldest first."""
    rows = await connection.fetch(KEYS)
    return [PublishedKey(PublicKey(row["public_key"]), row["first_used_at"]) for row in rows]

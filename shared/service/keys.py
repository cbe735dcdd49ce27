"""The key that a service signs with, and all public keys it ever signed with."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from shared.proof.signing import PublicKey, Signer
from shared.service.postgres import Connection, Pool, connected

MAKE_PRIVATE = "INSERT INTO own_signing_key (private) VALUES ($1) ON CONFLICT DO NOTHING"
PRIVATE = "SELECT private FROM own_signing_key"
PUBLISH_KEY = "INSERT INTO published_keys (key_id, public_key) VALUES ($1, $2) ON CONFLICT DO NOTHING"
KEYS = "SELECT public_key, first_used_at FROM published_keys ORDER BY first_used_at, key_id"


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key and the time of its first use."""

    key: PublicKey
    first_used_at: datetime


class SigningKey:
    """The service's signing key: from settings, else generated once and shared by all replicas."""

    def __init__(self, private: bytes | None) -> None:
        self._private = private
        self._signer: Signer | None = None

    async def signer(self, pool: Pool) -> Signer:
        """The signer. Its public key is stored before anything is signed. The first call takes a connection: never call
        it while holding one."""
        if self._signer is None:
            async with connected(pool) as connection:
                signer = Signer(self._private or await _generated(connection))
                await connection.execute(PUBLISH_KEY, signer.key.key_id, signer.key.public)
            self._signer = signer
        return self._signer


async def _generated(connection: Connection) -> bytes:
    """The generated key; concurrent first calls get the same one."""
    await connection.execute(MAKE_PRIVATE, secrets.token_bytes(32))
    private: bytes = await connection.fetchval(PRIVATE)
    return private


async def published(connection: Connection) -> list[PublishedKey]:
    """All keys ever used, oldest first."""
    rows = await connection.fetch(KEYS)
    return [PublishedKey(PublicKey(row["public_key"]), row["first_used_at"]) for row in rows]

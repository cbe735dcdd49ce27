"""The key that signs receipts, and every public key that ever did."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.storage import tokens
from shared.postgres import Connection, Pool, connected
from shared.signing import PublicKey, Signer

PUBLISH_KEY = "INSERT INTO signing_keys (key_id, public_key) VALUES ($1, $2) ON CONFLICT DO NOTHING"
KEYS = "SELECT public_key, first_used_at FROM signing_keys ORDER BY first_used_at, key_id"


@dataclass(frozen=True, slots=True)
class PublishedKey:
    key: PublicKey
    first_used_at: datetime


class SigningKey:
    """The key of this deployment: the one given, else one generated once and shared by all replicas."""

    def __init__(self, private: bytes | None) -> None:
        self._private = private
        self._signer: Signer | None = None

    async def signer(self, pool: Pool) -> Signer:
        """Its public key is published, durably, before anything is signed with it. Takes a connection the first time
        only: never call it while holding one."""
        if self._signer is None:
            async with connected(pool) as connection:
                private = self._private or await tokens.secret(connection, "signing-key")
                signer = Signer(private)
                await connection.execute(PUBLISH_KEY, signer.key.key_id, signer.key.public)
            self._signer = signer
        return self._signer


async def published(connection: Connection) -> list[PublishedKey]:
    """Every key that ever signed, oldest first."""
    rows = await connection.fetch(KEYS)
    return [PublishedKey(PublicKey(row["public_key"]), row["first_used_at"]) for row in rows]

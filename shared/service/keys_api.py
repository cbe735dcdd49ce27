"""`GET /.well-known/firstbuy-keys`: all public keys that a service ever signed with."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from shared.proof.signing import ALGORITHM
from shared.service.keys import SigningKey, published
from shared.service.postgres import Pool, connected


def keys_router(signing: SigningKey, pool: Callable[[], Pool]) -> APIRouter:
    """The route for a service's public keys."""
    router = APIRouter(tags=["keys"])

    @router.get("/.well-known/firstbuy-keys")
    async def list_keys() -> JSONResponse:
        """Oldest first. The service signs its audit heads with them; intake its receipts too, and a round's opening
        names the fingerprints (SHA-256 of the 32 bytes) of intake's."""
        await signing.signer(pool())
        async with connected(pool()) as connection:
            known = await published(connection)
        return JSONResponse(
            [
                {
                    "key_id": published_key.key.key_id,
                    "algorithm": ALGORITHM,
                    "public_key": published_key.key.public,
                    "fingerprint": published_key.key.fingerprint,
                    "first_used_at": published_key.first_used_at.isoformat().replace("+00:00", "Z"),
                }
                for published_key in known
            ]
        )

    return router

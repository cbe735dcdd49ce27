"""`GET /.well-known/firstbuy-keys`: every public key that ever signed a receipt, for ever."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.state import intake
from services.intake.storage import keys
from shared.postgres import connected
from shared.signing import ALGORITHM

router = APIRouter(tags=["keys"])


@router.get("/.well-known/firstbuy-keys")
async def list_keys(request: Request) -> Response:
    """Oldest first. A round's opening names their fingerprints (SHA-256 of the 32 bytes) too."""
    state = intake(request)
    await state.signing.signer(state.runtime.pool)
    async with connected(state.runtime.pool) as connection:
        known = await keys.published(connection)
    return JSONResponse(
        [
            {
                "key_id": one.key.key_id,
                "algorithm": ALGORITHM,
                "public_key": one.key.public,
                "fingerprint": one.key.fingerprint,
                "first_used_at": one.first_used_at.isoformat().replace("+00:00", "Z"),
            }
            for one in known
        ]
    )

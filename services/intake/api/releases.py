"""What was set free after a result, and the batches that give it out."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.rounds import known_round
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, holder, intake
from services.intake.storage import outcomes, releases
from shared.service.postgres import connected

router = APIRouter(prefix="/rounds", tags=["releases"])


@router.get("/{round_id}/releases")
async def show(round_id: str, request: Request) -> Response:
    """What is free now for officers to give out, and every batch so far with what selection proposed for it."""
    await holder(request, OFFICER, AUDITOR, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        stored = await known_round(connection, round_id)
        free = await releases.pending(connection, round_id)
        batches = await releases.of_round(connection, round_id)
        proposed = [await outcomes.batch_proposed(connection, round_id, epoch, batch) for epoch, batch, _, _ in batches]
    return JSONResponse(
        {
            "round": round_id,
            "epoch": stored.epoch,
            "free": [
                {
                    "subject": freed.subject,
                    "cause": freed.cause,
                    "reason": freed.reason,
                    "freed_at": freed.freed_at.isoformat(),
                }
                for freed in free
            ],
            "batches": [
                {
                    "epoch": epoch,
                    "batch": batch,
                    "opened_at": opened_at.isoformat(),
                    "confirmed_at": confirmed_at.isoformat() if confirmed_at else None,
                    "proposed": body,
                }
                for (epoch, batch, opened_at, confirmed_at), body in zip(batches, proposed, strict=True)
            ],
        }
    )

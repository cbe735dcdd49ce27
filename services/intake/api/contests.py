"""`GET /rounds/{round}/contests`: what two parties entered of one firm, for the officers who settle it."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.rounds import known_round
from services.intake.api.state import AUDITOR, OFFICER, holder, intake
from services.intake.domain.firms import FirmEntry
from services.intake.storage import firms
from shared.service.postgres import connected

router = APIRouter(prefix="/rounds", tags=["acts"])


@router.get("/{round_id}/contests")
async def contests(round_id: str, request: Request) -> Response:
    """Every contested entry with those it stands against, firm by firm. Each firm's entries oldest first."""
    await holder(request, OFFICER, AUDITOR)
    async with connected(intake(request).runtime.pool) as connection:
        await known_round(connection, round_id)
        found = await firms.with_contests(connection, round_id)
    return JSONResponse(
        [
            {"business_number": number, **_contested(one, standing)}
            for (_, number), standing in found.items()
            for one in standing
            if one.contested and not one.withdrawn
        ]
    )


def _contested(one: FirmEntry, standing: list[FirmEntry]) -> dict[str, object]:
    return {
        "application": one.application,
        "product": sorted(one.names),
        "track": one.track,
        "identity": one.identity,
        "against": [other.application for other in standing if other is not one and other.is_rival_of(one)],
    }

"""`GET /rounds/{round}/contests`: products of one firm that two parties entered, for officers to settle."""

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
    """Every contested entry with its rivals, firm by firm. Each firm's entries oldest first."""
    await holder(request, OFFICER, AUDITOR)
    async with connected(intake(request).runtime.pool) as connection:
        await known_round(connection, round_id)
        by_firm = await firms.with_contests(connection, round_id)
    return JSONResponse(
        [
            {"business_number": number, **_contested(entry, standing)}
            for (_, number), standing in by_firm.items()
            for entry in standing
            if entry.contested and not entry.withdrawn
        ]
    )


def _contested(entry: FirmEntry, standing: list[FirmEntry]) -> dict[str, object]:
    return {
        "application": entry.application,
        "product": sorted(entry.names),
        "track": entry.track,
        "identity": entry.identity,
        "against": [other.application for other in standing if other is not entry and other.is_rival_of(entry)],
    }

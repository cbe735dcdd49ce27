"""The audit log of this service, for auditors, officers and operators: read it, check it, change nothing."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, holder, intake
from shared import audit
from shared.postgres import connected

router = APIRouter(tags=["audit"])


@router.get("/audit")
async def read_log(
    request: Request, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=5000)] = 1000
) -> Response:
    """Rows in order, `after` a sequence number. `firstbuy audit verify` checks the chain."""
    await holder(request, AUDITOR, OFFICER, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        rows = await audit.rows(connection, after, limit)
    return JSONResponse({"service": "intake", "rows": [row.as_json() for row in rows]})

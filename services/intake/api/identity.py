"""`POST /identity`: confirms a firm's identity, and answers a confirmation to send with its application."""

from datetime import date
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake.api.refusals import granted
from services.intake.api.state import intake
from services.intake.domain.identity import Claimed
from shared.contracts.events import Reason
from shared.contracts.facts import BusinessNumber
from shared.contracts.values import Contract, Line
from shared.service.http import body_of, parse, read_body
from shared.service.problems import Problem

router = APIRouter(tags=["applications"])


class ClaimBody(Contract):
    """A claim of identity, as registered with the tax service: 사업자등록번호, 개업일자, 대표자 성명."""

    business_number: BusinessNumber
    started_on: date
    representative: Line


_CLAIM: Final = TypeAdapter(ClaimBody)


@router.post("/identity", openapi_extra=body_of(ClaimBody))
async def confirm_identity(request: Request) -> Response:
    """Asks the tax service whether number, day of opening and representative belong to one firm. The answer goes into
    `identity` of an application; the representative is not stored."""
    state = intake(request)
    body: ClaimBody = parse(_CLAIM, await read_body(request, state.settings.body_bytes))
    claimed = Claimed(body.business_number, body.started_on, body.representative)
    pool = state.runtime.pool
    confirmation = granted(await state.identities.confirm(pool, claimed, state.clock.now()))
    if confirmation is None:
        detail = "the tax service has no firm with this number, this day and this representative together"
        fix = "write all three as on the firm's registration (사업자등록증)"
        reason = Reason(pointer="", code="not-confirmed", detail=detail, fix=fix)
        raise Problem(422, "not-confirmed", "The firm is not as stated.", (reason,))
    text = await state.identities.seal(pool, confirmation)
    return JSONResponse({"identity": text, "level": confirmation.level, "holds_until": confirmation.until.isoformat()})

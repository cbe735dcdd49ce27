"""Withdraws an application while its round is open; after the result, gives up the firm's place."""

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.applications import inside, latched, opened_application
from services.intake.api.bodies import WITHDRAWAL, WithdrawalBody
from services.intake.api.state import Intake, intake
from services.intake.domain.receipts import receipt_json, signed
from services.intake.domain.releases import Cause
from services.intake.domain.rounds import RoundStatus, RoundWindow
from services.intake.storage import firms, outcomes, releases, versions
from services.intake.storage.versions import StoredApplication
from services.intake.usecases.contests import Settling, settle
from services.intake.usecases.withdrawal import Leave, take_out
from shared.contracts import topics
from shared.contracts.events import SelectionGivenUp
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.proof.signing import Signer
from shared.service.http import body_of, parse, read_body_if_sent
from shared.service.postgres import Connection
from shared.service.problems import Problem, in_language
from shared.wording.in_korean import said

router = APIRouter(prefix="/applications", tags=["applications"])
_PLACED: Final = ("ProductSelected", "ProductReserved", "ReservePromoted", "AwardsChanged")


@router.post("/{application}/withdrawal", openapi_extra=body_of(WithdrawalBody, required=False))
async def withdraw(application: str, request: Request) -> Response:
    """Takes the application out of the round; after the result is published, gives up its place.

    Out of the round it goes as a version. A place, selected or in reserve, goes to the reserve in the next batch.
    Repeating it changes nothing.
    """
    state = intake(request)
    body = await read_body_if_sent(request, state.settings.body_bytes)
    received_at = state.clock.now()
    reason = parse(WITHDRAWAL, body or b"{}").reason
    trace = state.runtime.tracing.begin("POST withdrawal", request.headers.get("traceparent"))
    signer = await state.signing.signer(state.runtime.pool)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored: StoredApplication = await opened_application(request, application, connection)
        window = await latched(connection, stored.round)
        received = window.time_map.programme(received_at)
        if window.status is RoundStatus.CONFIRMED and not stored.withdrawn:
            answer = await _give_up(connection, events, stored, reason, received, trace)
        else:
            inside(window, received)
            answer = await _withdraw(connection, events, state, stored, window, reason, received, signer, trace)
    return JSONResponse(answer, headers=in_language({}))


async def _withdraw(
    connection: Connection,
    events: list[Outgoing],
    state: Intake,
    stored: StoredApplication,
    window: RoundWindow,
    reason: str,
    received: datetime,
    signer: Signer,
    trace: str | None,
) -> dict[str, Any]:
    application = stored.application
    firm = stored.round, stored.business_number
    await firms.lock(connection, [firm])
    _, withdrawn = await versions.lock(connection, application)
    if not withdrawn:
        events.append(await take_out(connection, stored, Leave(reason), received, window.seed, signer, trace))
        events += await settle(Settling(connection, firm, received, window.seed, signer))
    receipt = (await versions.receipts(connection, application))[-1]
    return receipt_json(signed(receipt, signer))


async def _give_up(
    connection: Connection,
    events: list[Outgoing],
    stored: StoredApplication,
    reason: str,
    now: datetime,
    trace: str | None,
) -> dict[str, Any]:
    application = stored.application
    await versions.lock(connection, application)
    before = await releases.freed(connection, stored.round, application)
    if before is not None and before.cause is not Cause.GIVEN_UP:
        raise Problem(409, "nothing-to-give-up", f"Officers declined this product: {before.reason}")
    if before is None:
        outcome = await outcomes.outcome(connection, application)
        result = outcome.get("result") or {}
        if outcome.get("result_type") not in _PLACED and not result.get("in_reserve"):
            raise Problem(409, "nothing-to-give-up", "This application is neither selected nor in reserve.")
        if await releases.is_contracted(connection, application):
            raise Problem(409, "contracted", "A purchase of this product was reported: settle it with its buyer.")
        await releases.free(connection, stored.round, application, Cause.GIVEN_UP, reason, now)
        event = SelectionGivenUp(
            round=stored.round,
            application=application,
            party=stored.party,
            epoch=result["epoch"],
            given_up_at=now,
            reason=reason,
        )
        identifier = event_id("given-up", application)
        events.append(
            outgoing(topics.APPLICATIONS.name, application, event, event_id=identifier, time=now, traceparent=trace)
        )
    given_up_at = before.freed_at if before else now
    takes_effect = said("with the next batch")
    return {"application": application, "given_up_at": given_up_at.isoformat(), "takes_effect": takes_effect}

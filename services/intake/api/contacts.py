"""Erases a person's contact: here, by a tombstone on contacts.v1 wherever it was copied to, and in unsent notices.
Decisions stay, since no contact is part of them. Also lists contacts whose addressee disowned them, until an officer
settles each; the entry stands meanwhile."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake.api.applications import opened_application
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, holder, holder_on, intake
from services.intake.domain.entries import is_id
from services.intake.storage import contacts, disowned, document_sweep
from services.intake.storage.versions import StoredApplication
from services.intake.usecases.erasure import tombstone
from shared.contracts.values import Contract, Line, RoundId
from shared.kafka.cloudevents import Outgoing
from shared.programme.mail_addresses import WrittenEmail
from shared.service import audit
from shared.service.http import bearer_hash, body_of, parse, read_body
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem

router = APIRouter(tags=["contacts"])


class ErasureBody(Contract):
    """Every contact with this address, of whatever application."""

    email: WrittenEmail


class SettlementBody(Contract):
    """What an officer found out about a disowned contact."""

    reason: Line


_ERASURE, _SETTLEMENT = TypeAdapter(ErasureBody), TypeAdapter(SettlementBody)


@router.delete("/applications/{application}/contact")
async def erase_contact(application: str, request: Request) -> Response:
    """Erases the contact of one application, for its holder, an officer or an operator. It gets no more notices."""
    state = intake(request)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored: StoredApplication = await opened_application(request, application, connection, (OFFICER, OPERATOR))
        own = bearer_hash(request.headers.get("authorization")) == stored.token_hash
        actor = "applicant" if own else (await holder_on(connection, request, OFFICER, OPERATOR)).name
        erased = await _erase(connection, events, [stored.party], state.clock.now(), actor)
    return JSONResponse({"erased": erased})


@router.post("/contacts/erasure", openapi_extra=body_of(ErasureBody))
async def erase_everywhere(request: Request) -> Response:
    """Erases every contact with an address. The address itself goes into no log."""
    state = intake(request)
    operator = await holder(request, OPERATOR, OFFICER)
    email = parse(_ERASURE, await read_body(request, state.settings.body_bytes)).email
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        parties = await contacts.of_address(connection, email)
        await contacts.forget(connection, email)
        erased = await _erase(connection, events, parties, state.clock.now(), operator.name)
    return JSONResponse({"erased": erased})


@router.get("/contacts/disowned")
async def list_disowned(
    request: Request,
    round_id: Annotated[RoundId | None, Query(alias="round")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Applications whose addressee says "it was not me", and that no officer has settled; newest first."""
    await holder(request, OFFICER, AUDITOR, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        return JSONResponse(jsonable_encoder(await disowned.unsettled(connection, round_id, limit)))


@router.post("/applications/{application}/contact/disowned/settlement", openapi_extra=body_of(SettlementBody))
async def settle_disowned(application: str, request: Request) -> Response:
    """Takes an application off that list, for an officer; the audit log keeps who, when and why. Mail to the address
    stays blocked: notify's operator releases it (`/suppressions/release`)."""
    state = intake(request)
    officer, now = await holder(request, OFFICER), state.clock.now()
    reason = parse(_SETTLEMENT, await read_body(request, state.settings.body_bytes)).reason
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        if not (is_id(application) and await disowned.settle(connection, application, now)):
            raise Problem(404, "not-disowned", "It is not among those of GET /contacts/disowned.")
        detail = {"application": application, "reason": reason}
        events.append(await audit.record(connection, "intake", now, officer.name, "settle-disowned", detail))
    return Response(status_code=204)


async def _erase(
    connection: Connection, events: list[Outgoing], parties: Sequence[str], now: datetime, actor: str
) -> int:
    erased = await contacts.erase(connection, parties)
    events += [tombstone(party, now) for party in erased]
    forgotten = await document_sweep.forget_erased(connection, parties)
    if erased:
        detail = {"parties": list(erased), "documents": forgotten}
        events.append(await audit.record(connection, "intake", now, actor, "erase-contact", detail))
    return len(erased)

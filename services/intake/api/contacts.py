"""A person's contact is erased: here, by a tombstone on contacts.v1 wherever it was copied to, and in what is still to
be sent. What was decided stays: no contact is part of that."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints, TypeAdapter

from services.intake.api.applications import opened_application
from services.intake.api.state import OFFICER, OPERATOR, holder, holder_on, intake
from services.intake.erasing import tombstone
from services.intake.storage import contacts
from services.intake.storage.versions import StoredApplication
from shared import audit
from shared.contracts.values import Contract
from shared.http import bearer_hash, body_of, parse, read_body
from shared.kafka.cloudevents import Outgoing
from shared.postgres import Connection

router = APIRouter(tags=["contacts"])


class ErasureBody(Contract):
    """Every contact with this address, of whatever application."""

    email: Annotated[str, StringConstraints(min_length=3, max_length=320, pattern=r"^[^\s\x00]+@[^\s\x00]+$")]


_ERASURE = TypeAdapter(ErasureBody)


@router.delete("/applications/{application}/contact")
async def erase_contact(application: str, request: Request) -> Response:
    """Erases the contact of one application, for its holder, an officer or an operator. Nobody is told anything of it
    any more."""
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


async def _erase(
    connection: Connection, events: list[Outgoing], parties: Sequence[str], now: datetime, actor: str
) -> int:
    erased = await contacts.erase(connection, parties)
    events += [tombstone(party, now) for party in erased]
    if erased:
        detail = {"parties": list(erased)}
        events.append(await audit.record(connection, "intake", now, actor, "erase-contact", detail))
    return len(erased)

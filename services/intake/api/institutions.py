"""Institutions and the bearer tokens of all who are no applicant."""

import hashlib
import secrets
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.intake.api.state import INSTITUTION, OFFICER, OPERATOR, holder, intake
from services.intake.domain.shards import shard_of
from services.intake.storage import institutions, tokens
from services.intake.storage.tokens import Bearer
from shared import audit
from shared.contracts import topics
from shared.contracts.events import InstitutionChanged, InstitutionStatus, Pledge
from shared.contracts.values import Contract, InstitutionCode, Line
from shared.http import Problem, parse, read_body
from shared.kafka.cloudevents import event_id, outgoing
from shared.kafka.provision import provision
from shared.postgres import connected

router = APIRouter(tags=["institutions"])


class InstitutionBody(Contract):
    name: Line
    status: InstitutionStatus = InstitutionStatus.ACTIVE
    pledges: tuple[Pledge, ...] = ()


class TokenBody(Contract):
    role: Annotated[str, Field(pattern="^(officer|auditor|operator|institution)$")]
    name: Line
    institution: InstitutionCode | None = None


_INSTITUTION = TypeAdapter(InstitutionBody)
_CODE = TypeAdapter(InstitutionCode)
_TOKEN = TypeAdapter(TokenBody)


@router.put("/institutions/{code}")
async def set_institution(code: str, request: Request) -> Response:
    """Registers an institution or changes it: makes its two topics and reads its inbox from now on."""
    state = intake(request)
    officer = await holder(request, OFFICER, OPERATOR)
    parse(_CODE, f'"{code}"'.encode())
    body: InstitutionBody = parse(_INSTITUTION, await read_body(request, state.settings.body_bytes))
    inbox, outbox = topics.inbox(code), topics.outbox(code)
    prefix = state.runtime.prefix
    await provision((inbox, outbox), state.settings.kafka, prefix)
    now = state.clock.now()
    changed = InstitutionChanged(
        institution=code, name=body.name, status=body.status, pledges=body.pledges, changed_at=now
    )
    identifier = event_id("institution", code, now.isoformat())
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.set_institution(connection, code, body.name, body.status.value, now)
        await institutions.set_pledges(connection, code, [(pledge.round, pledge.won) for pledge in body.pledges])
        await institutions.register_inbox(connection, prefix + inbox.name, code, shard_of(code), now)
        events.append(outgoing(topics.INSTITUTIONS.name, code, changed, event_id=identifier, time=now))
        detail = {"institution": code, "status": body.status.value, "pledges": [p.model_dump() for p in body.pledges]}
        events.append(await audit.record(connection, "intake", now, officer.name, "set-institution", detail))
    return JSONResponse({"institution": code, "inbox": prefix + inbox.name, "outbox": prefix + outbox.name})


@router.get("/institutions")
async def list_institutions(request: Request) -> Response:
    async with connected(intake(request).runtime.pool) as connection:
        return JSONResponse(await institutions.institutions(connection))


@router.post("/tokens")
async def create_token(request: Request) -> Response:
    """A new bearer token, shown this once; only its hash is stored."""
    state = intake(request)
    operator = await holder(request, OPERATOR)
    body: TokenBody = parse(_TOKEN, await read_body(request, state.settings.body_bytes))
    if (body.role == INSTITUTION) != (body.institution is not None):
        raise Problem(422, "invalid-fields", "A token of role institution names its institution, and no other does.")
    token = f"fb_{body.role}_{secrets.token_urlsafe(24)}"
    token_hash = hashlib.sha256(token.encode()).hexdigest()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        if not await tokens.create(connection, token_hash, Bearer(body.role, body.name, body.institution)):
            raise Problem(409, "name-taken", f"A token named '{body.name}' was made before: choose another name.")
        detail = {"role": body.role, "name": body.name, "institution": body.institution}
        now = state.clock.now()
        events.append(await audit.record(connection, "intake", now, operator.name, "create-token", detail))
    return JSONResponse({"token": token, "role": body.role, "name": body.name}, 201)


@router.delete("/tokens/{name}")
async def revoke_token(name: str, request: Request) -> Response:
    state = intake(request)
    operator = await holder(request, OPERATOR)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        if not await tokens.revoke(connection, name):
            raise Problem(404, "unknown-token", f"No token named '{name}' is in force.")
        now = state.clock.now()
        events.append(await audit.record(connection, "intake", now, operator.name, "revoke-token", {"name": name}))
    return Response(status_code=204)

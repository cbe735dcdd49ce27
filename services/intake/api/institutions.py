"""Institutions, and the bearer tokens of everybody except applicants."""

import asyncio
import hashlib
import secrets
import time
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.intake.api.state import AUDITOR, INSTITUTION, OFFICER, OPERATOR, Intake, holder, holder_on, intake
from services.intake.domain import institutions as institution
from services.intake.domain.institutions import Institution, WrongChange
from services.intake.domain.shards import shard_of
from services.intake.storage import institutions, rounds, tokens
from services.intake.storage.tokens import Bearer
from services.intake.usecases import registration
from services.intake.usecases.access_events import access_events
from shared.contracts import topics
from shared.contracts.events import InstitutionStatus, Pledge, Reason
from shared.contracts.values import Contract, InstitutionCode, Line
from shared.kafka.provision import ProvisioningError, unseen
from shared.service import audit
from shared.service.http import body_of, checked, parse, read_body
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem, in_language
from shared.wording.in_korean import told

router = APIRouter(tags=["institutions"])


LOOK_SECONDS: Final = 5.0
FIX: Final = "run `firstbuy institution onboard`, or apply its `--plan`, then try again"


class InstitutionBody(Contract):
    """What to change about an institution; fields left out stay."""

    name: Line | None = None
    status: InstitutionStatus | None = None
    pledges: tuple[Pledge, ...] = ()
    reason: Line | None = None


class NameBody(Contract):
    """An institution's new name, and why."""

    name: Line
    reason: Line


class TokenBody(Contract):
    """Whom a new token is for."""

    role: Annotated[str, Field(pattern="^(officer|auditor|operator|institution)$")]
    name: Line
    institution: InstitutionCode | None = None


_INSTITUTION = TypeAdapter(InstitutionBody)
_CODE = TypeAdapter(InstitutionCode)
_NAME = TypeAdapter(NameBody)
_TOKEN = TypeAdapter(TokenBody)


@router.put("/institutions/{code}", openapi_extra=body_of(InstitutionBody))
async def set_institution(code: str, request: Request) -> Response:
    """Registers an institution or changes it; fields left out stay, and so does the name of a registered one. Its inbox
    is read once it is active, which takes its two topics: whoever runs Kafka creates them (`firstbuy institution
    onboard`), intake has no right to."""
    state = intake(request)
    officer = await holder(request, OFFICER, OPERATOR)
    code = checked(_CODE, code, "/code")
    body: InstitutionBody = parse(_INSTITUTION, await read_body(request, state.settings.body_bytes))
    inbox, outbox = topics.inbox(code), topics.outbox(code)
    prefix = state.runtime.prefix
    answer: dict[str, Any] = {"institution": code, "inbox": prefix + inbox.name, "outbox": prefix + outbox.name}
    async with connected(state.runtime.pool) as connection:
        before = await institutions.institution(connection, code)
    after = _changed(before, body)
    if after.status is InstitutionStatus.ACTIVE and (before is None or before.status is not after.status):
        await _see_topics(state, code)
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.lock(connection, code)
        before = await institutions.institution(connection, code)
        after = _changed(before, body)
        answer |= {"status": after.status.value} | await _remarks(connection, code, before, body)
        if after == before:
            return JSONResponse(answer, headers=in_language({}))
        events.append(await registration.save(connection, code, after, now))
        if after.status is InstitutionStatus.ACTIVE:
            await institutions.register_inbox(connection, prefix + inbox.name, code, shard_of(code), now)
        detail = {"institution": code, "status": after.status.value, "pledges": [p.model_dump() for p in body.pledges]}
        detail |= {"reason": body.reason} if body.reason else {}
        events.append(await audit.record(connection, "intake", now, officer.name, "set-institution", detail))
    return JSONResponse(answer, headers=in_language({}))


@router.put("/institutions/{code}/name", openapi_extra=body_of(NameBody))
async def rename_institution(code: str, request: Request) -> Response:
    """The only way to another name: no list, round file or announcement renames a registered institution."""
    state = intake(request)
    officer = await holder(request, OFFICER, OPERATOR)
    code = checked(_CODE, code, "/code")
    body: NameBody = parse(_NAME, await read_body(request, state.settings.body_bytes))
    now = state.clock.now()
    answer = {"institution": code, "name": body.name}
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.lock(connection, code)
        before = await institutions.institution(connection, code)
        if before is None:
            raise Problem(404, "unknown-institution", f"No institution {code}: see GET /institutions.")
        if before.name == body.name:
            return JSONResponse(answer)
        events.append(await registration.save(connection, code, replace(before, name=body.name), now))
        detail = {"institution": code, "name": body.name, "name_before": before.name, "reason": body.reason}
        events.append(await audit.record(connection, "intake", now, officer.name, "rename-institution", detail))
    return JSONResponse(answer)


async def _remarks(
    connection: Connection, code: str, before: Institution | None, body: InstitutionBody
) -> dict[str, Any]:
    """Remarks on pledges to unknown rounds, and on another name than the registered one.

    An unknown round may be announced later, or be mistyped.
    """
    unknown = await rounds.unknown(connection, [pledge.round for pledge in body.pledges])
    remarks = registration.name_stands(code, before, body.name, "/name")
    remarks += [
        Reason(
            pointer=f"/pledges/{place}/round",
            code="unknown-round",
            detail=f"no round {pledge.round} is announced",
            fix="see GET /rounds; it counts once a round of this id is announced",
        )
        for place, pledge in enumerate(body.pledges)
        if pledge.round in unknown
    ]
    return {"warnings": told(remarks)} if remarks else {}


def _changed(before: Institution | None, body: InstitutionBody) -> Institution:
    """The institution after the change. Raises a Problem where that is not allowed."""
    after = institution.changed(before, body.name, body.status, {pledge.round: pledge.won for pledge in body.pledges})
    if isinstance(after, WrongChange):
        raise Problem(409 if before else 422, after.code, after.detail)
    return after


async def _see_topics(state: Intake, code: str) -> None:
    """Waits until its topics are visible: new rights may reach a broker a moment later. Raises a Problem."""
    wanted = (topics.inbox(code), topics.outbox(code))
    deadline = time.monotonic() + LOOK_SECONDS
    while True:
        try:
            missing = await unseen(wanted, state.settings.kafka, state.runtime.prefix)
        except ProvisioningError as error:
            raise Problem(
                503, "kafka-away", "Kafka does not answer: try again.", headers={"Retry-After": "5"}
            ) from error
        if not missing:
            return
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.3)
    reasons = [
        Reason(pointer="", code="topic-missing", detail=f"{name} is not there, or intake may not use it.", fix=FIX)
        for name in missing
    ]
    raise Problem(409, "topics-missing", "It has no topics yet, so it can't be active.", reasons)


@router.get("/institutions")
async def list_institutions(request: Request) -> Response:
    """Institutions with their pledges to announced rounds; with a token of the office, to any round."""
    async with connected(intake(request).runtime.pool) as connection:
        public = "authorization" not in request.headers
        if not public:
            await holder_on(connection, request, AUDITOR, OFFICER, OPERATOR)
        listed = await institutions.institutions(connection, public=public)
    return JSONResponse(listed, headers={"Vary": "Authorization"})


@router.post("/tokens", openapi_extra=body_of(TokenBody))
async def create_token(request: Request) -> Response:
    """A new bearer token, shown once; only its hash is stored."""
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
        events += await access_events(connection)
    return JSONResponse({"token": token, "role": body.role, "name": body.name}, 201)


@router.get("/tokens")
async def list_tokens(request: Request) -> Response:
    """Who holds a token, in which role, since when, and whether it was revoked; no token, and no hash of one."""
    await holder(request, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        return JSONResponse(await tokens.listed(connection))


@router.delete("/tokens/{name}")
async def revoke_token(name: str, request: Request) -> Response:
    """Ends a token, here and at the other services."""
    state = intake(request)
    operator = await holder(request, OPERATOR)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        if not await tokens.revoke(connection, name):
            raise Problem(404, "unknown-token", f"No token named '{name}' is in force.")
        now = state.clock.now()
        events.append(await audit.record(connection, "intake", now, operator.name, "revoke-token", {"name": name}))
        events += await access_events(connection)
    return Response(status_code=204)

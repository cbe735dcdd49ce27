"""Renews lost tokens: a new one is mailed to the entry's own address. The answer hides which entries exist."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake.api.state import Intake, intake
from services.intake.domain.entries import access_token, is_id
from services.intake.domain.renewals import Renewal, in_force, next_generation
from services.intake.storage import renewals, tokens, versions
from services.intake.storage.versions import StoredApplication
from services.intake.usecases.entry_events import token_event
from shared.contracts.facts import BusinessNumber
from shared.contracts.values import Contract
from shared.kafka.cloudevents import Outgoing
from shared.programme.mail_addresses import WrittenEmail
from shared.proof.canonical import sha256_hex
from shared.service.http import body_of, parse, read_body, read_body_if_sent
from shared.service.outbox import enqueue
from shared.service.postgres import Connection
from shared.service.problems import in_language
from shared.wording.in_korean import said

router = APIRouter(tags=["applications"])
_log = structlog.get_logger()


class LostTokenBody(Contract):
    """The firm, and the mail address of its entry."""

    business_number: BusinessNumber
    email: WrittenEmail


_LOST: Final = TypeAdapter(LostTokenBody)
_ANSWER: Final = (
    "Where there is such an entry, a new token is mailed to its own address: one in ten minutes at most, three a day. "
    "The old one ends when the new one is first used."
)


@router.post("/rounds/{round_id}/lost-tokens", openapi_extra=body_of(LostTokenBody), status_code=202)
async def renew_tokens(round_id: str, request: Request) -> Response:
    """Mails a token for each entry of the firm in this round with the address.

    For whoever has neither token nor id.
    """
    state = intake(request)
    body: LostTokenBody = parse(_LOST, await read_body(request, state.settings.body_bytes))
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        printable = round_id if round_id.isprintable() else ""
        matching = await renewals.of_firm(connection, printable, body.business_number, body.email)
        events += await _renew(connection, matching, state)
    return _answer()


@router.post("/applications/{application}/lost-token", status_code=202)
async def renew_token(application: str, request: Request) -> Response:
    """Mails a token for one entry, for whoever knows its id from its mails."""
    state = intake(request)
    await read_body_if_sent(request, state.settings.body_bytes)  # no field is needed
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        if is_id(application) and await renewals.has_contact(connection, application):
            events += await _renew(connection, [application], state)
    return _answer()


def _answer() -> Response:
    return JSONResponse({"told": said(_ANSWER)}, 202, in_language({}))


async def _renew(connection: Connection, applications: Sequence[str], state: Intake) -> list[Outgoing]:
    """Makes a token for each application that may have another one now."""
    now, secret = state.clock.now(), await tokens.secret(connection, "access-tokens")
    events = []
    for application in applications:
        await versions.lock(connection, application)
        sent = await renewals.sent(connection, application)
        generation = next_generation(sent, now)
        stored = await versions.load(connection, application)
        if generation is None or stored is None:
            continue
        token = access_token(secret, application, generation)
        await renewals.keep(connection, application, Renewal(generation, sha256_hex(token.encode()), now))
        events.append(token_event(stored, generation, now, in_force=in_force(sent), token=token))
        _log.info("sent new token", application=application, generation=generation)
    return events


async def first_use(connection: Connection, stored: StoredApplication, renewal: Renewal, now: datetime) -> bool:
    """Ends the old token, on the given connection, which may only be reading. The event is left to the outbox's sweep,
    since nobody waits for it."""
    async with connection.transaction():
        used = await renewals.use(connection, stored.application, renewal.generation, now)
        if used:
            await enqueue(connection, [token_event(stored, renewal.generation, now, in_force=renewal.generation)])
            _log.info("used new token", application=stored.application, generation=renewal.generation)
    return used

"""Notification contacts over HTTP: an institution, or an officer, sets its people and its webhook.

Both go to notify by contacts.v1. A webhook's secret is shown once, when it is made (Standard Webhooks).
"""

import base64
import secrets
import uuid
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field, TypeAdapter

from services.intake.api.bodies import ContactBody
from services.intake.api.state import OFFICER, OPERATOR, Intake, holder_for, intake
from services.intake.domain.notification_contacts import Person, Webhook, replaced, webhook_refusal
from services.intake.storage import contacts, institutions, notification_contacts
from services.intake.storage.tokens import Bearer
from services.intake.usecases.erasure import tombstone
from shared.contracts import topics
from shared.contracts.events import ContactChanged, Reason, WebhookChanged, WebhookUrl
from shared.contracts.values import Contract
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem

router = APIRouter(prefix="/institutions/{code}", tags=["institutions"])
SECRET_BYTES: Final = 32


class NotificationContactsBody(Contract):
    """Everybody to be notified: whoever is left out is erased."""

    model_config = ConfigDict(title="DeskBody")  # as published in OpenAPI

    contacts: Annotated[tuple[ContactBody, ...], Field(max_length=50)]


class WebhookBody(Contract):
    """Where webhooks go."""

    url: WebhookUrl


_CONTACTS = TypeAdapter(NotificationContactsBody)
_WEBHOOK = TypeAdapter(WebhookBody)


@router.get("/contacts")
async def show_contacts(code: str, request: Request) -> Response:
    """The people of the institution who are notified by mail."""
    await holder_for(request, code, OFFICER, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        await _check_known(connection, code)
        people = await notification_contacts.people(connection, code)
    return JSONResponse({"institution": code, "contacts": [_person_json(person) for person in people]})


@router.put("/contacts", openapi_extra=body_of(NotificationContactsBody))
async def set_contacts(code: str, request: Request) -> Response:
    """Replaces the whole list: whoever is left out is erased."""
    state = intake(request)
    bearer = await holder_for(request, code, OFFICER, OPERATOR)
    body: NotificationContactsBody = parse(_CONTACTS, await read_body(request, state.settings.body_bytes))
    details = [contact.details() for contact in body.contacts]
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.lock(connection, code)
        await _check_known(connection, code)
        after = replaced(await notification_contacts.people(connection, code), details, lambda: str(uuid.uuid4()))
        await notification_contacts.set_people(connection, code, after.changed, now)
        await contacts.erase(connection, after.gone)
        events += [tombstone(party, now) for party in after.gone]
        events += [_person_changed(person, code, now) for person in after.changed]
        if events:
            detail = {
                "institution": code,
                "set": [person.party for person in after.changed],
                "forgotten": list(after.gone),
            }
            events.append(await audit.record(connection, "intake", now, bearer.name, "set-desk", detail))
    return JSONResponse({"institution": code, "contacts": [_person_json(person) for person in after.people]})


@router.get("/webhook")
async def show_webhook(code: str, request: Request) -> Response:
    """The webhook's address, without its secret."""
    await holder_for(request, code, OFFICER, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        webhook = await _webhook(connection, code)
    until = webhook.before_until and webhook.before_until.isoformat()
    return JSONResponse({"institution": code, "url": webhook.url, "secret_before_until": until})


@router.put("/webhook", openapi_extra=body_of(WebhookBody))
async def set_webhook(code: str, request: Request) -> Response:
    """Sets the webhook: 201 with its secret when it is the institution's first; another address keeps the secret."""
    state = intake(request)
    bearer = await holder_for(request, code, OFFICER, OPERATOR)
    body: WebhookBody = parse(_WEBHOOK, await read_body(request, state.settings.body_bytes))
    refused = webhook_refusal(body.url, plain=state.settings.plain_webhooks)
    if refused:
        reason = Reason(pointer="/url", code="webhook-refused", detail=refused[0], fix=refused[1])
        raise Problem(422, "invalid-fields", "No webhook can go there.", [reason])
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.lock(connection, code)
        await _check_known(connection, code)
        before = await notification_contacts.webhook(connection, code)
        if before is not None and before.url == body.url:
            return JSONResponse({"institution": code, "url": body.url})
        after = Webhook(body.url, _new_secret()) if before is None else replace(before, url=body.url)
        await _save(connection, events, state, code, after, bearer, "set-webhook")
    if before is None:
        return JSONResponse({"institution": code, "url": body.url, "secret": after.secret}, 201)
    return JSONResponse({"institution": code, "url": body.url})


@router.post("/webhook/rotation")
async def rotate_secret(code: str, request: Request) -> Response:
    """Makes another secret, shown this once. The one before signs too for a day."""
    state = intake(request)
    bearer = await holder_for(request, code, OFFICER, OPERATOR)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.lock(connection, code)
        after = (await _webhook(connection, code)).rotated(_new_secret(), state.clock.now())
        await _save(connection, events, state, code, after, bearer, "rotate-webhook-secret")
    until = after.before_until and after.before_until.isoformat()
    return JSONResponse({"institution": code, "url": after.url, "secret": after.secret, "secret_before_until": until})


@router.delete("/webhook")
async def end_webhook(code: str, request: Request) -> Response:
    """Removes the webhook, also at notify."""
    state = intake(request)
    bearer = await holder_for(request, code, OFFICER, OPERATOR)
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await institutions.lock(connection, code)
        if await notification_contacts.end_webhook(connection, code):
            identifier = event_id("webhook", code, "ended", now.isoformat())
            ended = Outgoing(
                topic=topics.CONTACTS.name,
                key=code,
                type=WebhookChanged.__name__,
                id=identifier,
                subject=code,
                time=now,
                body=None,
            )
            detail = {"institution": code}
            events += [ended, await audit.record(connection, "intake", now, bearer.name, "end-webhook", detail)]
    return Response(status_code=204)


async def _save(
    connection: Connection,
    events: list[Outgoing],
    state: Intake,
    code: str,
    webhook: Webhook,
    bearer: Bearer,
    action: str,
) -> None:
    now = state.clock.now()
    await notification_contacts.set_webhook(connection, code, webhook, now)
    changed = WebhookChanged(
        institution=code,
        url=webhook.url,
        secret=webhook.secret,
        secret_before=webhook.secret_before,
        before_until=webhook.before_until,
        changed_at=now,
    )
    identifier = event_id("webhook", code, now.isoformat())
    events.append(outgoing(topics.CONTACTS.name, code, changed, event_id=identifier, time=now))
    events.append(await audit.record(connection, "intake", now, bearer.name, action, {"institution": code}))


async def _check_known(connection: Connection, code: str) -> None:
    if await institutions.institution(connection, code) is None:
        raise Problem(404, "unknown-institution", f"There is no institution '{code}'.")


async def _webhook(connection: Connection, code: str) -> Webhook:
    webhook = await notification_contacts.webhook(connection, code)
    if webhook is None:
        raise Problem(404, "no-webhook", f"'{code}' has no webhook: PUT one with its url.")
    return webhook


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _person_json(person: Person) -> dict[str, Any]:
    contact = person.contact
    return {
        "party": person.party,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "language": contact.language,
    }


def _person_changed(person: Person, code: str, now: datetime) -> Outgoing:
    contact = person.contact
    changed = ContactChanged(
        party=person.party,
        name=contact.name,
        email=contact.email,
        phone=contact.phone,
        language=contact.language,
        institution=code,
        changed_at=now,
    )
    identifier = event_id("contact", person.party, now.isoformat())
    return outgoing(topics.CONTACTS.name, person.party, changed, event_id=identifier, time=now)

"""Appeals over HTTP: filed with the application's token, listed for officers. Two officers decide, by an act."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter
from pydantic_core import from_json

from services.intake.api.applications import opened_application
from services.intake.api.bodies import FactsBody
from services.intake.api.refusals import granted
from services.intake.api.rounds import known_round
from services.intake.api.state import AUDITOR, OFFICER, holder, intake
from services.intake.api.submission import upload_key
from services.intake.domain.appeals import Appeal, in_time, may_file_until
from services.intake.domain.rounds import RoundStatus
from services.intake.storage import appeals, rounds
from services.intake.storage.versions import StoredApplication
from services.intake.usecases.document_naming import renamed_documents, unfit_documents
from services.intake.usecases.fitness import unfit_entry
from services.intake.usecases.placing import refused_place_alone
from shared.contracts import topics
from shared.contracts.events import AppealFiled, Reason
from shared.contracts.facts import facts_json
from shared.contracts.values import Contract, Text
from shared.kafka.cloudevents import event_id, outgoing
from shared.proof.canonical import canonical_json, sha256_hex
from shared.service.http import body_of, parse, read_body
from shared.service.postgres import connected
from shared.service.problems import Problem

router = APIRouter(tags=["appeals"])


class AppealBody(Contract):
    """An appeal. `amended`: the facts that should have been judged, of the same firm and product."""

    grounds: Annotated[Text, Field(min_length=1)]
    amended: FactsBody | None = None


_APPEAL = TypeAdapter(AppealBody)
OFFERED: Final = ("class_code", "price_won", "capacity", "delivery_days", "regions")
"""Fields that matching uses. Whoever knows the draw must not be able to fit them to the money that is left."""


@router.post("/applications/{application}/appeal", openapi_extra=body_of(AppealBody))
async def file_appeal(application: str, request: Request) -> Response:
    """Files an appeal against the published result, within 30 days of its notice. Nothing is final while it is open."""
    state = intake(request)
    body: AppealBody = parse(_APPEAL, await read_body(request, state.settings.body_bytes))
    moment = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored: StoredApplication = await opened_application(request, application, connection)
        await rounds.lock_for_admission(connection, [stored.round])
        window = (await rounds.windows(connection, [stored.round]))[stored.round]
        now = window.time_map.programme(moment)
        result = await appeals.result(connection, application)
        if result is None or window.status in (RoundStatus.VOID, RoundStatus.FINAL):
            raise Problem(
                409, "nothing-to-appeal", f"The round is {window.status}: there is no result to appeal against."
            )
        if not in_time(result.noticed_at, now):
            until = may_file_until(result.noticed_at)
            raise Problem(410, "period-over", f"An appeal could be filed until {until} (행정기본법 §36).")
        if body.amended is not None:
            fitness = await state.fitnesses.read(connection, stored.round)
            granted(unfit_entry(fitness, body.amended.facts(), moment, "/amended"))
            granted(await refused_place_alone(connection, stored, body.amended.facts()))
            granted(unfit_documents(body.amended.facts(), state.documents.limits, "/amended"))
            granted(await renamed_documents(connection, body.amended.facts(), upload_key(request), stored, "/amended"))
        appeal = Appeal(
            appeal=str(uuid.uuid4()),
            round=stored.round,
            application=application,
            result_epoch=result.epoch,
            grounds=body.grounds,
            amended=_amended(body, stored),
            filed_at=now,
        )
        if not await appeals.file(connection, appeal):
            raise Problem(409, "already-filed", "An appeal against this result was filed already: see its status.")
        event = AppealFiled(
            round=stored.round,
            appeal=appeal.appeal,
            application=application,
            party=stored.party,
            filed_at=now,
            grounds=body.grounds,
            answer_due=appeal.answer_due,
            result_epoch=result.epoch,
        )
        identifier = event_id("appeal-filed", appeal.appeal)
        events.append(outgoing(topics.APPLICATIONS.name, application, event, event_id=identifier, time=now))
    return JSONResponse(appeal_json(appeal), 201)


def _amended(body: AppealBody, stored: StoredApplication) -> str | None:
    """The amended facts as canonical JSON. Raises a Problem where they change the offer."""
    if body.amended is None:
        return None
    amended: Any = facts_json(body.amended.facts())
    offered: Any = from_json(stored.newest.facts)["product"]
    moved = [name for name in OFFERED if amended["product"].get(name) != offered.get(name)]
    if moved:
        reasons = tuple(
            Reason(
                pointer=f"/amended/product/{name}",
                code="offer-moved",
                detail="what was offered stands as it was committed, since the draw may be known",
                fix="state it as it was",
            )
            for name in moved
        )
        raise Problem(422, "invalid-fields", "An appeal can't change what was offered.", reasons)
    return canonical_json(amended).decode()


@router.get("/rounds/{round_id}/appeals")
async def list_appeals(round_id: str, request: Request) -> Response:
    """Every appeal of a round with the dates it is to be answered by, oldest first."""
    await holder(request, OFFICER, AUDITOR)
    async with connected(intake(request).runtime.pool) as connection:
        await known_round(connection, round_id)
        filed = await appeals.of_round(connection, round_id)
    return JSONResponse([appeal_json(appeal) for appeal in filed])


def appeal_json(appeal: Appeal) -> dict[str, Any]:
    """An appeal as it is answered."""

    def text(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "appeal": appeal.appeal,
        "application": appeal.application,
        "against_epoch": appeal.result_epoch,
        "grounds": appeal.grounds,
        "amended": from_json(appeal.amended) if appeal.amended else None,
        "amended_hash": sha256_hex(appeal.amended.encode()) if appeal.amended else None,
        "filed_at": text(appeal.filed_at),
        "answer_due": appeal.answer_due.isoformat(),
        "answer_due_extended": appeal.answer_due_extended.isoformat(),
        "decided_at": text(appeal.decided_at),
        "upheld": appeal.upheld,
        "reason": appeal.reason,
    }

"""Officers' acts: one officer proposes exact terms, and another approves them while they still hold.

What each kind of act needs and does is in `services.intake.usecases.acts`; other ends of a proposal are in
`act_ends.py`.
"""

from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake.api.act_ends import locked, refused
from services.intake.api.bodies import SubmissionBody
from services.intake.api.proposing import AWAITS, ELSEWHERE, keep, proposal, recorded
from services.intake.api.refusals import granted
from services.intake.api.rounds import known_round
from services.intake.api.state import OFFICER, holder, intake
from services.intake.api.submission import upload_key
from services.intake.domain.acts import ActKind, approval_refusal
from services.intake.storage import acts, rounds
from services.intake.storage import late as late_entries
from services.intake.usecases.acts import KINDS, announcement, late
from services.intake.usecases.acts.act_types import Approved
from services.intake.usecases.document_naming import named_documents, unfit_documents
from shared.contracts.values import Actor, Contract, Line
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.problems import Problem, in_language
from shared.wording.in_korean import said

router = APIRouter(prefix="/rounds", tags=["acts"])
_log = structlog.get_logger()


class ActBody(Contract):
    """A proposed act. `entry`: the application of an `admit-late`."""

    act: ActKind
    terms: dict[str, Any]
    reason: Line
    entry: SubmissionBody | None = None


_ACT = TypeAdapter(ActBody)


@router.post("/{round_id}/acts", openapi_extra=body_of(ActBody))
async def propose_act(round_id: str, request: Request) -> Response:
    """Proposes an act with its terms; it takes effect when another officer approves the same terms. Of one kind and
    terms one act waits at a time."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: ActBody = parse(_ACT, await read_body(request, state.settings.body_bytes))
    if body.act in ELSEWHERE:
        raise Problem(422, "not-proposed-here", ELSEWHERE[body.act])
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored = await known_round(connection, round_id)
        terms = granted(await KINDS[body.act].terms_now(connection, stored, body.terms))
        if terms != body.terms:
            raise Problem(
                409,
                "terms-differ",
                f"The terms are not the ones that stand now: {terms}. Look at them and propose those.",
            )
        draft = None
        if body.act is ActKind.ADMIT_LATE:
            entry = _late_entry(body)
            granted(unfit_documents(entry.facts(), state.documents.limits, "/entry"))
            draft = granted(await late.draft(connection, stored, entry.facts(), entry.contact.details(), now))
            named = await named_documents(connection, entry.facts(), upload_key(request), draft.application, "/entry")
            granted(named)
            terms = terms | late.named(draft)
        act = proposal(state, round_id, body.act, terms, body.reason, officer.name)
        await keep(connection, act)
        if draft is not None:
            await late_entries.keep(connection, act.act, draft)
        events.append(await recorded(connection, act))
    return JSONResponse({"act": act.act, "terms": terms, "awaits": said(AWAITS)}, 201, in_language({}))


def _late_entry(body: ActBody) -> SubmissionBody:
    if body.entry is None:
        raise Problem(422, "invalid-fields", "Send the application in /entry, as POST /rounds/{round}/applications.")
    if body.entry.identity is not None:
        raise Problem(
            422, "invalid-fields", "Leave /entry/identity out: officers admit who is late, and look themselves."
        )
    return body.entry


@router.post("/{round_id}/acts/{act}/approval")
async def approve_act(round_id: str, act: str, request: Request) -> Response:
    """Approves an act as its second officer, and does it."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    signer = await state.signing.signer(state.runtime.pool)
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        proposed = await locked(connection, act, round_id)
        actors = (Actor(name=proposed.proposed_by, role=OFFICER), Actor(name=officer.name, role=OFFICER))
        refused(approval_refusal(proposed, officer.name, now, None), proposed)
        await acts.approve(connection, act, officer.name, now)
        if proposed.kind is ActKind.ANNOUNCE:
            done = granted(await announcement.carry_out(connection, proposed, actors, now))
        else:
            # Exclusive: no admission and no freeze happens while the act is checked and done.
            await rounds.lock_for_freeze(connection, round_id)
            stored = await known_round(connection, round_id)
            kind = KINDS[proposed.kind]
            terms = granted(await kind.terms_now(connection, stored, proposed.terms))
            refused(approval_refusal(proposed, officer.name, now, terms), proposed)
            done = granted(
                await kind.carry_out(
                    Approved(
                        connection=connection, stored=stored, act=proposed, actors=actors, moment=now, signer=signer
                    )
                )
            )
        events += done.events
        detail = {"act": act, "round": round_id, "terms": proposed.terms, "by": [actor.name for actor in actors]}
        events.append(await audit.record(connection, "intake", now, officer.name, proposed.kind.value, detail))
    _log.info("approved act", act=act, kind=proposed.kind.value, round=round_id, officer=officer.name)
    return JSONResponse({"act": act, "done": True, **done.answer}, headers=in_language({}))

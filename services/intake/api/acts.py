"""Officers' acts: proposed by one with exact terms, done when another approves the same terms and they still stand.

What each kind of act asks and does is in `services.intake.acts`.
"""

import uuid
from datetime import timedelta
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake.acts import KINDS, late
from services.intake.acts.ground import Approved
from services.intake.api.bodies import SubmissionBody
from services.intake.api.rounds import known_round
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, holder, intake
from services.intake.domain.acts import ActKind, ApprovalRefusal, ProposedAct, approval_refusal
from services.intake.domain.entries import is_id
from services.intake.storage import acts, rounds
from services.intake.storage import late as late_entries
from shared import audit
from shared.contracts.values import Actor, Contract, Line
from shared.http import body_of, parse, read_body
from shared.postgres import connected
from shared.problems import Problem

router = APIRouter(prefix="/rounds", tags=["acts"])
_log = structlog.get_logger()


class ActBody(Contract):
    """`entry`: the application an `admit-late` is about."""

    act: ActKind
    terms: dict[str, Any]
    reason: Line
    entry: SubmissionBody | None = None


_ACT = TypeAdapter(ActBody)
_ACTS = TypeAdapter(list[dict[str, Any]])


@router.get("/{round_id}/acts")
async def list_acts(round_id: str, request: Request) -> Response:
    await holder(request, OFFICER, AUDITOR, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        rows = await acts.acts(connection, round_id)
    return Response(_ACTS.dump_json(rows), media_type="application/json")


@router.post("/{round_id}/acts", openapi_extra=body_of(ActBody))
async def propose_act(round_id: str, request: Request) -> Response:
    """An officer's act with its terms; it takes effect when another officer approves the same terms."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: ActBody = parse(_ACT, await read_body(request, state.settings.body_bytes))
    now = state.clock.now()
    act = str(uuid.uuid4())
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored = await known_round(connection, round_id)
        terms = await KINDS[body.act].terms_now(connection, stored, body.terms)
        if terms != body.terms:
            raise Problem(
                409,
                "terms-differ",
                f"The terms are not the ones that stand now: {terms}. Look at them and propose those.",
            )
        draft = None
        if body.act is ActKind.ADMIT_LATE:
            draft = await late.draft(connection, stored, body.entry, now)
            terms = terms | late.named(draft)
        window = (now, now + timedelta(hours=state.settings.approval_hours))
        await acts.propose(connection, act, round_id, body.act.value, terms, body.reason, officer.name, window)
        if draft is not None:
            await late_entries.keep(connection, act, draft)
        detail = {"act": act, "kind": body.act.value, "round": round_id, "terms": terms, "reason": body.reason}
        events.append(await audit.record(connection, "intake", now, officer.name, "propose-act", detail))
    _log.info("proposed act", act=act, kind=body.act.value, round=round_id, officer=officer.name)
    return JSONResponse({"act": act, "terms": terms, "awaits": "approval by another officer"}, 201)


@router.post("/{round_id}/acts/{act}/approval")
async def approve_act(round_id: str, act: str, request: Request) -> Response:
    """The second officer's approval; the act is done with it."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    if not is_id(act):
        raise Problem(404, "unknown-act", "No act of this id in this round.")
    signer = await state.signing.signer(state.runtime.pool)
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        row = await acts.lock(connection, act, round_id)
        if row is None:
            raise Problem(404, "unknown-act", "No act of this id in this round.")
        proposed = ProposedAct(
            act,
            round_id,
            ActKind(row["kind"]),
            row["terms"],
            row["reason"],
            row["proposed_by"],
            row["expires_at"],
            row["approved_by"],
        )
        # Exclusive: nothing is admitted, and no freeze happens, while the act is looked at and done.
        await rounds.lock_for_freeze(connection, round_id)
        stored = await known_round(connection, round_id)
        kind = KINDS[proposed.kind]
        terms = None if proposed.approved_by else await kind.terms_now(connection, stored, proposed.terms)
        refusal = approval_refusal(proposed, officer.name, now, terms)
        if refusal is not None:
            raise Problem(409, refusal.value, _REFUSALS[refusal])
        await acts.approve(connection, act, officer.name, now)
        actors = (Actor(name=proposed.proposed_by, role=OFFICER), Actor(name=officer.name, role=OFFICER))
        done = await kind.carry_out(Approved(connection, stored, proposed, actors, now, signer))
        events += done.events
        detail = {"act": act, "round": round_id, "terms": proposed.terms, "by": [actor.name for actor in actors]}
        events.append(await audit.record(connection, "intake", now, officer.name, proposed.kind.value, detail))
    _log.info("did act", act=act, kind=proposed.kind.value, round=round_id, officer=officer.name)
    return JSONResponse({"act": act, "done": True, **done.answer})


_REFUSALS: Final = {
    ApprovalRefusal.SAME_OFFICER: "An act takes two officers: another one must approve it.",
    ApprovalRefusal.EXPIRED: "The proposal has expired: propose it again.",
    ApprovalRefusal.ALREADY_APPROVED: "This act was approved already.",
    ApprovalRefusal.ROOTS_MOVED: "The roots have moved since the proposal: look at them and propose anew.",
}

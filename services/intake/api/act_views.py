"""Officers' acts as they are read: those of a round, all that wait, and one act whole, with what it would change."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from services.intake.api.rounds import known_round
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, holder, intake
from services.intake.domain.acts import ActKind, ActState, ProposedAct
from services.intake.domain.entries import is_id
from services.intake.domain.refused import Refused
from services.intake.storage import acts
from services.intake.usecases.acts import KINDS, announcement
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem, in_language
from shared.wording.in_korean import said, told

router = APIRouter(tags=["acts"])
_SHOWN: TypeAdapter[Any] = TypeAdapter(Any)


@router.get("/acts")
async def waiting_acts(request: Request) -> Response:
    """Acts that wait for another officer, of every round and of rounds to be announced; oldest first."""
    state = intake(request)
    await holder(request, OFFICER, AUDITOR, OPERATOR)
    now = state.clock.now()
    async with connected(state.runtime.pool) as connection:
        waiting = await acts.all_waiting(connection, now)
    return _json([_row(act, now) for act in waiting])


@router.get("/rounds/{round_id}/acts")
async def list_acts(round_id: str, request: Request) -> Response:
    """Every act that was proposed in a round, with its state; oldest first."""
    state = intake(request)
    await holder(request, OFFICER, AUDITOR, OPERATOR)
    async with connected(state.runtime.pool) as connection:
        proposed = await acts.acts(connection, round_id)
    return _json([_row(act, state.clock.now()) for act in proposed])


@router.get("/rounds/{round_id}/acts/{act}")
async def show_act(round_id: str, act: str, request: Request) -> Response:
    """One act whole. While it waits, `before` is the present state and `after` what the act would make of it; `refusal`
    says why it could not be approved now. For an act that no longer waits the three are null."""
    state = intake(request)
    await holder(request, OFFICER, AUDITOR)
    now = state.clock.now()
    async with (
        connected(state.runtime.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        proposed = await acts.load(connection, act, round_id) if is_id(act) else None
        if proposed is None:
            raise Problem(404, "unknown-act", "No act of this id in this round.")
        shown = _row(proposed, now) | {"refusal": None, "before": None, "after": None}
        if proposed.state(now) is ActState.WAITING:
            shown |= await _preview(connection, proposed, now)
    return _json(shown)


async def _preview(connection: Connection, act: ProposedAct, now: datetime) -> dict[str, Any]:
    if act.kind is ActKind.ANNOUNCE:
        announced = await announcement.preview(connection, act, now)
        if isinstance(announced, Refused):
            return _refusal(announced)
        return {"before": announced.before, "after": announced.after}
    kind = KINDS[act.kind]
    try:
        stored = await known_round(connection, act.round)
    except Problem as unknown:
        return _refusal(unknown)
    stands = await kind.terms_now(connection, stored, act.terms)
    if isinstance(stands, Refused):
        return _refusal(stands)
    change = await kind.preview(connection, stored, act)
    if isinstance(change, Refused):
        return _refusal(change)
    refusal = None
    if stands != act.terms:
        refusal = {
            "code": "roots-moved",
            "title": said("The roots have moved since the proposal."),
            "terms_now": stands,
        }
    return {"refusal": refusal, "before": change.before, "after": change.after}


def _refusal(refused: Refused | Problem) -> dict[str, Any]:
    return {"refusal": {"code": refused.code, "title": said(refused.title), "errors": told(refused.errors)}}


def _row(act: ProposedAct, now: datetime) -> dict[str, Any]:
    ended = act.ended
    return {
        "act": act.act,
        "round": act.round,
        "kind": act.kind.value,
        "state": act.state(now).value,
        "terms": act.terms,
        "reason": act.reason,
        "proposed_by": act.proposed_by,
        "proposed_at": act.proposed_at,
        "expires_at": act.expires_at,
        "approved_by": act.approved_by,
        "approved_at": act.approved_at,
        "ended_by": ended.by if ended else None,
        "ended_at": ended.at if ended else None,
        "ended_reason": ended.reason if ended else None,
    }


def _json(shown: Any) -> Response:
    return Response(_SHOWN.dump_json(shown), media_type="application/json", headers=in_language({}))

"""Ends a proposed act without doing it: another officer rejects it, or its proposer withdraws it."""

from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake.api.state import OFFICER, holder, intake
from services.intake.domain.acts import (
    ActRefusal,
    ActState,
    Ended,
    ProposedAct,
    rejection_refusal,
    withdrawal_refusal,
)
from services.intake.domain.entries import is_id
from services.intake.storage import acts, late
from shared.contracts.values import Contract, Line
from shared.service import audit
from shared.service.http import body_of, parse, read_body, read_body_if_sent
from shared.service.postgres import Connection
from shared.service.problems import Problem

router = APIRouter(prefix="/rounds", tags=["acts"])
_log = structlog.get_logger()


class RejectionBody(Contract):
    """Why an officer rejects an act; kept with the act, and in the audit log."""

    reason: Line


class ActWithdrawalBody(Contract):
    """Why the act is withdrawn, if the officer says so."""

    reason: Line | None = None


_REJECTION = TypeAdapter(RejectionBody)
_WITHDRAWAL = TypeAdapter(ActWithdrawalBody)


@router.post("/{round_id}/acts/{act}/rejection", openapi_extra=body_of(RejectionBody))
async def reject_act(round_id: str, act: str, request: Request) -> Response:
    """Rejects an act, for another officer, with a reason. It can't be approved any more, but proposed anew."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: RejectionBody = parse(_REJECTION, await read_body(request, state.settings.body_bytes))
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        proposed = await locked(connection, act, round_id)
        refused(rejection_refusal(proposed, officer.name, now), proposed, rejects=True)
        ended = Ended(ActState.REJECTED, officer.name, now, body.reason)
        await _end(connection, proposed, ended)
        detail = _detail(proposed, ended)
        events.append(await audit.record(connection, "intake", now, officer.name, "reject-act", detail))
    _log.info("rejected act", act=act, kind=proposed.kind.value, round=round_id, officer=officer.name)
    return JSONResponse({"act": act, "state": ended.state.value})


@router.post("/{round_id}/acts/{act}/withdrawal", openapi_extra=body_of(ActWithdrawalBody, required=False))
async def withdraw_act(round_id: str, act: str, request: Request) -> Response:
    """Withdraws an act that is not done yet, for the officer who proposed it."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    sent = await read_body_if_sent(request, state.settings.body_bytes)
    reason = parse(_WITHDRAWAL, sent).reason if sent else None
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        proposed = await locked(connection, act, round_id)
        refused(withdrawal_refusal(proposed, officer.name, now), proposed)
        ended = Ended(ActState.WITHDRAWN, officer.name, now, reason)
        await _end(connection, proposed, ended)
        detail = _detail(proposed, ended)
        events.append(await audit.record(connection, "intake", now, officer.name, "withdraw-act", detail))
    _log.info("withdrew act", act=act, kind=proposed.kind.value, round=round_id, officer=officer.name)
    return JSONResponse({"act": act, "state": ended.state.value})


async def locked(connection: Connection, act: str, round_id: str) -> ProposedAct:
    """The act, locked until the transaction ends. Raises a Problem (404) where there is none."""
    proposed = await acts.lock(connection, act, round_id) if is_id(act) else None
    if proposed is None:
        raise Problem(404, "unknown-act", "No act of this id in this round.")
    return proposed


def refused(refusal: ActRefusal | None, act: ProposedAct, *, rejects: bool = False) -> None:
    """Raises a Problem where there is a refusal. `rejects`: the officer asked to reject the act."""
    if refusal is None:
        return
    if (ended := act.ended) is not None:
        title = f"This act was {ended.state} by {ended.by}."
        if ended.reason:
            title = f"This act was {ended.state} by {ended.by}: {ended.reason}"
    elif refusal is ActRefusal.SAME_OFFICER and rejects:
        title = _BY_ITS_OFFICER
    else:
        title = _REFUSALS[refusal]
    raise Problem(409, refusal.value, title)


async def _end(connection: Connection, act: ProposedAct, ended: Ended) -> None:
    """Ends the act, and deletes its draft entry, which holds a contact."""
    await acts.end(connection, act.act, ended)
    await late.take(connection, act.act)


def _detail(act: ProposedAct, ended: Ended) -> dict[str, str | None]:
    detail = {"act": act.act, "kind": act.kind.value, "round": act.round, "proposed_by": act.proposed_by}
    return {**detail, "reason": ended.reason}


_BY_ITS_OFFICER: Final = "Another officer rejects an act; who proposed it withdraws it: firstbuy round withdraw-act"
_REFUSALS: Final = {
    ActRefusal.SAME_OFFICER: "An act takes two officers: another one must approve it.",
    ActRefusal.OTHER_OFFICER: "Who proposed an act withdraws it; another officer rejects it: firstbuy round reject",
    ActRefusal.EXPIRED: "The proposal has expired: propose it again.",
    ActRefusal.ALREADY_APPROVED: "This act was approved already.",
    ActRefusal.ROOTS_MOVED: "The roots have moved since the proposal: look at them and propose anew.",
}

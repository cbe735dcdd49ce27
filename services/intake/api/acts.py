"""Officers' acts: proposed by one with exact terms, done when another approves the same terms and they still stand."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake.api.bodies import parse, read_body
from services.intake.api.rounds import known_round
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, Intake, holder, intake
from services.intake.domain.acts import ActKind, ApprovalRefusal, ProposedAct, approval_refusal
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.sources import due_at
from services.intake.handlers.messages import take_messages
from services.intake.storage import acts, outcomes, requests, rounds
from services.intake.storage.rounds import StoredRound
from services.intake.turns import SourceValue, late_answers, record_source, round_event
from shared import audit
from shared.contracts.events import InputsCommitted, RoundExtended, RoundVoided, SelectionConfirmed
from shared.contracts.values import Actor, Contract, Line, UtcTime
from shared.http import Problem
from shared.kafka.cloudevents import Outgoing
from shared.postgres import Connection, connected

router = APIRouter(prefix="/rounds", tags=["acts"])
_log = structlog.get_logger()


class ActBody(Contract):
    act: ActKind
    terms: dict[str, Any]
    reason: Line


_ACT = TypeAdapter(ActBody)
_ACTS = TypeAdapter(list[dict[str, Any]])
_MOMENT = TypeAdapter(UtcTime)


@dataclass(frozen=True, slots=True)
class Approved:
    """An act that two officers agree on, about to be done in the transaction of `connection`."""

    state: Intake
    connection: Connection
    stored: StoredRound
    act: ProposedAct
    actors: tuple[Actor, Actor]
    now: datetime
    """Programme time."""


@router.get("/{round_id}/acts")
async def list_acts(round_id: str, request: Request) -> Response:
    await holder(request, OFFICER, AUDITOR, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        rows = await acts.acts(connection, round_id)
    return Response(_ACTS.dump_json(rows), media_type="application/json")


@router.post("/{round_id}/acts")
async def propose_act(round_id: str, request: Request) -> Response:
    """An officer's act with its terms; it takes effect when another officer approves the same terms."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: ActBody = parse(_ACT, await read_body(request, state.settings.body_bytes))
    now = state.clock.now()
    act = str(uuid.uuid4())
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored = await known_round(connection, round_id)
        terms = await _KINDS[body.act].terms_now(connection, stored, body.terms)
        if terms != body.terms:
            raise Problem(
                409,
                "terms-differ",
                f"The terms are not the ones that stand now: {terms}. Look at them and propose those.",
            )
        window = (now, now + timedelta(hours=state.settings.approval_hours))
        await acts.propose(connection, act, round_id, body.act.value, body.terms, body.reason, officer.name, window)
        detail = {"act": act, "kind": body.act.value, "round": round_id, "terms": body.terms, "reason": body.reason}
        events.append(await audit.record(connection, "intake", now, officer.name, "propose-act", detail))
    _log.info("proposed act", act=act, kind=body.act.value, round=round_id, officer=officer.name)
    return JSONResponse({"act": act, "awaits": "approval by another officer"}, 201)


@router.post("/{round_id}/acts/{act}/approval")
async def approve_act(round_id: str, act: str, request: Request) -> Response:
    """The second officer's approval; the act is done with it."""
    state = intake(request)
    officer = await holder(request, OFFICER)
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
        kind = _KINDS[proposed.kind]
        terms = None if proposed.approved_by else await kind.terms_now(connection, stored, proposed.terms)
        refusal = approval_refusal(proposed, officer.name, now, terms)
        if refusal is not None:
            raise Problem(409, refusal.value, _REFUSALS[refusal])
        await acts.approve(connection, act, officer.name, now)
        actors = (Actor(name=proposed.proposed_by, role=OFFICER), Actor(name=officer.name, role=OFFICER))
        programme = stored.window.time_map.programme(now)
        events += await kind.carry_out(Approved(state, connection, stored, proposed, actors, programme))
        detail = {"act": act, "round": round_id, "terms": proposed.terms, "by": [actor.name for actor in actors]}
        events.append(await audit.record(connection, "intake", now, officer.name, proposed.kind.value, detail))
    _log.info("did act", act=act, kind=proposed.kind.value, round=round_id, officer=officer.name)
    return JSONResponse({"act": act, "done": True})


_REFUSALS: Final = {
    ApprovalRefusal.SAME_OFFICER: "An act takes two officers: another one must approve it.",
    ApprovalRefusal.EXPIRED: "The proposal has expired: propose it again.",
    ApprovalRefusal.ALREADY_APPROVED: "This act was approved already.",
    ApprovalRefusal.ROOTS_MOVED: "The roots have moved since the proposal: look at them and propose anew.",
}


async def _confirm_terms(connection: Connection, stored: StoredRound, asked: dict[str, Any]) -> dict[str, Any]:
    proposal = await outcomes.milestone(connection, stored.window.round, "SelectionProposed")
    if proposal is None:
        raise Problem(409, "not-proposed", "Selection has not proposed yet.")
    if stored.window.status is not RoundStatus.FROZEN:
        raise Problem(409, "not-frozen", f"The round is {stored.window.status}: there is nothing to confirm.")
    return {key: proposal[key] for key in ("epoch", "commitment_root", "selection_root")}


async def _confirm(approved: Approved) -> list[Outgoing]:
    await rounds.confirm(approved.connection, approved.act.round)
    confirmed = SelectionConfirmed(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        confirmed_at=approved.now,
        **approved.act.terms,
    )
    return [round_event(confirmed, "confirmed", confirmed.epoch, approved.now)]


async def _source_terms(connection: Connection, stored: StoredRound, asked: dict[str, Any]) -> dict[str, Any]:
    if await outcomes.milestone(connection, stored.window.round, "InputsCommitted") is None:
        raise Problem(409, "not-committed", "A source's value counts only after the commitment.")
    if asked.get("source") not in {source["source"] for source in stored.sources}:
        raise Problem(422, "unknown-source", "The round's announcement names no such source.")
    return {"source": asked["source"], "value": str(asked.get("value", ""))}


async def _record_source(approved: Approved) -> list[Outgoing]:
    stored, terms = approved.stored, approved.act.terms
    body = await outcomes.milestone(approved.connection, approved.act.round, "InputsCommitted")
    committed = InputsCommitted.model_validate(body)
    source = next(item for item in stored.sources if item["source"] == terms["source"])
    due = due_at(committed.committed_at, stored.lead_seconds, source["period_seconds"])
    if approved.now < due:
        raise Problem(409, "not-due", f"The value that decides is due at {due.isoformat()}: no earlier one counts.")
    value = SourceValue(source["source"], terms["value"], due)
    recorded = await record_source(
        approved.connection, committed, value, approved.now, approved.actors, approved.act.reason
    )
    if not recorded:
        raise Problem(409, "seed-known", "The round has its value already: one seed per round, for ever.")
    return recorded


async def _extend_terms(connection: Connection, stored: StoredRound, asked: dict[str, Any]) -> dict[str, Any]:
    """`closes_at` later than it is, of a round that is not frozen: afterwards an extension would change a fixed set."""
    if stored.window.frozen:
        raise Problem(409, "frozen", "The round is frozen: its set is fixed, and an extension comes too late.")
    closes_at: datetime = parse(_MOMENT, f'"{asked.get("closes_at", "")}"'.encode())
    if closes_at <= stored.window.closes_at:
        raise Problem(
            409, "not-later", f"The round closes at {stored.window.closes_at.isoformat()}: give a later moment."
        )
    return {"closes_at": asked["closes_at"]}


async def _extend(approved: Approved) -> list[Outgoing]:
    """Moves the close for everybody. Inbox messages held since the old close are taken up; they were never refused."""
    closes_at = _MOMENT.validate_python(approved.act.terms["closes_at"])
    await rounds.extend(approved.connection, approved.act.round, closes_at)
    extended = RoundExtended(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        closes_at=closes_at,
        closed_at_before=approved.stored.window.closes_at,
    )
    held = await requests.take_held(approved.connection, approved.act.round)
    nonces = [token_hex(16) for _ in held]
    answers = await take_messages(approved.connection, held, approved.state.clock.now(), nonces)
    return [round_event(extended, f"extended {closes_at.isoformat()}", 0, approved.now), *answers]


async def _void_terms(connection: Connection, stored: StoredRound, asked: dict[str, Any]) -> dict[str, Any]:
    if stored.window.status in (RoundStatus.VOID, RoundStatus.CONFIRMED):
        raise Problem(409, "ended", f"The round is {stored.window.status} already.")
    return {}


async def _void(approved: Approved) -> list[Outgoing]:
    """Ends the round without a result; what waits in inboxes is answered as late."""
    await rounds.void(approved.connection, approved.act.round)
    voided = RoundVoided(
        round=approved.act.round, actors=approved.actors, reason=approved.act.reason, voided_at=approved.now
    )
    answers = await late_answers(approved.connection, approved.act.round, approved.state.clock.now())
    return [round_event(voided, "voided", 0, approved.now), *answers]


@dataclass(frozen=True, slots=True)
class _Kind:
    terms_now: Callable[[Connection, StoredRound, dict[str, Any]], Awaitable[dict[str, Any]]]
    """The terms as they stand now, which an act must name exactly; a Problem when it can't be done."""
    carry_out: Callable[[Approved], Awaitable[list[Outgoing]]]


_KINDS: Final = {
    ActKind.CONFIRM: _Kind(_confirm_terms, _confirm),
    ActKind.RECORD_SOURCE: _Kind(_source_terms, _record_source),
    ActKind.EXTEND: _Kind(_extend_terms, _extend),
    ActKind.VOID: _Kind(_void_terms, _void),
}

"""Rounds: announced by an officer, read by anyone, moved by the clock and by officers' acts."""

import uuid
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.intake.api.bodies import parse, read_body
from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, Intake, holder, intake
from services.intake.domain.acts import ActKind, ApprovalRefusal, ProposedAct, approval_refusal
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.sources import due_at
from services.intake.storage import acts, outcomes, rounds
from services.intake.storage.rounds import StoredRound
from services.intake.turns import SourceValue, record_source, round_event
from shared.canonical import json_hash
from shared.contracts.events import (
    InputsCommitted,
    Reason,
    Rehearsal,
    RoundAnnounced,
    SelectionConfirmed,
    Source,
)
from shared.contracts.policy import Policy
from shared.contracts.values import Actor, Contract, Count, Line, RoundId, UtcTime
from shared.http import Problem
from shared.kafka.cloudevents import Outgoing
from shared.postgres import Connection, connected

router = APIRouter(prefix="/rounds", tags=["rounds"])


class RoundTerms(Contract):
    """What is fixed at the announcement, beside the policy."""

    round: RoundId
    title: Line
    opens_at: UtcTime
    closes_at: UtcTime
    lead_seconds: Count
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    rehearsal: Rehearsal | None = None
    unattended: bool = False


class AnnouncementBody(Contract):
    round: RoundTerms
    policy: Policy
    reason: Line


class ActBody(Contract):
    act: ActKind
    terms: dict[str, Any]
    reason: Line


_ANNOUNCEMENT = TypeAdapter(AnnouncementBody)
_ACT = TypeAdapter(ActBody)
_POLICY = TypeAdapter(Policy)
_ACTS = TypeAdapter(list[dict[str, Any]])


@router.post("")
async def announce(request: Request) -> Response:
    """Announces a round with its policy. Neither can be changed afterwards; the same announcement again is no error."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: AnnouncementBody = parse(_ANNOUNCEMENT, await read_body(request, 4 * state.settings.body_bytes))
    terms = body.round
    if terms.opens_at >= terms.closes_at:
        reason = Reason(
            pointer="/round/closes_at", code="order", detail="it is not after opens_at", fix="give a later close"
        )
        raise Problem(422, "invalid-fields", "The window is empty.", (reason,))
    policy = _POLICY.dump_python(body.policy, mode="json", exclude_none=True)
    policy_hash = json_hash(policy)
    sources = [source.model_dump(mode="json") for source in terms.sources]
    rehearsal = terms.rehearsal.model_dump(mode="json") if terms.rehearsal else None
    announced = RoundAnnounced(
        actors=(Actor(name=officer.name, role=officer.role),),
        reason=body.reason,
        policy=body.policy.policy,
        policy_hash=policy_hash,
        **terms.model_dump(),
    )
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        window = (terms.opens_at, terms.closes_at)
        new = await rounds.announce(
            connection, terms.round, terms.title, window, policy, policy_hash, terms.lead_seconds, sources, rehearsal,
            terms.unattended,
        )  # fmt: skip
        if new:
            events.append(round_event(announced, "announced", 0, now))
        else:
            stored = await rounds.load(connection, terms.round)
    if new:
        return JSONResponse({"round": terms.round, "policy_hash": policy_hash}, 201)
    same = stored is not None and (stored.policy_hash, stored.window.opens_at) == (policy_hash, terms.opens_at)
    if not same:
        raise Problem(409, "round-exists", f"Round {terms.round} was announced with other terms: choose another id.")
    return JSONResponse({"round": terms.round, "policy_hash": policy_hash})


@router.get("")
async def list_rounds(request: Request) -> Response:
    async with connected(intake(request).runtime.pool) as connection:
        stored = await rounds.load_all(connection)
    return JSONResponse([_summary(intake(request), item) for item in stored])


@router.get("/{round_id}")
async def show_round(round_id: str, request: Request) -> Response:
    """Window, state, policy and the milestones so far."""
    state = intake(request)
    async with connected(state.runtime.pool) as connection:
        stored = await _known(connection, round_id)
        milestones = await outcomes.milestones(connection, round_id)
    return JSONResponse({**_summary(state, stored), "policy": stored.policy, "milestones": milestones})


@router.get("/{round_id}/manifest")
async def manifest(round_id: str, request: Request) -> Response:
    """The frozen sets' digests; 409 before the freeze."""
    async with connected(intake(request).runtime.pool) as connection:
        stored = await _known(connection, round_id)
    if not stored.window.frozen:
        raise Problem(409, "not-frozen", "The round is not frozen yet; see closes_at at GET /rounds/{round}.")
    return JSONResponse({"epoch": stored.epoch, "applications": stored.applications, "requests": stored.requests})


@router.get("/{round_id}/results")
async def results(round_id: str, request: Request) -> Response:
    """Every published result, in draw order; entries without a name, which only selected products carry."""
    async with connected(intake(request).runtime.pool) as connection:
        await _known(connection, round_id)
        rows = await outcomes.results(connection, round_id)
    public = [{key: value for key, value in row.items() if key != "party"} for row in rows]
    return JSONResponse({"round": round_id, "results": public})


@router.get("/{round_id}/acts")
async def list_acts(round_id: str, request: Request) -> Response:
    await holder(request, OFFICER, AUDITOR, OPERATOR)
    async with connected(intake(request).runtime.pool) as connection:
        rows = await acts.acts(connection, round_id)
    return JSONResponse(
        [{key: str(value) if value is not None else None for key, value in row.items()} for row in rows]
    )


@router.post("/{round_id}/acts")
async def propose_act(round_id: str, request: Request) -> Response:
    """An officer's act with its terms; it takes effect when another officer approves the same terms."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: ActBody = parse(_ACT, await read_body(request, state.settings.body_bytes))
    now = state.clock.now()
    act = str(uuid.uuid4())
    async with connected(state.runtime.pool) as connection, connection.transaction():
        stored = await _known(connection, round_id)
        terms = await _terms_now(connection, stored, body)
        if terms != body.terms:
            raise Problem(
                409,
                "terms-differ",
                f"The terms are not the ones that stand now: {terms}. Look at them and propose those.",
            )
        window = (now, now + timedelta(hours=state.settings.approval_hours))
        await acts.propose(connection, act, round_id, body.act.value, body.terms, body.reason, officer.name, window)
    return JSONResponse({"act": act, "awaits": "approval by another officer"}, 201)


@router.post("/{round_id}/acts/{act}/approval")
async def approve_act(round_id: str, act: str, request: Request) -> Response:
    """The second officer's approval; the act is done with it."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored = await _known(connection, round_id)
        row = await acts.lock(connection, act, round_id)
        if row is None:
            raise Problem(404, "unknown-act", "No act of this id in this round.")
        proposed = ProposedAct(
            act, round_id, ActKind(row["kind"]), row["terms"], row["reason"], row["proposed_by"], row["expires_at"],
            row["approved_by"],
        )  # fmt: skip
        body = ActBody(act=proposed.kind, terms=proposed.terms, reason=proposed.reason)
        refusal = approval_refusal(proposed, officer.name, now, await _terms_now(connection, stored, body))
        if refusal is not None:
            raise Problem(409, refusal.value, _REFUSALS[refusal])
        await acts.approve(connection, act, officer.name, now)
        match proposed.kind:
            case ActKind.CONFIRM:
                events.append(await _confirm(state, connection, stored, proposed, officer.name))
            case ActKind.RECORD_SOURCE:
                events += await _record_source(state, connection, stored, proposed, officer.name)
    return JSONResponse({"act": act, "done": True})


_REFUSALS = {
    ApprovalRefusal.SAME_OFFICER: "An act takes two officers: another one must approve it.",
    ApprovalRefusal.EXPIRED: "The proposal has expired: propose it again.",
    ApprovalRefusal.ALREADY_APPROVED: "This act was approved already.",
    ApprovalRefusal.ROOTS_MOVED: "The roots have moved since the proposal: look at them and propose anew.",
}


async def _known(connection: Connection, round_id: str) -> StoredRound:
    stored = await rounds.load(connection, round_id)
    if stored is None:
        raise Problem(404, "unknown-round", f"No round {round_id}: see GET /rounds.")
    return stored


async def _terms_now(connection: Connection, stored: StoredRound, body: ActBody) -> dict[str, Any]:
    """The terms as they stand now: what an act must name exactly."""
    match body.act:
        case ActKind.CONFIRM:
            proposal = await outcomes.milestone(connection, stored.window.round, "SelectionProposed")
            if proposal is None:
                raise Problem(409, "not-proposed", "Selection has not proposed yet.")
            if stored.window.status is not RoundStatus.FROZEN:
                raise Problem(409, "not-frozen", f"The round is {stored.window.status}: there is nothing to confirm.")
            return {key: proposal[key] for key in ("epoch", "commitment_root", "selection_root")}
        case ActKind.RECORD_SOURCE:
            if await outcomes.milestone(connection, stored.window.round, "InputsCommitted") is None:
                raise Problem(409, "not-committed", "A source's value counts only after the commitment.")
            if body.terms.get("source") not in {source["source"] for source in stored.sources}:
                raise Problem(422, "unknown-source", "The round's announcement names no such source.")
            return {"source": body.terms["source"], "value": str(body.terms.get("value", ""))}


async def _confirm(
    state: Intake, connection: Connection, stored: StoredRound, act: ProposedAct, officer: str
) -> Outgoing:
    if not await rounds.confirm(connection, act.round):
        raise Problem(409, "not-frozen", "Only a frozen round that is not confirmed yet can be confirmed.")
    now = stored.window.time_map.programme(state.clock.now())
    confirmed = SelectionConfirmed(
        round=act.round,
        actors=(Actor(name=act.proposed_by, role=OFFICER), Actor(name=officer, role=OFFICER)),
        reason=act.reason,
        confirmed_at=now,
        **act.terms,
    )
    return round_event(confirmed, "confirmed", confirmed.epoch, now)


async def _record_source(
    state: Intake, connection: Connection, stored: StoredRound, act: ProposedAct, officer: str
) -> list[Outgoing]:
    body = await outcomes.milestone(connection, act.round, "InputsCommitted")
    committed = InputsCommitted.model_validate(body)
    source = next(item for item in stored.sources if item["source"] == act.terms["source"])
    now = stored.window.time_map.programme(state.clock.now())
    due = due_at(committed.committed_at, stored.lead_seconds, source["period_seconds"])
    if now < due:
        raise Problem(409, "not-due", f"The value that decides is due at {due.isoformat()}: no earlier one counts.")
    actors = [Actor(name=act.proposed_by, role=OFFICER), Actor(name=officer, role=OFFICER)]
    value = SourceValue(source["source"], act.terms["value"], due)
    recorded = await record_source(connection, committed, value, now, actors, act.reason)
    if not recorded:
        raise Problem(409, "seed-known", "The round has its value already: one seed per round, for ever.")
    return recorded


def _summary(state: Intake, stored: StoredRound) -> dict[str, Any]:
    window = stored.window
    return {
        "round": window.round,
        "title": stored.title,
        "status": window.status.value,
        "opens_at": window.opens_at.isoformat(),
        "closes_at": window.closes_at.isoformat(),
        "now": window.time_map.programme(state.clock.now()).isoformat(),
        "policy_hash": stored.policy_hash,
        "lead_seconds": stored.lead_seconds,
        "sources": stored.sources,
        "rehearsal": stored.rehearsal is not None,
        "unattended": stored.unattended,
        "epoch": stored.epoch,
        "applications_root": stored.applications["root"] if stored.applications else None,
        "requests_root": stored.requests["root"] if stored.requests else None,
    }

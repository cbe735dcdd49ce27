"""Rounds: announced by an officer, read by anyone, moved by the clock and by officers' acts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.intake.api.state import OFFICER, Intake, holder, intake
from services.intake.storage import outcomes, putback, rounds
from services.intake.storage.rounds import StoredRound
from services.intake.turns import round_event
from shared import audit
from shared.canonical import json_hash
from shared.contracts.events import (
    Reason,
    Rehearsal,
    RoundAnnounced,
    Source,
)
from shared.contracts.policy import Policy
from shared.contracts.values import Actor, Contract, Count, Line, RoundId, UtcTime
from shared.http import Problem, parse, read_body
from shared.policies.soundness import problems_of
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


_ANNOUNCEMENT = TypeAdapter(AnnouncementBody)
_POLICY = TypeAdapter(Policy)


@router.post("")
async def announce(request: Request) -> Response:
    """Announces a round with its policy. Neither can be changed afterwards; the same announcement again is no error."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: AnnouncementBody = parse(_ANNOUNCEMENT, await read_body(request, state.settings.body_bytes))
    terms = body.round
    if terms.opens_at >= terms.closes_at:
        reason = Reason(
            pointer="/round/closes_at", code="order", detail="it is not after opens_at", fix="give a later close"
        )
        raise Problem(422, "invalid-fields", "The window is empty.", (reason,))
    if problems := problems_of(body.policy):
        reasons = tuple(
            Reason(pointer=f"/policy{each.pointer}", code=each.code, detail=each.detail, fix=each.fix)
            for each in problems
        )
        raise Problem(422, "unsound-policy", "The policy can't be judged or selected by: see each error.", reasons)
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
            detail = {"round": terms.round, "policy_hash": policy_hash, "reason": body.reason}
            events.append(await audit.record(connection, "intake", now, officer.name, "announce", detail))
        else:
            await putback.give_policy(connection, terms.round, policy_hash, policy)
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
        stored = await known_round(connection, round_id)
        milestones = await outcomes.milestones(connection, round_id)
    return JSONResponse({**_summary(state, stored), "policy": stored.policy, "milestones": milestones})


@router.get("/{round_id}/manifest")
async def manifest(
    round_id: str, request: Request, epoch: Annotated[int | None, Query(ge=1, le=1_000_000)] = None
) -> Response:
    """The frozen sets' digests, of the epoch that stands or of an earlier one; 409 before the freeze."""
    async with connected(intake(request).runtime.pool) as connection:
        stored = await known_round(connection, round_id)
        frozen = await rounds.epoch(connection, round_id, epoch or stored.epoch)
    if stored.epoch == 0:
        raise Problem(409, "not-frozen", "The round is not frozen yet; see closes_at at GET /rounds/{round}.")
    if frozen is None:
        raise Problem(404, "unknown-epoch", f"Round {round_id} has epochs 1 to {stored.epoch}.")
    return JSONResponse({"round": round_id, **frozen})


@router.get("/{round_id}/results")
async def results(round_id: str, request: Request) -> Response:
    """Every published result, in draw order; entries without a name, which only selected products carry."""
    async with connected(intake(request).runtime.pool) as connection:
        await known_round(connection, round_id)
        rows = await outcomes.results(connection, round_id)
    public = [{key: value for key, value in row.items() if key != "party"} for row in rows]
    return JSONResponse({"round": round_id, "results": public})


async def known_round(connection: Connection, round_id: str) -> StoredRound:
    stored = await rounds.load(connection, round_id)
    if stored is None:
        raise Problem(404, "unknown-round", f"No round {round_id}: see GET /rounds.")
    return stored


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

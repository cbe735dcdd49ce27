"""Rounds: announced by an officer, read by anyone, moved by the clock and by officers' acts."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake import announcing
from services.intake.api.state import OFFICER, Intake, holder, intake
from services.intake.domain.judging_day import unfit_day
from services.intake.domain.series import cut_at, cut_id
from services.intake.domain.terms import chain_faults, chance_faults, first_cut_faults, rehearsal_faults, window_faults
from services.intake.storage import outcomes, putback_rounds, rounds
from services.intake.storage.rounds import Announcement, StoredRound
from shared.canonical import json_hash
from shared.contracts.events import Reason
from shared.contracts.policy import POLICY, Policy
from shared.contracts.round_file import RoundTerms
from shared.contracts.values import Actor, Contract, Line
from shared.http import body_of, parse, read_body
from shared.kept_answers import kept_answer
from shared.policies.soundness import problems_of
from shared.postgres import Connection, connected
from shared.problems import Problem

router = APIRouter(prefix="/rounds", tags=["rounds"])


class AnnouncementBody(Contract):
    round: RoundTerms
    policy: Policy
    reason: Line


_ANNOUNCEMENT = TypeAdapter(AnnouncementBody)
_NOT_PUBLIC: Final = frozenset({"party", "pack"})


@router.post("", openapi_extra=body_of(AnnouncementBody))
async def announce(request: Request) -> Response:
    """Announces a round with its policy. Neither can be changed afterwards; the same announcement again is no error."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: AnnouncementBody = parse(_ANNOUNCEMENT, await read_body(request, state.settings.body_bytes))
    terms, now = body.round, state.clock.now()
    if faults := tuple(_faults(terms, now)):
        raise Problem(422, "invalid-fields", "A round can't have these terms: see each error.", faults)
    if problems := problems_of(body.policy):
        reasons = tuple(
            Reason(pointer=f"/policy{each.pointer}", code=each.code, detail=each.detail, fix=each.fix)
            for each in problems
        )
        raise Problem(422, "unsound-policy", "The policy can't be judged or selected by: see each error.", reasons)
    announcement = _announcement(terms, POLICY.dump_python(body.policy, mode="json", exclude_none=True))
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        actor = Actor(name=officer.name, role=officer.role)
        if announcement.series is None and await rounds.load(connection, announcement.round) is None:
            _check_judging_day(terms, body.policy)
        announced = await announcing.announce(connection, announcement, (actor,), body.reason, now)
        events += announced
        if not announced:
            await putback_rounds.give_policy(
                connection, announcement.round, announcement.policy_hash, announcement.policy
            )
            stored = await rounds.load(connection, announcement.round)
    answer = {"round": announcement.round, "policy_hash": announcement.policy_hash}
    if announcement.series is not None:
        answer["series"] = announcement.series
    if announced:
        return JSONResponse(answer, 201)
    same = stored is not None and (stored.policy_hash, stored.window.opens_at, stored.series) == (
        announcement.policy_hash,
        announcement.opens_at,
        announcement.series,
    )
    if not same:
        raise Problem(409, "round-exists", f"Round {terms.round} was announced with other terms: choose another id.")
    return JSONResponse(answer)


def _faults(terms: RoundTerms, now: datetime) -> Iterator[Reason]:
    yield from window_faults(terms.opens_at, terms.closes_at)
    yield from chance_faults(terms.lead_seconds, terms.sources)
    yield from chain_faults(terms.sources)
    if terms.rehearsal is not None:
        yield from rehearsal_faults(terms.rehearsal, now)


def _announcement(terms: RoundTerms, policy: dict[str, Any]) -> Announcement:
    """Of a rolling policy the round is the first cut of a series, which has the round's id."""
    rolling = "rolling" in policy
    if rolling:
        _check_first_cut(terms, policy)
    return Announcement(
        round=cut_id(terms.round, 1) if rolling else terms.round,
        title=terms.title,
        opens_at=terms.opens_at,
        closes_at=terms.closes_at,
        policy=policy,
        policy_hash=json_hash(policy),
        lead_seconds=terms.lead_seconds,
        sources=[source.model_dump(mode="json") for source in terms.sources],
        rehearsal=terms.rehearsal.model_dump(mode="json") if terms.rehearsal else None,
        unattended=terms.unattended,
        series=terms.round if rolling else None,
        cut=1 if rolling else None,
    )


def _check_first_cut(terms: RoundTerms, policy: dict[str, Any]) -> None:
    if faults := tuple(first_cut_faults(terms.round, terms.closes_at, date.fromisoformat(policy["as_of"]))):
        raise Problem(422, "invalid-fields", "A rolling intake can't begin so: see each error.", faults)


def _check_judging_day(terms: RoundTerms, policy: Policy) -> None:
    """For a new round: one that stands may be announced again as it was."""
    if reason := unfit_day(policy.as_of, terms.opens_at, terms.closes_at):
        raise Problem(422, "invalid-fields", "The policy is judged by a day that is none of this round.", (reason,))


@router.get("")
async def list_rounds(request: Request) -> Response:
    async with connected(intake(request).runtime.pool) as connection:
        stored = await rounds.load_all(connection)
    return JSONResponse([_summary(intake(request), item) for item in stored])


@router.get("/{round_id}")
async def show_round(round_id: str, request: Request) -> Response:
    """Window, state, policy and the milestones so far. Of a rolling intake its cuts, and which of them is open."""
    state = intake(request)
    async with connected(state.runtime.pool) as connection:
        if cuts := (await rounds.cuts(connection, [round_id])).get(round_id):
            return JSONResponse(_series(state, round_id, cuts))
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
    """Every published result, in draw order; entries without a name, which only selected products carry. Without the
    link to a product's pack, which is its applicant's and its buyers'."""
    pool = intake(request).runtime.pool
    async with connected(pool) as connection:
        await known_round(connection, round_id)
        version = await outcomes.results_version(connection, round_id)

    async def made() -> IO[bytes]:
        async with connected(pool) as connection:
            rows = await outcomes.results(connection, round_id)
        public = [{key: value for key, value in row.items() if key not in _NOT_PUBLIC} for row in rows]
        return await asyncio.to_thread(_file, {"round": round_id, "results": public})

    return await kept_answer(request, (round_id, version), made, "application/json", {})


def _file(content: dict[str, Any]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by who keeps it
    file.write(JSONResponse(content).body)
    return file


async def known_round(connection: Connection, round_id: str) -> StoredRound:
    stored = await rounds.load(connection, round_id)
    if stored is None:
        if cuts := (await rounds.cuts(connection, [round_id])).get(round_id):
            named = f"{cuts[0].window.round} to {cuts[-1].window.round}"
            raise Problem(404, "names-a-series", f"{round_id} is a rolling intake: name one of its cuts, {named}.")
        raise Problem(404, "unknown-round", f"No round {round_id}: see GET /rounds.")
    return stored


def _series(state: Intake, series: str, cuts: Sequence[StoredRound]) -> dict[str, Any]:
    now = state.clock.now()
    taking = cut_at([cut.window for cut in cuts], now)
    is_open = taking is not None and taking.refusal(taking.time_map.programme(now)) is None
    return {
        "series": series,
        "title": cuts[-1].title,
        "open": taking.round if taking and is_open else None,
        "cuts": [_summary(state, cut) for cut in cuts],
    }


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
        "series": stored.series,
        "cut": stored.cut,
        "epoch": stored.epoch,
        "applications_root": stored.applications["root"] if stored.applications else None,
        "requests_root": stored.requests["root"] if stored.requests else None,
    }

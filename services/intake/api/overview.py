"""An institution's rounds, requests and awards at a glance: for itself, and for the office."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, holder_for, intake
from services.intake.storage import institutions, overview, rounds
from services.intake.storage.overview import InRound, Matched, StandingRequest
from services.intake.storage.rounds import StoredRound
from shared.contracts import topics
from shared.programme.purchases import State
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem

router = APIRouter(prefix="/institutions", tags=["institutions"])
_ROUNDS_SHOWN: Final = 50


@router.get("/{code}")
async def show_institution(
    code: str,
    request: Request,
    round_id: Annotated[str | None, Query(alias="round", max_length=40)] = None,
    after: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Its status and topics, and for each round, newest first, the pledge, the requests with their awards and reports,
    and the sums. `next` of a round leads to its further requests."""
    state = intake(request)
    await holder_for(request, code, OFFICER, AUDITOR, OPERATOR)
    if after and round_id is None:
        raise Problem(422, "invalid-fields", "`after` is a request of a round: name the round too.")
    async with (
        connected(state.runtime.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        known = await institutions.institution(connection, code)
        if known is None:
            raise Problem(404, "unknown-institution", f"No institution {code[:40]}: see GET /institutions.")
        in_rounds = await overview.rounds_of(connection, code, round_id, _ROUNDS_SHOWN + 1)
        shown = [
            await _round(connection, code, in_round, after, limit, state.clock.now())
            for in_round in in_rounds[:_ROUNDS_SHOWN]
        ]
    prefix = state.runtime.prefix
    return JSONResponse(
        {
            "institution": code,
            "name": known.name,
            "status": known.status.value,
            "inbox": prefix + topics.inbox(code).name,
            "outbox": prefix + topics.outbox(code).name,
            "rounds": shown,
            "more_rounds": len(in_rounds) > _ROUNDS_SHOWN,
        }
    )


async def _round(
    connection: Connection, code: str, of: InRound, after: str, limit: int, now: datetime
) -> dict[str, Any]:
    stored = await rounds.load(connection, of.round)
    assert stored is not None  # noqa: S101 -- read in the same snapshot
    requests = await overview.requests_of(connection, code, of.round, after, limit + 1)
    awards = await overview.awards_of(connection, code, of.round)
    moment = stored.window.time_map.programme(now)
    return {
        **_sums(stored, of, [award for some in awards.values() for award in some], moment),
        "requests_total": of.requests,
        "requests": [_request(request, awards, moment) for request in requests[:limit]],
        "next": _next(code, of.round, requests[limit - 1], limit) if len(requests) > limit else None,
    }


def _next(code: str, round_id: str, last: StandingRequest, limit: int) -> str:
    return f"/institutions/{code}?{urlencode({'round': round_id, 'after': last.request, 'limit': limit})}"


def _sums(stored: StoredRound, of: InRound, awards: Sequence[Matched], now: datetime) -> dict[str, Any]:
    """Sums of a round in won. The rest of a pledge is what was not matched against it."""
    matched = sum(award.awarded.amount_won for award in awards)
    reports = [award.awarded.report for award in awards if award.awarded.report is not None]
    return {
        "round": of.round,
        "series": stored.series,
        "title": stored.title,
        "status": stored.window.status.value,
        "pledge_won": of.pledge_won,
        "asked_won": of.asked_won,
        "matched_won": matched,
        "contracted_won": sum(report.amount_won or 0 for report in reports),
        "left_won": None if of.pledge_won is None else of.pledge_won - matched,
        "awards": len(awards),
        "overdue": sum(_state(award, now) is State.OVERDUE for award in awards),
    }


def _request(request: StandingRequest, awards: Mapping[str, Sequence[Matched]], now: datetime) -> dict[str, Any]:
    state = "withdrawn" if request.withdrawn else "cancelled" if request.cancelled_at else "standing"
    return {
        "request": request.request,
        "version": request.version,
        "state": state,
        "received_at": request.received_at.isoformat() if request.received_at else None,
        "facts": request.facts,
        "cancelled_for": request.cancelled_for,
        "awards": [_award(matched, now) for matched in awards.get(request.request, ())],
    }


def _award(matched: Matched, now: datetime) -> dict[str, Any]:
    award, report = matched.awarded, matched.awarded.report
    return {
        "application": award.application,
        "product": award.product,
        "quantity": award.quantity,
        "amount_won": award.amount_won,
        "pack": matched.pack,
        "status_ended_at": matched.status_ended_at.isoformat() if matched.status_ended_at else None,
        "state": _state(matched, now).value,
        "due_on": award.due_on.isoformat() if award.due_on else None,
        "contracted_quantity": report.quantity if report else None,
        "contracted_won": report.amount_won if report else None,
        "contracted_on": report.contracted_on.isoformat() if report and report.contracted_on else None,
        "reason": report.reason if report else None,
    }


def _state(matched: Matched, now: datetime) -> State:
    """Awards reported before reports were kept are known only as contracted or not."""
    return State.CONTRACTED if matched.contracted and matched.awarded.report is None else matched.awarded.state(now)

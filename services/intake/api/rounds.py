"""Rounds as anyone may read them."""

import asyncio
import tempfile
from collections.abc import Sequence
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.state import Intake, intake
from services.intake.domain.series import cut_at
from services.intake.storage import epochs, outcomes, policies, rounds
from services.intake.storage.rounds import StoredRound
from shared.programme.regions import REGIONS
from shared.service.kept_answers import kept_answer
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem

router = APIRouter(prefix="/rounds", tags=["rounds"])


_NOT_PUBLIC: Final = frozenset({"party", "pack"})


@router.get("")
async def list_rounds(request: Request) -> Response:
    """Every round, oldest opening first."""
    async with connected(intake(request).runtime.pool) as connection:
        stored = await rounds.load_all(connection)
    return JSONResponse([_summary(intake(request), item) for item in stored])


@router.get("/{round_id}")
async def show_round(round_id: str, request: Request) -> Response:
    """Window, state, policy and the milestones so far. For a rolling intake its cuts, and which one is open."""
    state = intake(request)
    async with connected(state.runtime.pool) as connection:
        if cuts := (await rounds.cuts(connection, [round_id])).get(round_id):
            return JSONResponse(_series(state, round_id, cuts))
        stored = await known_round(connection, round_id)
        milestones = await outcomes.milestones(connection, round_id)
    return JSONResponse({**_summary(state, stored), "policy": stored.policy, "milestones": milestones})


@router.get("/{round_id}/choices")
async def choices(round_id: str, request: Request) -> Response:
    """What applications and requests may name in this round.

    Tracks, kinds of certificate, regions, and purchasable classes by their first digits; any class if none are listed.
    """
    async with connected(intake(request).runtime.pool) as connection:
        stored = await policies.of_round(connection, round_id)
    if stored is None:
        raise Problem(404, "unknown-round", f"No round {round_id}: see GET /rounds.")
    policy = stored.policy
    kinds = ("kind", "name", "authority", "grades", "number_pattern")
    return JSONResponse(
        {
            "round": round_id,
            "tracks": [
                {name: track.get(name, []) for name in ("track", "name", "certificates")} for track in policy["tracks"]
            ],
            "certificates": [{name: kind.get(name, []) for name in kinds} for kind in policy["certificates"]],
            "classes": policy.get("purchasable_classes", []),
            "regions": [{"region": code, "name": {"ko": named.ko, "en": named.en}} for code, named in REGIONS.items()],
        }
    )


@router.get("/{round_id}/manifest")
async def manifest(
    round_id: str, request: Request, epoch: Annotated[int | None, Query(ge=1, le=1_000_000)] = None
) -> Response:
    """The frozen sets' digests, of the current epoch or of an earlier one; 409 before the freeze."""
    async with connected(intake(request).runtime.pool) as connection:
        stored = await known_round(connection, round_id)
        frozen = await epochs.epoch(connection, round_id, epoch or stored.epoch)
    if stored.epoch == 0:
        raise Problem(409, "not-frozen", "The round is not frozen yet; see closes_at at GET /rounds/{round}.")
    if frozen is None:
        raise Problem(404, "unknown-epoch", f"Round {round_id} has epochs 1 to {stored.epoch}.")
    return JSONResponse({"round": round_id, **frozen})


@router.get("/{round_id}/results")
async def results(round_id: str, request: Request) -> Response:
    """Every published result, in draw order. Only selected products carry a name. Without the link to a product's pack,
    which is for its applicant and its buyers."""
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
    """The round. Raises a Problem (404), which names the cuts of a rolling intake."""
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
        "announcement_root": stored.announcement_root,
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

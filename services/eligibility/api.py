"""HTTP in: how far a round is judged."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.eligibility import storage
from services.eligibility.domain.completion import differing, parked
from shared.http import Problem
from shared.postgres import connected
from shared.runtime import Runtime

router = APIRouter(tags=["rounds"])


@router.get("/rounds/{round_id}/completeness")
async def completeness(round_id: str, request: Request) -> Response:
    """The buckets in which verdicts are not yet what was admitted, and the applications that are parked until officers
    deal with them; none of either when the round is judged."""
    runtime: Runtime = request.app.state.runtime
    async with connected(runtime.pool) as connection:
        frozen = await storage.frozen(connection, round_id)
        if frozen is None:
            raise Problem(404, "not-frozen", f"No frozen round {round_id} is known here.")
        current = await storage.current(connection, round_id)
        waiting = await storage.waiting(connection, round_id)
    buckets = differing(current, frozen.applications, frozen.judged_in)
    unjudged = parked(current)
    return JSONResponse(
        {
            "round": round_id,
            "epoch": frozen.epoch,
            "expected": frozen.applications.count,
            "judged": len(current),
            "waiting": waiting,
            "parked": unjudged,
            "void": frozen.void,
            "differing_buckets": buckets,
            "complete": not (buckets or waiting or unjudged),
        }
    )

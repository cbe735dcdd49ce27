"""HTTP in, for operators: deliveries that failed or may have arrived twice, and retries."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from services.notify.storage import followup
from shared.clock import Clock
from shared.contracts.values import RoundId, Uuid
from shared.service import audit
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import Admit
from shared.service.postgres import Pool, connected
from shared.service.problems import Problem

Limit = Annotated[int, Query(ge=1, le=1000)]
Round = Annotated[RoundId | None, Query(alias="round")]


def failures_router(pool: Callable[[], Pool], outbox: OutboxPublisher, clock: Clock, operator: Admit) -> APIRouter:
    """Routes for failed and doubtful deliveries."""
    router = APIRouter(tags=["deliveries"])

    @router.get("/deliveries/failed")
    async def list_failed(
        request: Request, round_id: Round = None, after: Uuid | None = None, limit: Limit = 100
    ) -> Response:
        """Given up for good, newest first; the next page is `after` the last delivery of this one."""
        await operator(request)
        async with connected(pool()) as connection:
            return _rows(await followup.failed(connection, round_id, after, limit))

    @router.get("/deliveries/doubtful")
    async def list_doubtful(
        request: Request, round_id: Round = None, after: Uuid | None = None, limit: Limit = 100
    ) -> Response:
        """Those that may have arrived twice, under one id, newest first; the next page is `after` the last of this."""
        await operator(request)
        async with connected(pool()) as connection:
            return _rows(await followup.doubtful(connection, round_id, after, limit))

    @router.post("/deliveries/{delivery}/retry")
    async def retry(delivery: Uuid, request: Request) -> Response:
        """Tries a failed one again, for the whole horizon; a digest with all it says."""
        holder, now = await operator(request), clock.now()
        async with outbox.transaction(pool()) as (connection, events):
            tried = await followup.again(connection, delivery)
            stored = await followup.delivery(connection, delivery)
            if stored is None:
                raise Problem(404, "unknown-delivery", "There is no such delivery: see GET /deliveries/failed.")
            if not tried:
                raise Problem(
                    409,
                    "not-failed",
                    f"It is {stored['state']}: only what has failed is tried again, if what it says is kept."
                    if stored["digest"] is None
                    else f"It was said by the digest {stored['digest']}: that is tried again.",
                )
            detail = {"delivery": delivery}
            events.append(await audit.record(connection, "notify", now, holder.name, "retry", detail))
        return JSONResponse(jsonable_encoder(stored))

    return router


def _rows(rows: list[dict[str, Any]]) -> Response:
    return JSONResponse(jsonable_encoder(rows))

"""HTTP in, for operators: what could not be delivered, addresses that no mail goes to."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.notify.storage import followup, suppressions
from shared.clock import Clock
from shared.contracts.values import Contract, Line, RoundId, Uuid
from shared.programme.mail_addresses import WrittenEmail
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import Admit
from shared.service.postgres import Pool, connected
from shared.service.problems import Problem

BODY_BYTES: Final = 16_384
Limit = Annotated[int, Query(ge=1, le=1000)]
Round = Annotated[RoundId | None, Query(alias="round")]


class SuppressionBody(Contract):
    email: WrittenEmail
    reason: Line = Field("by the office", description="Why no mail goes there.")


class ReleaseBody(Contract):
    email: WrittenEmail


_SUPPRESSION, _RELEASE = TypeAdapter(SuppressionBody), TypeAdapter(ReleaseBody)


def operating_router(pool: Callable[[], Pool], outbox: OutboxPublisher, clock: Clock, operator: Admit) -> APIRouter:
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
            stored = await followup.one(connection, delivery)
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

    @router.get("/suppressions")
    async def list_suppressions(request: Request, limit: Limit = 100) -> Response:
        """Newest first. `address` is a keyed hash of it; `party` whose contact it is now, where it is one's."""
        await operator(request)
        async with connected(pool()) as connection:
            rows = await suppressions.suppressed(connection, limit)
        names = ("address", "reason", "delivery", "suppressed_at", "party")
        return _rows([dict(zip(names, row, strict=True)) for row in rows])

    @router.post("/suppressions", openapi_extra=body_of(SuppressionBody))
    async def suppress(request: Request) -> Response:
        holder, now = await operator(request), clock.now()
        body: SuppressionBody = parse(_SUPPRESSION, await read_body(request, BODY_BYTES))
        async with outbox.transaction(pool()) as (connection, events):
            added = await suppressions.suppress(connection, body.email, body.reason)
            if added:
                sealed = {"address": await suppressions.hashed(connection, body.email), "reason": body.reason}
                events.append(await audit.record(connection, "notify", now, holder.name, "suppress", {}, sealed))
        return JSONResponse({"suppressed": added})

    @router.post("/suppressions/release", openapi_extra=body_of(ReleaseBody))
    async def release(request: Request) -> Response:
        """Mail goes there again; what failed meanwhile is tried again one by one (`/deliveries/{id}/retry`)."""
        holder, now = await operator(request), clock.now()
        body: ReleaseBody = parse(_RELEASE, await read_body(request, BODY_BYTES))
        async with outbox.transaction(pool()) as (connection, events):
            released = await suppressions.release(connection, body.email)
            if released:
                sealed = {"address": await suppressions.hashed(connection, body.email)}
                events.append(await audit.record(connection, "notify", now, holder.name, "release", {}, sealed))
        return JSONResponse({"released": released})

    return router


def _rows(rows: list[dict[str, Any]]) -> Response:
    return JSONResponse(jsonable_encoder(rows))

"""HTTP in, for operators: addresses that no mail goes to."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.notify.storage import suppressions
from shared.clock import Clock
from shared.contracts.values import Contract, Line
from shared.programme.mail_addresses import WrittenEmail
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.outbox import OutboxPublisher
from shared.service.parked_api import Admit
from shared.service.postgres import Pool, connected

BODY_BYTES: Final = 16_384
Limit = Annotated[int, Query(ge=1, le=1000)]


class SuppressionBody(Contract):
    email: WrittenEmail
    reason: Line = Field("by the office", description="Why no mail goes there.")


class ReleaseBody(Contract):
    email: WrittenEmail


_SUPPRESSION, _RELEASE = TypeAdapter(SuppressionBody), TypeAdapter(ReleaseBody)


def suppressions_router(pool: Callable[[], Pool], outbox: OutboxPublisher, clock: Clock, operator: Admit) -> APIRouter:
    """Routes for suppressed addresses."""
    router = APIRouter(tags=["deliveries"])

    @router.get("/suppressions")
    async def list_suppressions(request: Request, limit: Limit = 100) -> Response:
        """Newest first. `address` is a keyed hash of it; `party` whose contact it is now, where it is one's."""
        await operator(request)
        async with connected(pool()) as connection:
            rows = await suppressions.suppressed(connection, limit)
        names = ("address", "reason", "delivery", "suppressed_at", "party")
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        return JSONResponse(jsonable_encoder(listed))

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

"""`GET /audit`: a service's audit log, to read and check. Its sealed parts are for staff."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from shared.contracts.values import I_JSON_MAX
from shared.service import audit, audit_heads
from shared.service.postgres import Pool, connected


def audit_router(
    service: str, pool: Callable[[], Pool], admit: Callable[[Request], Awaitable[object]], *, public: bool
) -> APIRouter:
    """`admit` raises for those who may not see sealed parts; a `public` log's other parts need no token."""
    router = APIRouter(tags=["audit"])

    @router.get("/audit")
    async def read_log(
        request: Request,
        after: Annotated[int, Query(ge=0, le=I_JSON_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    ) -> Response:
        """Rows in order, `after` a sequence number. `firstbuy audit verify` checks the chain."""
        opened = not public or "authorization" in request.headers
        if opened:
            await admit(request)
        async with connected(pool()) as connection:
            rows = await audit.rows(connection, after, limit)
        return JSONResponse({"service": service, "rows": [row.as_json(opened=opened) for row in rows]})

    @router.get("/audit/heads")
    async def read_heads() -> Response:
        """Every signed head of this log, oldest first, a JSON object a line, for whoever keeps them: `firstbuy audit
        verify --heads` holds the log against them. They are public: they tell nothing of what the rows say."""
        async with connected(pool()) as connection:
            heads = await audit_heads.signed(connection, service)
        lines = "".join(f"{head.model_dump_json()}\n" for head in heads)
        return Response(lines, media_type="application/x-ndjson")

    return router

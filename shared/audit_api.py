"""`GET /audit`: a service's audit log, to read and check. Who may read it is the service's to say."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from shared import audit
from shared.contracts.values import I_JSON_MAX
from shared.postgres import Pool, connected


def audit_router(
    service: str, pool: Callable[[], Pool], admit: Callable[[Request], Awaitable[object]] | None = None
) -> APIRouter:
    """`admit` raises for who may not read. Without it the log is public: it then holds no names, only decisions."""
    router = APIRouter(tags=["audit"])

    @router.get("/audit")
    async def read_log(
        request: Request,
        after: Annotated[int, Query(ge=0, le=I_JSON_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    ) -> Response:
        """Rows in order, `after` a sequence number. `firstbuy audit verify` checks the chain."""
        if admit is not None:
            await admit(request)
        async with connected(pool()) as connection:
            rows = await audit.rows(connection, after, limit)
        return JSONResponse({"service": service, "rows": [row.as_json() for row in rows]})

    return router

"""What became of awards, as JSON or as a table for spreadsheets."""

import csv
import io
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.selection.domain.purchases import Awarded
from services.selection.storage import purchases
from shared.clock import Clock
from shared.postgres import connected
from shared.runtime import Runtime

router = APIRouter(prefix="/rounds", tags=["purchases"])
COLUMNS: Final = (
    "institution",
    "request",
    "application",
    "product",
    "awarded_quantity",
    "awarded_won",
    "state",
    "due_on",
    "contracted_quantity",
    "contracted_won",
    "contracted_on",
    "reason",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@router.get("/{round_id}/purchases")
async def show(round_id: str, request: Request) -> Response:
    """Every award of the confirmed result and what was reported of it; CSV where `Accept: text/csv` asks for it."""
    runtime: Runtime = request.app.state.runtime
    clock: Clock = request.app.state.clock
    async with connected(runtime.pool) as connection:
        awards = await purchases.of_round(connection, round_id)
        now = (await purchases.clock_of(connection, round_id)).programme(clock.now())
    rows = [_row(award, now) for award in awards]
    if "text/csv" in request.headers.get("accept", ""):
        return Response(_csv(rows), media_type="text/csv", headers=_named(round_id))
    return JSONResponse({"round": round_id, "purchases": rows})


def _row(award: Awarded, now: datetime) -> dict[str, Any]:
    report = award.report
    values = (
        award.institution,
        award.request,
        award.application,
        award.product,
        award.quantity,
        award.amount_won,
        award.state(now).value,
        award.due_on.isoformat() if award.due_on else None,
        report.quantity if report else None,
        report.amount_won if report else None,
        report.contracted_on.isoformat() if report and report.contracted_on else None,
        report.reason if report else None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _csv(rows: list[dict[str, Any]]) -> str:
    """With a byte order mark, by which spreadsheets know UTF-8; no cell that one would take for a formula."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for row in rows:
        table.writerow([f"'{value}" if str(value).startswith(_FORMULA) else value for value in row.values()])
    return "\ufeff" + written.getvalue()


def _named(round_id: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{round_id}-purchases.csv"'}

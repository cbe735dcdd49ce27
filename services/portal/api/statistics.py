"""A round in numbers, as charts with their tables; and open data, passed on as the services have it."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from services.portal.api.answers import HEADERS, SHARED, language_of, public_page
from services.portal.api.public import public_of, said_of, spreadsheet_cell
from services.portal.api.verifying import passed_on
from services.portal.domain.statistics import charts_of
from services.portal.domain.texts import TEXTS
from services.portal.usecases.public import round_path
from shared.service.http import download

router = APIRouter(include_in_schema=False)


@router.get("/rounds/{round_id}/statistics")
async def show(round_id: str, request: Request) -> Response:
    """Charts, each with the table that says the same."""
    texts = TEXTS[language_of(request)]
    found = await public_of(request).round(round_id)
    shown = await public_of(request).numbers(round_id)
    said = said_of(shown, texts)

    def values() -> Mapping[str, Any]:
        return {"round": found.value, "charts": charts_of(shown.value, texts), **said}

    return public_page(request, "statistics.html", (found.version, shown.version, *said.values()), values)


@router.get("/rounds/{round_id}/statistics.csv")
async def table(round_id: str, request: Request) -> Response:
    """The rows of every chart, for a spreadsheet."""
    texts = TEXTS[language_of(request)]
    charts = charts_of((await public_of(request).numbers(round_id)).value, texts)
    written = io.StringIO()
    rows = csv.writer(written)
    for chart in charts:
        rows.writerow([chart.title, *chart.names])
        rows.writerows([spreadsheet_cell(row.label), *(bar.shown for bar in row.bars)] for row in chart.rows)
    headers = HEADERS | {"Cache-Control": SHARED, "Content-Disposition": download(f"{round_id}-statistics.csv")}
    return Response("\ufeff" + written.getvalue(), headers=headers, media_type="text/csv")


@router.get("/rounds/{round_id}/pledges.csv")
async def pledges(round_id: str, request: Request) -> Response:
    """Pledges and what became of them: selection's own table."""
    return await passed_on(request, path=round_path(round_id, f"/pledges?format=csv&language={language_of(request)}"))


@router.get("/rounds/{round_id}/purchases.csv")
async def purchases(round_id: str, request: Request) -> Response:
    """Every award and what was reported of it: selection's own table."""
    return await passed_on(request, path=round_path(round_id, f"/purchases?format=csv&language={language_of(request)}"))


@router.get("/rounds/{round_id}/ocds.json")
async def open_data(round_id: str, request: Request) -> Response:
    """The round as open contracting data (OCDS)."""
    return await passed_on(request, path=round_path(round_id, "/ocds"))

"""HTTP in: money awarded and contracted against each pledge, and the state of every award."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.selection.api.tables import Column, Format, Kind, Row, Table, at_once, check_fits, sent, wanted
from services.selection.storage import institutions, purchases, results
from shared.clock import Clock
from shared.contracts.events import Language
from shared.programme.purchases import Awarded, State
from shared.service.postgres import Connection, connected
from shared.service.runtime import Runtime

router = APIRouter(prefix="/rounds", tags=["purchases"])
PURCHASES: Final = (
    Column("institution", "기관 코드", "Institution"),
    Column("institution_name", "구매 기관", "Name", width=24),
    Column("request", "구매 요청 번호", "Purchase request", width=30),
    Column("application", "신청 번호", "Application", width=38),
    Column("product", "제품명", "Product", width=34),
    Column("awarded_quantity", "배정 수량", "Units awarded", Kind.NUMBER, 12),
    Column("awarded_won", "배정 금액(원)", "Awarded (won)", Kind.WON, 18),
    Column("state", "상태", "State"),
    Column("due_on", "보고 기한", "Due on", Kind.DAY, 12),
    Column("contracted_quantity", "계약 수량", "Units contracted", Kind.NUMBER, 12),
    Column("contracted_won", "계약 금액(원)", "Contracted (won)", Kind.WON, 18),
    Column("contracted_on", "계약일", "Contracted on", Kind.DAY, 12),
    Column("reason", "미구매 사유", "Reason", width=40),
)
PLEDGES: Final = (
    Column("institution", "기관 코드", "Institution"),
    Column("institution_name", "구매 기관", "Name", width=24),
    Column("pledge_won", "구매 약정 금액(원)", "Pledged (won)", Kind.WON, 20),
    Column("awarded_won", "배정 금액(원)", "Awarded (won)", Kind.WON, 20),
    Column("awards", "배정 건수", "Awards", Kind.NUMBER, 10),
    Column("contracted_won", "계약 금액(원)", "Contracted (won)", Kind.WON, 20),
    Column("left_won", "약정 잔액(원)", "Left of the pledge (won)", Kind.WON, 20),
    Column("overdue", "보고 기한 경과 건수", "Overdue awards", Kind.NUMBER, 12),
    Column("overdue_won", "보고 기한 경과 금액(원)", "Overdue (won)", Kind.WON, 20),
)
AskedFor = Annotated[Format | None, Query(alias="format")]


@router.get("/{round_id}/purchases")
async def show(
    round_id: str, request: Request, asked_for: AskedFor = None, language: Language | None = None
) -> Response:
    """Every award of the confirmed result and what was reported of it, as JSON, CSV or XLSX."""
    async with connected(_runtime(request).pool) as connection:
        awards = await purchases.of_round(connection, round_id)
        now = await _now(request, connection, round_id)
        names = await institutions.names(connection, (award.institution for award in awards))
    table = Table("purchases", PURCHASES, {"round": round_id})
    rows = [_purchase(award, names, now) for award in awards]
    return await _answer(request, table, rows, asked_for, language, round_id)


@router.get("/{round_id}/pledges")
async def pledges(
    round_id: str, request: Request, asked_for: AskedFor = None, language: Language | None = None
) -> Response:
    """What each institution pledged, what is awarded against it by the newest confirmed result, contracted, left, and
    overdue: awarded, and nothing reported in time. As JSON, CSV or XLSX."""
    async with connected(_runtime(request).pool) as connection:
        pledged = await results.spent(connection, round_id)
        awards = await purchases.of_round(connection, round_id)
        now = await _now(request, connection, round_id)
        names = await institutions.names(connection, (row["institution"] for row in pledged))
    count, amount, contracted = Counter[str](), Counter[str](), Counter[str]()
    for award in awards:
        if award.state(now) is State.OVERDUE:
            count[award.institution] += 1
            amount[award.institution] += award.amount_won
        if award.report is not None:
            contracted[award.institution] += award.report.amount_won or 0
    rows: list[Row] = [
        (
            row["institution"],
            names.get(row["institution"]),
            row["pledge_won"],
            row["awarded_won"],
            row["awards"],
            contracted[row["institution"]],
            row["pledge_won"] - row["awarded_won"],
            count[row["institution"]],
            amount[row["institution"]],
        )
        for row in pledged
    ]
    return await _answer(request, Table("pledges", PLEDGES, {}), rows, asked_for, language, round_id)


def _purchase(award: Awarded, names: Mapping[str, str], now: datetime) -> Row:
    report = award.report
    return (
        award.institution,
        names.get(award.institution),
        award.request,
        award.application,
        award.product,
        award.quantity,
        award.amount_won,
        award.state(now).value,
        award.due_on,
        report.quantity if report else None,
        report.amount_won if report else None,
        report.contracted_on if report else None,
        report.reason if report else None,
    )


async def _answer(
    request: Request,
    table: Table,
    rows: Sequence[Row],
    asked_for: Format | None,
    language: Language | None,
    round_id: str,
) -> Response:
    kind = wanted(request, asked_for)
    if kind is Format.JSON:
        named = [table.named(row) for row in rows]
        return JSONResponse({**table.head, table.name: named} if table.head else named, headers={"Vary": "Accept"})
    check_fits(kind, len(rows))
    return await sent(table, at_once(rows), kind, language, round_id)


async def _now(request: Request, connection: Connection, round_id: str) -> datetime:
    """The time by the round's own clock."""
    clock: Clock = request.app.state.clock
    return (await purchases.clock_of(connection, round_id)).programme(clock.now())


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime

"""HTTP in: the lines of a confirmed result as a table, as far as they are public."""

from collections.abc import Sequence
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from services.selection.api.tables import (
    MEDIA_TYPES,
    Column,
    Format,
    Kind,
    Row,
    Rows,
    Table,
    check_fits,
    headers_of,
    wanted,
    written,
)
from services.selection.storage import evidence, published, rounds, versions
from services.selection.storage.published import Firms, PublishedLine
from shared.contracts.events import Language
from shared.service.kept_answers import kept_answer, slot
from shared.service.postgres import Pool, connected
from shared.service.problems import Problem
from shared.service.runtime import Runtime

router = APIRouter(prefix="/rounds", tags=["results"])
COLUMNS: Final = (
    Column("position", "순위", "Position", Kind.NUMBER, 8),
    Column("result", "결과", "Result"),
    Column("reason", "미선정 사유", "Reason"),
    Column("reserve_position", "예비 순위", "Place in the reserve", Kind.NUMBER, 10),
    Column("batch", "재배정 차수", "Batch", Kind.NUMBER, 8),
    Column("application", "신청 번호", "Application", width=38),
    Column("product", "제품명", "Product", width=34),
    Column("applicant", "기업명", "Firm", width=28),
    Column("outcome", "판정", "Outcome"),
    Column("tickets", "추첨권", "Tickets", Kind.NUMBER, 8),
    Column("score", "점수", "Score", Kind.NUMBER, 8),
    Column("draw_key", "추첨 키", "Draw key", width=68),
    Column("awarded_quantity", "배정 수량", "Units awarded", Kind.NUMBER, 12),
    Column("awarded_won", "배정 금액(원)", "Awarded (won)", Kind.WON, 18),
    Column("institutions", "구매 기관", "Institutions", width=24),
    Column("requests", "구매 요청 번호", "Purchase requests", width=34),
)


@router.get("/{round_id}/results")
async def show(
    round_id: str,
    request: Request,
    epoch: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    asked_for: Annotated[Format | None, Query(alias="format")] = None,
    language: Language | None = None,
) -> Response:
    """Every application of the newest confirmed result, or of an epoch's, as JSON, CSV or XLSX: with names of the
    selected alone. Leaves of the selection root stand in this order; what a batch of releases moved since is as that
    left it. JSON says a firm's chance too, by how many entries it had."""
    runtime: Runtime = request.app.state.runtime
    kind = wanted(request, asked_for)
    async with connected(runtime.pool) as connection:
        known = await rounds.known(connection, round_id)
        proposed = await evidence.proposed_epochs(connection, round_id)
        confirmed = [number for number, is_confirmed in proposed.items() if is_confirmed]
        if known is None:
            raise Problem(404, "not-frozen", f"No frozen round {round_id} is known here.")
        if not confirmed:
            raise Problem(409, "not-published", "There is no confirmed result yet.")
        number = epoch or max(confirmed)
        if number not in confirmed:
            listed = ", ".join(map(str, confirmed))
            raise Problem(404, "unknown-epoch", f"Epochs of round {round_id} with a confirmed result: {listed}.")
        check_fits(kind, await published.size(connection, round_id, number))
        root = await published.selection_root(connection, round_id, number)
        version = await versions.of_result(connection, round_id)
        firms = _firms(await published.firms(connection, round_id, number)) if kind is Format.JSON else []
    head = {"round": round_id, "epoch": number, "selection_root": root, "firms": firms}
    table = Table("results", COLUMNS, head)
    language = None if kind is Format.JSON else language

    async def made() -> IO[bytes]:
        async with slot(request.app.state.writing):
            return await written(table, _rows(runtime.pool, round_id, number), kind, language)

    key = ("results", round_id, number, kind.value, language and language.value, version)
    headers = headers_of(table, kind, f"{round_id}-epoch-{number}")
    return await kept_answer(request, key, made, MEDIA_TYPES[kind], headers, packed=kind is not Format.XLSX)


def _firms(groups: Sequence[Firms]) -> list[dict[str, Any]]:
    """Firms by number of entries: chance and outcome of a firm with all its entries. `first_place` is exact."""
    of_tickets = sum(group.tickets for group in groups)
    return [
        {
            "entries": group.entries,
            "firms": group.firms,
            "tickets": group.tickets / group.firms,
            "first_place": group.tickets / group.firms / of_tickets if of_tickets else None,
            "was_selected": group.selected / group.firms,
        }
        for group in groups
    ]


async def _rows(pool: Pool, round_id: str, epoch: int) -> Rows:
    async with connected(pool) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        async for lines in published.lines(connection, round_id, epoch):
            yield [_row(line) for line in lines]


def _row(line: PublishedLine) -> Row:
    awards = line.awards
    return (
        line.position,
        line.result,
        line.reason,
        line.reserve_position,
        line.batch,
        line.application,
        line.product,
        line.applicant,
        line.outcome,
        line.tickets,
        line.score,
        line.key,
        sum(award["quantity"] for award in awards) if awards else None,
        sum(award["amount_won"] for award in awards) if awards else None,
        "; ".join(dict.fromkeys(award["institution"] for award in awards)) or None,
        "; ".join(award["request"] for award in awards) or None,
    )

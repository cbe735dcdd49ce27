"""The panel's marks over HTTP: officers import them as JSON or CSV, a whole file or nothing; shown with outliers."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter

from services.intake.adapters.spreadsheets.bounds import UnreadableFileError
from services.intake.adapters.spreadsheets.reading import csv_rows
from services.intake.api.rounds import known_round
from services.intake.api.state import AUDITOR, OFFICER, holder, intake
from services.intake.api.upload_views import unreadable
from services.intake.domain.refused import Refused
from services.intake.domain.rounds import RoundStatus
from services.intake.domain.scores import StatedMark, changed, column_named, counted, faults, outliers, read_table
from services.intake.storage import rounds, scores
from services.intake.storage.scores import Panel
from services.intake.usecases.acts.scores import close_terms, panel_points
from shared.contracts import topics
from shared.contracts.events import ApplicationScored, Reason
from shared.contracts.values import ApplicationId, Code, Contract, Count
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.programme.panel import PanelMark, marks_root
from shared.reading.as_written import visible
from shared.reading.json_read import REASONS_AT_MOST
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.postgres import connected
from shared.service.problems import Problem

router = APIRouter(prefix="/rounds", tags=["scores"])
FILE_BYTES: Final = 16 << 20
_CSV: Final = "text/csv"


class MarkBody(Contract):
    """One reviewer's mark of one application."""

    application: ApplicationId
    reviewer: Code
    points: Count
    conflict_of_interest: bool = False


class ScoresBody(Contract):
    """A file of marks."""

    scores: Annotated[tuple[MarkBody, ...], Field(min_length=1)]


_SCORES = TypeAdapter(ScoresBody)
_REVIEWER = TypeAdapter(Code)


@router.post("/{round_id}/scores", openapi_extra=body_of(ScoresBody))
async def import_scores(round_id: str, request: Request) -> Response:
    """Takes a file of marks, or names every row that is wrong and takes none. A repeated mark changes nothing, another
    mark of the same reviewer replaces it, until two officers close the scores."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    marks = await _read(request)
    now = state.clock.now()
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await rounds.lock_for_freeze(connection, round_id)  # no act, such as the closing, happens meanwhile
        stored = await known_round(connection, round_id)
        most = panel_points(stored)
        if not most:
            raise Problem(409, "no-panel", "The round's policy has no panel: its points come from records alone.")
        if stored.window.status is not RoundStatus.FROZEN:
            raise Problem(409, "not-frozen", f"The round is {stored.window.status}: a panel marks what is frozen.")
        panel = await scores.panel(connection, round_id)
        _refuse(faults(marks, panel.entered.keys(), panel.entered.keys() - panel.open_to, most))
        standing = {(mark.application, mark.reviewer): mark for mark in panel.marks}
        new = changed(marks, standing)
        scored_at = stored.window.time_map.programme(now)
        await scores.save(connection, round_id, new, scored_at)
        events += [_scored(round_id, mark, scored_at) for mark in new]
        if new:
            detail = {"round": round_id, "marks": len(new), "root": marks_root(new)}
            events.append(await audit.record(connection, "intake", now, officer.name, "score", detail))
    return JSONResponse({"round": round_id, "taken": len(new), "unchanged": len(marks) - len(new)})


@router.get("/{round_id}/scores")
async def show_scores(round_id: str, request: Request) -> Response:
    """Every application of the frozen set with its marks, their mean, and outlying reviewers; and what the closing
    would state."""
    await holder(request, OFFICER, AUDITOR)
    async with connected(intake(request).runtime.pool) as connection:
        stored = await known_round(connection, round_id)
        panel = await scores.panel(connection, round_id)
        closing = await close_terms(connection, stored, {})
    return JSONResponse(
        {
            "round": round_id,
            "panel_points": panel_points(stored),
            "closed_in": panel.closed_in,
            "closing": None if isinstance(closing, Refused) else closing,
            "waits_for": closing.title if isinstance(closing, Refused) else None,
            "applications": _shown(panel, panel_points(stored)),
        }
    )


def _shown(panel: Panel, most: int) -> list[dict[str, Any]]:
    having = counted(panel.marks)
    by_application: dict[str, list[PanelMark]] = {}
    for mark in panel.marks:
        by_application.setdefault(mark.application, []).append(mark)
    return [
        {
            "application": application,
            "eligible": eligible,
            "mean": sum(mark.points for mark in marks) // len(marks) if (marks := having.get(application)) else None,
            "apart": outliers(having.get(application, []), most),
            "marks": [
                {"reviewer": mark.reviewer, "points": mark.points, "conflict_of_interest": mark.conflict_of_interest}
                for mark in by_application.get(application, [])
            ],
        }
        for application, eligible in sorted(panel.entered.items())
    ]


async def _read(request: Request) -> list[StatedMark]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _CSV:
        body: ScoresBody = parse(_SCORES, await read_body(request, FILE_BYTES))
        return [
            StatedMark(f"/scores/{number}", row.application, row.reviewer, row.points, row.conflict_of_interest)
            for number, row in enumerate(body.scores)
        ]
    content = await read_body(request, FILE_BYTES, _CSV)
    try:
        marks, reasons = read_table(csv_rows(content, lambda header: column_named(header) is not None))
    except UnreadableFileError as error:
        raise unreadable(error) from error
    reasons += [
        Reason(
            pointer=f"{mark.at}/reviewer",
            code="code",
            detail=f"'{visible(mark.reviewer[:50])}' is no code of a reviewer",
            fix="write lower-case letters, digits and hyphens, such as reviewer-1",
        )
        for mark in marks
        if not _is_code(mark.reviewer)
    ]
    _refuse(reasons)
    if not marks:
        raise Problem(422, "invalid-fields", "The file has no marks: give a line for each.")
    return marks


def _is_code(text: str) -> bool:
    try:
        _REVIEWER.validate_python(text)
    except ValueError:
        return False
    return True


def _refuse(reasons: list[Reason]) -> None:
    if reasons:
        title = f"Nothing was taken: {len(reasons)} rows or cells can't be."
        if more := reasons[REASONS_AT_MOST:]:
            title = f"Nothing was taken: {len(reasons)} rows or cells can't be, {len(more)} more than those listed."
        raise Problem(422, "invalid-fields", title, reasons[:REASONS_AT_MOST])


def _scored(round_id: str, mark: PanelMark, scored_at: Any) -> Outgoing:
    event = ApplicationScored(
        round=round_id,
        application=mark.application,
        reviewer=mark.reviewer,
        points=mark.points,
        conflict_of_interest=mark.conflict_of_interest,
        scored_at=scored_at,
        version=mark.version,
    )
    identifier = event_id("mark", mark.application, mark.reviewer, mark.version)
    return outgoing(topics.APPLICATIONS.name, mark.application, event, event_id=identifier, time=scored_at)

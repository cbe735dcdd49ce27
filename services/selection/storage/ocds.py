"""The facts behind open data: a round's events, the selected products after each, and all purchase reports."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.selection.domain.matching import Result
from services.selection.domain.ocds.awards import Selected, SelectedSet, awardings
from services.selection.domain.ocds.names import Names
from services.selection.domain.ocds.process import DatedEvent, Process, ProcessEvent
from services.selection.domain.ocds.purchases import Reported
from services.selection.domain.ocds.release import NotReadYetError, supplier
from services.selection.domain.ocds.rounds import occasion_of, occasion_of_batch
from services.selection.domain.ocds.words import DECLINED, GIVEN_UP, REQUEST_CANCELLED
from services.selection.domain.offers import Award, Demand
from services.selection.domain.status import status_until
from services.selection.storage import drawn, evidence
from shared.clock import TimeMap, time_map
from shared.contracts.events import (
    InputsCommitted,
    InstitutionChanged,
    NonPurchaseReported,
    NotSelectedReason,
    PurchaseReported,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    SelectionConfirmed,
)
from shared.contracts.policy import Policy, Titled
from shared.programme.purchases import Report
from shared.service.postgres import Connection

SAVE_NAMES = """
INSERT INTO institution_names (institution, changed_at, name)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[]) ON CONFLICT DO NOTHING
"""
SAVE_REPORT = """
INSERT INTO purchase_reports
    (request, application, reported_at, round, institution, quantity, amount_won, contracted_on)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
EVENTS = "SELECT type, body, appended_at FROM chronicle WHERE round = $1 AND type = ANY($2::text[])"
POLICY = "SELECT body->'policy' FROM chronicle WHERE round = $1 AND type = 'RoundOpened'"
NAMES = "SELECT institution, changed_at, name FROM institution_names"
FIRMS = """
SELECT count(*) AS entries, count(DISTINCT a.facts->'applicant'->>'business_number') AS firms
FROM entries e JOIN applications a ON a.application = e.application AND a.version = e.version
WHERE e.round = $1 AND e.epoch = $2
"""
SELECTED = """
SELECT s.epoch, s.application::text, s.product, s.awards, a.facts
FROM results s
LEFT JOIN entries e ON e.round = s.round AND e.epoch = s.epoch AND e.application = s.application
LEFT JOIN applications a ON a.application = e.application AND a.version = e.version
WHERE s.round = $1 AND s.epoch = ANY($2::int[]) AND s.result = 'selected' ORDER BY s.epoch, s.line
"""
# The changes of confirmed batches, each with the time of its confirmation.
RELEASED = """
SELECT l.epoch, l.batch, l.application::text, s.product, l.result, l.reason, l.awards, a.facts, r.confirmed_at
FROM release_lines l
JOIN releases r ON r.round = l.round AND r.epoch = l.epoch AND r.batch = l.batch
JOIN results s ON s.round = l.round AND s.epoch = l.epoch AND s.application = l.application
LEFT JOIN entries e ON e.round = s.round AND e.epoch = s.epoch AND e.application = s.application
LEFT JOIN applications a ON a.application = e.application AND a.version = e.version
WHERE l.round = $1 AND r.confirmed_at IS NOT NULL AND coalesce(r.confirmed_root = r.body->>'batch_root', true)
ORDER BY l.epoch, l.batch, l.line
"""
# Confirmed batches that an emptied database does not have. Batches of superseded epochs are not computed again.
UNREAD_BATCHES = """
SELECT b.batch FROM releases b JOIN rounds r ON r.round = b.round AND r.epoch = b.epoch
WHERE b.round = $1 AND b.confirmed_at IS NOT NULL AND b.body IS NULL
"""
REPORTS = """
SELECT request, application::text, institution, quantity, amount_won, contracted_on, reported_at
FROM purchase_reports WHERE round = $1 ORDER BY reported_at, request, application
"""
_EVENT_TYPES: Final[Mapping[str, type[ProcessEvent]]] = {
    kind.__name__: kind
    for kind in (
        RoundAnnounced,
        RoundAmended,
        RoundOpened,
        RoundExtended,
        RoundFrozen,
        InputsCommitted,
        SelectionConfirmed,
        RoundVoided,
    )
}


async def save_names(connection: Connection, changed: Sequence[InstitutionChanged]) -> None:
    """Stores each name with the time from which it holds."""
    if changed:
        rows = [(each.institution, each.changed_at, each.name) for each in changed]
        await connection.execute(SAVE_NAMES, *zip(*rows, strict=True))


async def save_reports(connection: Connection, reports: Sequence[PurchaseReported | NonPurchaseReported]) -> None:
    """Stores reports without the reason of a non-purchase: it is free text, which open data leaves out."""
    rows = []
    for report in reports:
        bought = report if isinstance(report, PurchaseReported) else None
        contract = (bought.quantity, bought.amount_won, bought.contracted_on) if bought else (None, None, None)
        rows.append(
            (report.request, report.application, report.reported_at, report.round, report.institution, *contract)
        )
    await connection.executemany(SAVE_REPORT, rows)


async def policy(connection: Connection, round_id: str) -> Any:
    """The policy as published; None before the round opens."""
    return await connection.fetchval(POLICY, round_id)


async def process(connection: Connection, round_id: str, tenderers: MutableMapping[str, int]) -> Process | None:
    """The public facts of a round; None if it was never announced. Call it in a transaction with one snapshot.

    `tenderers`: a cache of the caller's, number of firms by commitment root. Raises NotReadYetError.
    """
    rows = await connection.fetch(EVENTS, round_id, list(_EVENT_TYPES))
    events = [(_EVENT_TYPES[row["type"]].model_validate(row["body"]), row["appended_at"]) for row in rows]
    announced = next((event for event, _ in events if isinstance(event, RoundAnnounced)), None)
    if announced is None:
        return None
    clock = time_map(announced.rehearsal)
    timeline = [DatedEvent(event, clock.programme(stamped) if stamped else None) for event, stamped in events]
    results = await _confirmed(connection, round_id, timeline)
    shown = [dated for dated in timeline if not isinstance(dated.event, SelectionConfirmed) or dated.event in results]
    standing = await _selected_sets(connection, round_id, results, _policy(timeline))
    names = await connection.fetch(NAMES)
    return Process(
        round=round_id,
        title=_title(event for event, _ in events),
        events=shown,
        names=Names((row["institution"], clock.programme(row["changed_at"]), row["name"]) for row in names),
        tenderers=await _tenderers(connection, timeline, tenderers),
        demand=await _demand(connection, round_id, results[0].epoch) if results else [],
        awardings=awardings(standing),
        reports=await _reports(connection, round_id, standing, clock),
    )


async def _confirmed(connection: Connection, round_id: str, timeline: Iterable[DatedEvent]) -> list[SelectionConfirmed]:
    """Confirmations by epoch whose result is stored: an emptied database recomputes only the newest."""
    confirmed = sorted(
        (dated.event for dated in timeline if isinstance(dated.event, SelectionConfirmed)), key=lambda e: e.epoch
    )
    proposed = await evidence.proposed_epochs(connection, round_id)
    if confirmed and not proposed.get(confirmed[-1].epoch):
        raise NotReadYetError(f"the result of epoch {confirmed[-1].epoch}")
    return [event for event in confirmed if proposed.get(event.epoch)]


def _title(events: Iterable[ProcessEvent]) -> str:
    """The newest title: of the opening, else of the last amendment, else of the announcement."""
    titles = {
        (isinstance(event, RoundOpened), event.amendment if isinstance(event, RoundAmended) else 0): event.title
        for event in events
        if isinstance(event, RoundAnnounced | RoundAmended | RoundOpened)
    }
    return titles[max(titles)]


def _policy(timeline: Iterable[DatedEvent]) -> Policy | None:
    return next((dated.event.policy for dated in timeline if isinstance(dated.event, RoundOpened)), None)


async def _selected_sets(
    connection: Connection, round_id: str, results: Sequence[SelectionConfirmed], policy: Policy | None
) -> list[SelectedSet]:
    """The selected products after each confirmation, and after each batch confirmed later. Batches confirmed before a
    selection are part of it."""
    if (batch := await connection.fetchval(UNREAD_BATCHES, round_id)) is not None:
        raise NotReadYetError(f"batch {batch}")
    selected: dict[int, dict[str, Selected]] = {event.epoch: {} for event in results}
    for row in await connection.fetch(SELECTED, round_id, list(selected)):
        selected[row["epoch"]][row["application"]] = _selected(row)
    batches: dict[int, dict[int, list[Any]]] = {}
    for row in await connection.fetch(RELEASED, round_id):
        batches.setdefault(row["epoch"], {}).setdefault(row["batch"], []).append(row)
    standings = []
    for event in results:
        standing = SelectedSet(
            occasion=occasion_of(event.epoch),
            at=event.confirmed_at,
            selected=selected[event.epoch],
            until=status_until(policy, event.confirmed_at) if policy else None,
        )
        for number, rows in batches.get(event.epoch, {}).items():
            after = _after(standing, rows)
            if number > (event.batch or 0):
                standings.append(standing)
                reasons = {row["application"]: _grounds(row) for row in rows}
                occasion = occasion_of_batch(event.epoch, number)
                after = replace(after, occasion=occasion, at=rows[0]["confirmed_at"], reasons=reasons)
            standing = after
        standings.append(standing)
    return standings


def _after(standing: SelectedSet, rows: Sequence[Any]) -> SelectedSet:
    """The selected products after a batch."""
    selected = dict(standing.selected)
    for row in rows:
        selected.pop(row["application"], None)
        if row["result"] == Result.SELECTED:
            selected[row["application"]] = _selected(row)
    return replace(standing, selected=selected)


def _grounds(row: Any) -> Titled:
    match row["reason"]:
        case NotSelectedReason.GIVEN_UP:
            return GIVEN_UP
        case NotSelectedReason.DECLINED:
            return DECLINED
        case _:
            return REQUEST_CANCELLED


def _selected(row: Any) -> Selected:
    if row["facts"] is None:
        raise NotReadYetError(f"application {row['application']}")
    applicant, product = row["facts"]["applicant"], row["facts"]["product"]
    return Selected(
        application=row["application"],
        product=row["product"],
        class_code=product["class_code"],
        price_won=product["price_won"],
        supplier=supplier(applicant["name"], applicant["business_number"]),
        lines=tuple(Award(**each) for each in row["awards"]),
    )


async def _tenderers(
    connection: Connection, timeline: Iterable[DatedEvent], known: MutableMapping[str, int]
) -> Mapping[int, int]:
    committed = sorted(
        (dated.event for dated in timeline if isinstance(dated.event, InputsCommitted)), key=lambda e: e.epoch
    )
    for event in committed:
        if event.commitment_root not in known:
            (counted,) = await connection.fetch(FIRMS, event.round, event.epoch)
            if counted["entries"] == event.entries:
                known[event.commitment_root] = counted["firms"]
    if committed and committed[-1].commitment_root not in known:
        raise NotReadYetError(f"the entries of epoch {committed[-1].epoch}")
    return {event.epoch: known[event.commitment_root] for event in committed if event.commitment_root in known}


async def _demand(connection: Connection, round_id: str, epoch: int) -> list[Demand]:
    try:
        _, requests = await drawn.committed(connection, round_id, epoch)
    except LookupError as error:
        raise NotReadYetError(f"the requests of epoch {epoch}") from error
    return sorted(drawn.demands_of(requests), key=lambda demand: demand.request)


async def _reports(
    connection: Connection, round_id: str, standings: Sequence[SelectedSet], clock: TimeMap
) -> list[Reported]:
    """Reports on lines that were awarded to the reporting institution, with the award as of then."""
    lines: dict[tuple[str, str, str], list[tuple[datetime, Selected, Award]]] = {}
    for standing in standings:
        for application, selected in standing.selected.items():
            for line in selected.lines:
                named = application, line.request, line.institution
                lines.setdefault(named, []).append((standing.at, selected, line))
    reports = []
    for row in await connection.fetch(REPORTS, round_id):
        awarded = lines.get((row["application"], row["request"], row["institution"]))
        if awarded is None:
            continue
        came = clock.programme(row["reported_at"])
        at, selected, line = next((given for given in reversed(awarded) if given[0] <= came), awarded[0])
        report = Report(quantity=row["quantity"], amount_won=row["amount_won"], contracted_on=row["contracted_on"])
        reports.append(Reported(at=max(came, at), selected=selected, line=line, report=report))
    return reports

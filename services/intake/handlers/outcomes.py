"""Keeps the read model of decisions by eligibility, selection and notify."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.intake.storage import appeals, disowned, outcomes
from services.intake.storage.appeals import ResultNotice
from services.intake.storage.outcomes import Outcome
from shared.contracts.events import (
    ApplicationJudged,
    Channel,
    ContactDisowned,
    NoticeDelivered,
    NoticeFailed,
    PurchaseOverdue,
    SelectionStatusEnded,
)
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.service.postgres import Connection

RESULTS: Final = frozenset({"selected", "reserve", "not-selected", "promoted", "awards-changed", "selection-withdrawn"})
"""Kinds of notices that state a result."""


async def keep_verdicts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores verdicts, for applicants to read."""
    rows = []
    for event in events_of(batch, ApplicationJudged):
        judged = event.body
        fields = {"outcome", "findings", "as_of", "findings_hash"} | ({"evidence"} if judged.evidence else set())
        body = judged.model_dump(mode="json", include=fields)
        rows.append(
            Outcome(
                application=judged.application,
                round=judged.round,
                epoch=judged.epoch,
                type=event.type,
                body=body,
                version=judged.version,
            )
        )
    await outcomes.save_verdicts(connection, rows)
    return ()


async def keep_results(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores results and the ends of their status."""
    rows = []
    for event in batch:
        if isinstance(event, Event) and not isinstance(event.body, SelectionStatusEnded | PurchaseOverdue):
            body = event.body.model_dump(mode="json")
            number = body.get("batch") or 0
            rows.append(
                Outcome(
                    application=body["application"],
                    round=body["round"],
                    epoch=body["epoch"],
                    type=event.type,
                    body=body,
                    batch=number,
                )
            )
    await outcomes.save_results(connection, rows)
    ended = [event.body for event in events_of(batch, SelectionStatusEnded)]
    await outcomes.save_status_ends(
        connection, [(status.application, status.epoch, status.ended_at) for status in ended]
    )
    return ()


async def keep_deliveries(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores when each applicant was notified of the result, or could not be: periods of appeal begin then. Also stores
    disowned contacts."""
    notices = []
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case NoticeDelivered(channel=Channel.MAIL, kind=kind, round=str(round_id)) as delivered if kind in RESULTS:
                notices.append(_notice(delivered, round_id, delivered.delivered_at))
            case NoticeFailed(channel=Channel.MAIL, kind=kind, round=str(round_id)) as failed if kind in RESULTS:
                notices.append(_notice(failed, round_id, failed.failed_at))
    if notices:
        await appeals.noticed(connection, notices)
    await disowned.save(connection, [event.body for event in events_of(batch, ContactDisowned)])
    return ()


def _notice(notice: NoticeDelivered | NoticeFailed, round_id: str, noticed_at: datetime) -> ResultNotice:
    """The occasion of a result's notice is `epoch-<n>`, or `epoch-<n>-batch-<m>` for a release."""
    epoch, _, batch = notice.occasion.removeprefix("epoch-").partition("-batch-")
    return ResultNotice(
        application=notice.subject,
        round=round_id,
        noticed_at=noticed_at,
        epoch=int(epoch),
        batch=int(batch or 0),
    )


async def keep_milestones(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores milestones of rounds."""
    rows = []
    for event in batch:
        if isinstance(event, Event):
            body = event.body.model_dump(mode="json")
            rows.append(
                Outcome(
                    application="",
                    round=body["round"],
                    epoch=body["epoch"],
                    type=event.type,
                    body=body,
                    batch=body.get("batch", 0),
                )
            )
    await outcomes.save_milestones(connection, rows)
    return ()

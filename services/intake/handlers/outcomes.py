"""Keeps the read model of what eligibility and selection published."""

from collections.abc import Sequence
from typing import Final

from services.intake.storage import appeals, disowned, outcomes
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
"""Kinds of notices that tell a result."""


async def keep_verdicts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
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
    """When each applicant was told the result, or could not be: periods of appeal begin with it. And whose contact says
    that it was not them."""
    notices = []
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case NoticeDelivered(channel=Channel.MAIL, kind=kind, round=str(round_id)) as delivered if kind in RESULTS:
                notices.append((delivered.subject, round_id, delivered.delivered_at, *_edition(delivered.occasion)))
            case NoticeFailed(channel=Channel.MAIL, kind=kind, round=str(round_id)) as failed if kind in RESULTS:
                notices.append((failed.subject, round_id, failed.failed_at, *_edition(failed.occasion)))
    if notices:
        await appeals.noticed(connection, notices)
    await disowned.save(connection, [event.body for event in events_of(batch, ContactDisowned)])
    return ()


def _edition(occasion: str) -> tuple[int, int]:
    """Epoch and batch of a result's notice: its occasion is `epoch-<n>`, of a release `epoch-<n>-batch-<m>`."""
    epoch, _, batch = occasion.removeprefix("epoch-").partition("-batch-")
    return int(epoch), int(batch or 0)


async def keep_milestones(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
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

"""Puts back purchase requests, reports on awards, and which inbox messages were answered."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic_core import from_json

from services.intake.storage import putback, releases, restore, uploads
from services.intake.storage.putback import LostRequest
from shared.contracts import topics
from shared.contracts.events import (
    InboxAnswered,
    NonPurchaseReported,
    PurchaseReported,
    PurchaseRequestAccepted,
    PurchaseRequestCancelled,
    PurchaseRequestWithdrawn,
)
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.service.postgres import Connection


async def put_back_requests(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Puts back the newest version of each request, then cancellations and reports in the topic's order."""
    newest: dict[str, LostRequest] = {}
    for lost in sorted(_versions(batch), key=lambda lost: lost.version):
        before = newest.get(lost.request)
        if lost.withdrawn and before is not None:  # its event has no facts: those it withdraws stay
            newest[lost.request] = replace(lost, payload_hash=before.payload_hash, facts=before.facts)
        else:
            newest[lost.request] = lost
    rows = await putback.requests(connection, list(newest.values()))
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case PurchaseRequestCancelled() as cancelled:
                rows += await putback.set_free(connection, cancelled)
            case PurchaseReported() | NonPurchaseReported() as report:
                await releases.report(connection, report)
    return rows


def _versions(batch: Sequence[Incoming]) -> Iterator[LostRequest]:
    for event in events_of(batch, PurchaseRequestAccepted):
        yield LostRequest(
            request=event.body.request,
            round=event.body.round,
            institution=event.body.institution,
            version=event.body.version,
            payload_hash=event.body.payload_hash,
            facts=from_json(event.raw)["facts"],
            withdrawn=False,
            received_at=event.body.received_at,
            published=event.raw,
        )
    for withdrawal in events_of(batch, PurchaseRequestWithdrawn):
        yield LostRequest(
            request=withdrawal.body.request,
            round=withdrawal.body.round,
            institution=withdrawal.body.institution,
            version=withdrawal.body.version,
            payload_hash="",
            facts={},
            withdrawn=True,
            received_at=withdrawal.body.received_at,
            published=withdrawal.raw,
        )


async def keep_answered(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Notes inbox messages that were answered, so that they are passed over when they are read again."""
    answers = [event.body for event in events_of(batch, InboxAnswered)]
    await uploads.answered(connection, answers)
    return await restore.keep_answered(
        connection, [(prefix + topics.inbox(answer.institution).name, answer.offset) for answer in answers]
    )

"""The one answer to an inbox message, on its institution's outbox, and reasons for refusals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.storage.requests import InboxMessage
from shared.contracts import topics
from shared.contracts.events import Answer, InboxAnswered, Reason
from shared.kafka.cloudevents import Outgoing, event_id, outgoing


def answered(message: InboxMessage, now: datetime, answer: Answer, **fields: Any) -> Outgoing:
    """The answer's id follows from the message's place, so that a repeated answer is the same answer."""
    event = InboxAnswered(
        institution=message.institution,
        answer=answer,
        quotes=message.message_id,
        offset=message.offset,
        answered_at=now,
        read_as=message.read_as,
        **fields,
    )
    return outgoing(
        topics.outbox(message.institution).name,
        fields.get("request") or message.message_id,
        event,
        event_id=event_id("answer", message.topic, message.offset),
        time=now,
        traceparent=message.traceparent,
    )


def answers_among(events: Sequence[Outgoing]) -> list[InboxAnswered]:
    """The answers among events."""
    return [
        InboxAnswered.model_validate_json(event.body)
        for event in events
        if event.type == InboxAnswered.__name__ and event.body is not None
    ]


def rejected(message: InboxMessage, now: datetime, *reasons: Reason, **fields: Any) -> Outgoing:
    """The answer with reasons."""
    return answered(message, now, Answer.REJECTED, reasons=reasons, **fields)


def no_such_round(round_id: str) -> Reason:
    return Reason(pointer="/round", code="unknown-round", detail=f"no round '{round_id}'", fix="see GET /rounds")


def not_open_yet(opens_at: datetime) -> Reason:
    detail = f"the round opens at {opens_at.isoformat()}"
    return Reason(pointer="/round", code="not-open-yet", detail=detail, fix="send it again then")


def in_no_cut() -> Reason:
    return Reason(
        pointer="/request",
        code="unknown-request",
        detail="no cut of this rolling intake has a request of this id",
        fix="send SubmitPurchaseRequest first, or name the round it was made to",
    )


def elsewhere(round_id: str) -> Reason:
    return Reason(
        pointer="/request",
        code="of-another-round",
        detail=f"a request of this id was made to round {round_id}",
        fix="use another request id",
    )

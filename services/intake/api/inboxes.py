"""Registered inboxes: how far each is read and which can't be read; and the answer to a settled parked message."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.intake.api.state import AUDITOR, OFFICER, OPERATOR, holder, intake
from services.intake.storage import institutions
from shared.contracts import topics
from shared.contracts.events import Answer, InboxAnswered, Reason
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.kafka.storage import Parked
from shared.service.postgres import connected

router = APIRouter(tags=["institutions"])


@router.get("/inboxes")
async def list_inboxes(request: Request) -> JSONResponse:
    """How far each registered inbox is read.

    `trouble` names why an inbox can't be read, as this replica last saw it. A freeze waits for it.
    """
    state = intake(request)
    await holder(request, OFFICER, OPERATOR, AUDITOR)
    async with connected(state.runtime.pool) as connection:
        offsets = await institutions.inbox_offsets(connection)
    troubles = state.watch.unreadable
    return JSONResponse(
        [
            {"topic": topic, "next_offset": offset, "trouble": troubles[topic].value if topic in troubles else None}
            for topic, offset in sorted(offsets.items())
        ]
    )


def answer_settled(prefix: str, parked: Parked, reason: str, now: datetime) -> list[Outgoing]:
    """The answer to a parked message that somebody has dealt with.

    It was parked by a fault of ours; sent again, it would be a new message.
    """
    institution = topics.institution_of_inbox(parked.topic.removeprefix(prefix))
    if institution is None:
        return []
    quotes = parked.event_id or f"offset:{parked.offset}"
    not_taken = Reason(
        pointer="",
        code="not-taken",
        detail=f"by a fault of ours it could not be taken: {reason}",
        fix="send it again",
    )
    answer = InboxAnswered(
        institution=institution,
        answer=Answer.REJECTED,
        quotes=quotes,
        offset=parked.offset,
        reasons=(not_taken,),
        answered_at=now,
    )
    identifier = event_id("answer", parked.topic, parked.offset)
    return [outgoing(topics.outbox(institution).name, quotes, answer, event_id=identifier, time=now)]

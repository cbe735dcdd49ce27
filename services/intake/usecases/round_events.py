"""A round's lifecycle events, and the value that seeds its draw. Shared by the clock's jobs and officers' acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from services.intake.storage import outcomes, requests, uploads
from services.intake.storage.outcomes import AwaitedValue
from shared.clock import not_before
from shared.contracts import topics
from shared.contracts.events import Answer, InboxAnswered, RoundAct, SourceValueRecorded
from shared.contracts.values import Actor
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.service.postgres import Connection

BY_THE_CLOCK: Final = (Actor(name="intake", role="system"),)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SourceValue:
    """The value of a source of chance, in the form of RFC 3797, and when it was due."""

    source: str
    value: str
    due_at: datetime
    beacon_round: int | None = None
    signature: str | None = None


def round_event(event: RoundAct, name: str, epoch: int, time: datetime) -> Outgoing:
    """The event under an id of its round, name and epoch."""
    identifier = event_id("round", event.round, name, epoch)
    return outgoing(topics.ROUNDS.name, event.round, event, event_id=identifier, time=time)


async def record_source(
    connection: Connection,
    awaited: AwaitedValue,
    value: SourceValue,
    now: datetime,
    actors: Sequence[Actor],
    reason: str,
) -> list[Outgoing]:
    """Stores the value that decides; no events where there is one already, since a seed is final."""
    if not await outcomes.save_source(
        connection, awaited.round, awaited.epoch, value.source, value.value, value.due_at
    ):
        return []
    recorded = SourceValueRecorded(
        round=awaited.round,
        actors=tuple(actors),
        reason=reason,
        epoch=awaited.epoch,
        source=value.source,
        value=value.value,
        due_at=value.due_at,
        recorded_at=not_before(now, awaited.committed_at, value.due_at),
        beacon_round=value.beacon_round,
        signature=value.signature,
    )
    _log.info("recorded source", round=awaited.round, epoch=awaited.epoch, source=value.source, value=value.value)
    return [round_event(recorded, "source", awaited.epoch, now)]


async def late_answers(connection: Connection, round_id: str, now: datetime) -> list[Outgoing]:
    """Answers messages that came after the close; from now on no extension can contradict the answer."""
    taken = await requests.take_held(connection, round_id)
    answers = [
        InboxAnswered(
            institution=held.institution,
            answer=Answer.LATE,
            quotes=held.message_id,
            offset=held.offset,
            answered_at=now,
        )
        for held in taken
    ]
    await uploads.answered(connection, answers)
    return [
        outgoing(
            topics.outbox(held.institution).name,
            held.message_id,
            answer,
            event_id=event_id("answer", held.topic, held.offset),
            time=now,
        )
        for held, answer in zip(taken, answers, strict=True)
    ]

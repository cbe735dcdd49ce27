"""Keeps the read model of what eligibility and selection published."""

from collections.abc import Sequence

from services.intake.storage import outcomes
from services.intake.storage.outcomes import Outcome
from shared.contracts.events import ApplicationJudged
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.postgres import Connection


async def keep_verdicts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    rows = []
    for event in events_of(batch, ApplicationJudged):
        judged = event.body
        body = judged.model_dump(mode="json", include={"outcome", "findings", "as_of", "findings_hash"})
        rows.append(Outcome(judged.application, judged.round, judged.epoch, event.type, body, judged.version))
    await outcomes.save_verdicts(connection, rows)
    return ()


async def keep_results(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    rows = []
    for event in batch:
        if isinstance(event, Event):
            body = event.body.model_dump(mode="json")
            rows.append(Outcome(body["application"], body["round"], body["epoch"], event.type, body))
    await outcomes.save_results(connection, rows)
    return ()


async def keep_milestones(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    rows = []
    for event in batch:
        if isinstance(event, Event):
            body = event.body.model_dump(mode="json")
            rows.append(Outcome("", body["round"], body["epoch"], event.type, body))
    await outcomes.save_milestones(connection, rows)
    return ()

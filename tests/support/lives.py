"""What the services published of each round, held against what evidence is checked by.

So every act of every test on a whole stack is one that the verifiers' table has, and every bundle that a test leaves
behind is a true one to them: none of ours is refused, whatever befell its round (issue 18).
"""

import io
import json
from collections import defaultdict
from typing import Any

import httpx2

from deploy.local.stack import Stack
from services.selection.verify import SHAPES, Life, UnreadableError, examine, shaped, unsound
from shared.contracts import topics
from shared.kafka.records import Decoder, Event
from shared.service.settings import KafkaSettings
from tests.support.consuming import records_of

Events = list[dict[str, Any]]


async def hold_to_life(stack: Stack) -> None:
    """Fails the test whose services published what no true bundle could have, or a bundle that is none."""
    rounds = await events_by_round(stack.kafka.settings, stack.topic_prefix)
    found = {round_id: _faults(events) for round_id, events in rounds.items()}
    if "selection" in stack.ports:
        for round_id, events in rounds.items():
            found[round_id] += await bundle_faults(stack, round_id, events)
    if any(found.values()):
        raise AssertionError(f"no bundle could have this: {found}")


async def events_by_round(kafka: KafkaSettings, prefix: str) -> dict[str, Events]:
    rounds: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    decoders = {f"{prefix}{topic.name}": Decoder(topic) for topic in (topics.ROUNDS, topics.MILESTONES)}
    for record in await records_of(kafka, *decoders):
        told = decoders[record.topic].decode(record)
        if isinstance(told, Event) and f"\n{told.type} " in SHAPES:
            body = json.loads(told.raw)
            rounds[body["round"]][told.id] = {"event": told.type, "body": body}
    return {round_id: list(events.values()) for round_id, events in rounds.items()}


def _faults(events: Events) -> list[str]:
    try:
        for event in events:
            shaped(event["event"], event["body"], event["event"])
        life = Life(events)
        version = 2 if life.terms.get("announcement_root") else 1
        return [f"{name}: {told}" for faults in (life.faults(), unsound(life, version)) for name, told in faults]
    except UnreadableError as error:
        return [str(error)]


async def bundle_faults(stack: Stack, round_id: str, events: Events) -> list[str]:
    """Of the auditor's bundle of each proposal, where selection gives one: it may have read no further yet, or have
    been ended by the test."""
    faults: list[str] = []
    staff = {"Authorization": f"Bearer {stack.operator_token}"}
    async with httpx2.AsyncClient(base_url=stack.url("selection"), headers=staff, timeout=60) as client:
        for epoch in sorted(event["body"]["epoch"] for event in events if event["event"] == "SelectionProposed"):
            asked = {"depth": "auditor", "epoch": str(epoch)}
            try:
                answer = await client.get(f"/rounds/{round_id}/evidence", params=asked)
            except httpx2.TransportError:
                return faults
            if answer.status_code == 200:
                report = examine(io.BytesIO(answer.content))
                pairs = zip(report.names, report.differs, strict=True)
                faults += [f"bundle of epoch {epoch}: {name}: {told}" for name, told in pairs]
    return faults

"""What the services published of each round, held against the table of a round's life that evidence is checked by.

So every act of every test on a whole stack is one that the verifiers' table has, and none is published that they would
refuse (issue 18).
"""

import json
from collections import defaultdict
from typing import Any

from deploy.local.stack import Stack
from services.selection.verify import SHAPES, Life, UnreadableError, shaped, unsound
from shared.contracts import topics
from shared.kafka.records import Decoder, Event
from shared.settings import KafkaSettings
from tests.integration.consuming import records_of


async def hold_to_life(stack: Stack) -> None:
    """Fails the test whose services published what no true bundle could have."""
    found = await life_faults(stack.kafka.settings, stack.topic_prefix)
    if found:
        raise AssertionError(f"no bundle could have these events: {found}")


async def life_faults(kafka: KafkaSettings, prefix: str) -> dict[str, list[str]]:
    """By round."""
    rounds: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    decoders = {f"{prefix}{topic.name}": Decoder(topic) for topic in (topics.ROUNDS, topics.MILESTONES)}
    for record in await records_of(kafka, *decoders):
        told = decoders[record.topic].decode(record)
        if isinstance(told, Event) and f"\n{told.type} " in SHAPES:
            body = json.loads(told.raw)
            rounds[body["round"]][told.id] = {"event": told.type, "body": body}
    found = {round_id: _faults(list(events.values())) for round_id, events in rounds.items()}
    return {round_id: faults for round_id, faults in found.items() if faults}


def _faults(events: list[dict[str, Any]]) -> list[str]:
    try:
        for one in events:
            shaped(one["event"], one["body"], one["event"])
        life = Life(events)
        version = 2 if life.terms.get("announcement_root") else 1
        return [f"{name}: {told}" for faults in (life.faults(), unsound(life, version)) for name, told in faults]
    except UnreadableError as error:
        return [str(error)]

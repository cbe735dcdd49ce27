"""Applications and inbox messages against a running intake."""

import json
from typing import Any

import httpx2

from deploy.local.stack import Stack
from tests.support.consuming import every_record_of, until
from tests.support.rounds import application


async def apply(client: httpx2.AsyncClient, round_id: str, number: int, **headers: str) -> httpx2.Response:
    return await client.post(f"/rounds/{round_id}/applications", json=application(number), headers=headers)


async def answers_on(stack: Stack, institution: str, count: int, *, killed: bool = False) -> dict[str, dict[str, Any]]:
    """The `count` answers on an institution's outbox, by the id they quote.

    An answer is one event: after a kill its record may stand twice, under the same id and with the same content, since
    what a crash left in the outbox is published again.
    """
    topic = f"{stack.topic_prefix}institution.{institution}.outbox.v1"

    async def answers() -> list[tuple[bytes, bytes]]:
        records = await every_record_of(stack.kafka.settings, topic)
        return [(dict(record.headers)["ce_id"], record.value) for record in records]

    async def there() -> bool:
        return len({identifier for identifier, _ in await answers()}) >= count

    await until(there, f"{count} answers")
    found = await answers()
    assert len(set(found) if killed else found) == count, "one answer per message"
    bodies = [json.loads(value) for _, value in set(found)]
    return {body["quotes"]: body for body in bodies}

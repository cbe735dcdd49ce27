"""One process that judges what is on `applications.v1`, and how long that took.

python -m tests.bench.judge_worker batches|each RECORDS   (the environment of services.eligibility)

`batches` is eligibility as it is. `each` is the same decision in a FastStream handler per message with a transaction,
a publish and a commit of its own. Prints one JSON line: records and seconds, from the first record done to the last.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import uvloop
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from services.eligibility.app import create_app
from services.eligibility.settings import EligibilitySettings
from services.eligibility.storage import rounds, verdicts
from services.eligibility.usecases.judging import published, verdict_on
from shared.clock import SystemClock
from shared.contracts import topics
from shared.contracts.events import ApplicationSubmitted
from shared.kafka.producer import EventProducer
from shared.service.http import settle_garbage_collection
from shared.service.logs import configure_logs
from shared.service.postgres import open_pool
from shared.service.telemetry import open_metrics

SETTINGS = EligibilitySettings()
TOPIC = SETTINGS.deployment.topic_prefix + topics.APPLICATIONS.name


async def timed(done: Callable[[], Awaitable[int]], records: int) -> dict[str, Any]:
    """Waits until `done` reaches `records`; the time runs from when it first is above 0."""
    while not (first := await done()):
        await asyncio.sleep(0.002)
    started = time.perf_counter()
    while (count := await done()) < records:
        await asyncio.sleep(0.005)
    return {"records": count - first, "seconds": time.perf_counter() - started}


async def batches(records: int) -> dict[str, Any]:
    app = create_app(SETTINGS)
    watch = await asyncpg.connect(str(SETTINGS.database_url))
    async with app.router.lifespan_context(app):

        async def saved() -> int:
            number: int = await watch.fetchval(
                "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_offsets WHERE topic = $1", TOPIC
            )
            return number

        told = await timed(saved, records)
    await watch.close()
    return told


async def each(records: int) -> dict[str, Any]:
    pool = await open_pool(str(SETTINGS.database_url), 4, "bench")
    producer = EventProducer(SETTINGS.kafka, "eligibility", SETTINGS.deployment.topic_prefix, open_metrics())
    await producer.start()
    async with pool.acquire() as connection:
        policies = await rounds.opened(connection, ["bench-1"])
    kafka = SETTINGS.kafka
    broker = KafkaBroker(
        kafka.bootstrap_servers, security=kafka.broker_security(), logger=None, allow_auto_create_topics=False
    )
    clock, handled = SystemClock(), 0

    @broker.subscriber(TOPIC, group_id="bench-each", auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL)
    async def judge_one(submitted: ApplicationSubmitted, message: KafkaMessage) -> None:
        nonlocal handled
        verdict = verdict_on(submitted, message.body, policies[submitted.round], clock.now(), 1)
        async with pool.acquire() as connection, connection.transaction():
            stored = await verdicts.save_verdicts(connection, [verdict])
        await producer.publish([published(item, None) for item in stored])
        await message.ack()
        handled += 1

    async def count() -> int:
        return handled

    await broker.start()
    told = await timed(count, records)
    await broker.stop()
    await producer.stop()
    await pool.close()
    return told


if __name__ == "__main__":
    configure_logs("eligibility", "bench", "ERROR")
    kind, number = sys.argv[1:]
    settle_garbage_collection()
    print(json.dumps(uvloop.run({"batches": batches, "each": each}[kind](int(number)))))

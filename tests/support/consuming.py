"""A consumer of `institutions.v1` with nothing around it, for tests of how every service consumes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from pydantic_settings import SettingsConfigDict

from shared.contracts import topics
from shared.contracts.events import InstitutionChanged, InstitutionStatus
from shared.contracts.topics import Topic, dead_letters
from shared.kafka.cloudevents import Outgoing, outgoing
from shared.kafka.provision import provision
from shared.kafka.records import events_of
from shared.kafka.step import Handler, Incoming
from shared.service.postgres import Connection
from shared.service.runtime import Runtime
from shared.service.settings import DeploymentSettings, KafkaSettings, ServiceSettings

TOPIC = Topic(name="probe.v1", key="code", writers=("intake",), events=topics.INSTITUTIONS.events, partitions=3)
OUT = Topic(name="probe-out.v1", key="code", writers=("probe",), events=topics.INSTITUTIONS.events, partitions=3)
MOMENT = datetime(2018, 8, 16, tzinfo=UTC)


class ProbeSettings(ServiceSettings):
    model_config = SettingsConfigDict(frozen=True)

    http_port: int = 0


def settings(kafka: KafkaSettings, prefix: str, database: str, **changed: Any) -> ProbeSettings:
    return ProbeSettings(
        database_url=database,
        kafka=kafka,
        deployment=DeploymentSettings(topic_prefix=prefix),
        **changed,
    )


async def prepare(given: ProbeSettings) -> None:
    """Topics, and the table `saved`, in which a code stands at most once."""
    prefix = given.deployment.topic_prefix
    await provision((TOPIC, OUT, dead_letters(TOPIC.name, "probe")), given.kafka, prefix)
    connection = await asyncpg.connect(str(given.database_url))
    await connection.execute("CREATE TABLE IF NOT EXISTS saved (code text PRIMARY KEY, times int NOT NULL DEFAULT 1)")
    await connection.close()


def changed(code: str, **fields: Any) -> Outgoing:
    event = InstitutionChanged(
        institution=code, name=f"Institution {code}", status=InstitutionStatus.ACTIVE, changed_at=MOMENT
    )
    return outgoing(TOPIC.name, code, event, event_id=fields.pop("event_id", f"id-{code}"), time=MOMENT, **fields)


async def save(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Saves each code once and passes it on."""
    codes = [event.body.institution for event in events_of(batch, InstitutionChanged)]
    await connection.execute("INSERT INTO saved (code) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING", codes)
    return [
        Outgoing(
            topic=OUT.name, key=code, type="InstitutionChanged", id=f"out-{code}", subject=code, time=MOMENT, body=b"{}"
        )
        for code in codes
    ]


@asynccontextmanager
async def running(given: ProbeSettings, handler: Handler = save) -> AsyncIterator[Runtime]:
    runtime = Runtime("probe", given)
    runtime.consume(TOPIC, handler)
    app = FastAPI()
    app.state.server = SimpleNamespace(should_exit=False)
    async with runtime.open(app):
        yield runtime


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 30) -> None:
    """Waits for something that must come; a failure names it."""
    async with asyncio.timeout(seconds) as limit:
        try:
            while not await condition():
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            if limit.expired():
                raise AssertionError(f"never: {what}") from None
            raise


async def records_of(kafka: KafkaSettings, *topics_read: str) -> list[Any]:
    """The events of the topics, as they stand now: what was published again after a crash stands where it stood first,
    once."""
    once: dict[tuple[Any, ...], Any] = {}
    for record in await every_record_of(kafka, *topics_read):
        once.setdefault((record.topic, record.key, record.value, tuple(record.headers)), record)
    return list(once.values())


async def every_record_of(kafka: KafkaSettings, *topics_read: str) -> list[Any]:
    """Every record of the topics, as they stand now, each copy too."""
    consumer = AIOKafkaConsumer(*topics_read, auto_offset_reset="earliest", **kafka.client_arguments())
    await consumer.start()
    try:
        places = list(consumer.assignment())
        ends = await consumer.end_offsets(places)
        found: list[Any] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()

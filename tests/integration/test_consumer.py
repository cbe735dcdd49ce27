"""How every service consumes: effects once, nothing lost, poison isolated, patience with a database that is away."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.kafka import KafkaServer
from deploy.local.postgres import PostgresServer
from shared.kafka.cloudevents import Outgoing
from shared.kafka.producer import RawRecord
from shared.kafka.step import Incoming
from shared.service.postgres import Connection
from tests.conftest import Database
from tests.support.consuming import (
    MOMENT,
    OUT,
    TOPIC,
    ProbeSettings,
    changed,
    every_record_of,
    prepare,
    records_of,
    running,
    save,
    settings,
    until,
)


@pytest.fixture
async def given(kafka_server: KafkaServer, database: Database, topic_prefix: str) -> ProbeSettings:
    made = settings(kafka_server.settings, topic_prefix, await database("eligibility"))
    await prepare(made)
    return made


@pytest.fixture
async def watch(given: ProbeSettings) -> asyncpg.Connection:
    return await asyncpg.connect(str(given.database_url))


async def count(watch: asyncpg.Connection, statement: str) -> int:
    number: int = await watch.fetchval(statement)
    return number


async def test_a_batch_is_saved_with_its_offsets_published_and_committed(
    given: ProbeSettings, watch: asyncpg.Connection
) -> None:
    async with running(given) as runtime:
        await runtime.producer.publish([changed(f"c{n}") for n in range(500)])

        async def all_saved() -> bool:
            return await count(watch, "SELECT count(*) FROM saved") == 500

        await until(all_saved, "500 saved")
    prefix = given.deployment.topic_prefix
    assert await count(watch, "SELECT sum(next_offset)::int FROM consumer_offsets") == 500
    out = Counter(record.key for record in await every_record_of(given.kafka, prefix + OUT.name))
    assert out == Counter({f"c{n}".encode(): 1 for n in range(500)})
    client = given.kafka.client_arguments()
    group = AIOKafkaConsumer(group_id=f"{prefix}probe.{TOPIC.name}", enable_auto_commit=False, **client)
    await group.start()
    places = [TopicPartition(prefix + TOPIC.name, number) for number in range(3)]
    assert sum([await group.committed(place) or 0 for place in places]) == 500
    await group.stop()


async def test_an_emptied_database_catches_up_by_itself(given: ProbeSettings, watch: asyncpg.Connection) -> None:
    async with running(given) as runtime:
        await runtime.producer.publish([changed(f"c{n}") for n in range(50)])

        async def all_saved() -> bool:
            return await count(watch, "SELECT count(*) FROM saved") == 50

        await until(all_saved, "50 saved")
    await watch.execute("TRUNCATE saved; TRUNCATE consumer_offsets")
    async with running(given):
        await until(all_saved, "50 saved again, though the group had committed them")


async def test_a_poison_record_is_parked_alone_and_the_rest_is_saved(
    given: ProbeSettings, watch: asyncpg.Connection
) -> None:
    async def refuse_seven(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        published = await save(connection, batch)
        if any(event.key == "c7" for event in published):
            raise ValueError("seven is not to be had")
        return published

    async with running(given, refuse_seven) as runtime:
        await runtime.producer.publish([changed(f"c{n}") for n in range(40)])

        async def all_taken() -> bool:
            return await count(watch, "SELECT coalesce(sum(next_offset), 0)::int FROM consumer_offsets") == 40

        await until(all_taken, "every record taken or parked")
    saved = {row["code"] for row in await watch.fetch("SELECT code FROM saved")}
    assert saved == {f"c{n}" for n in range(40)} - {"c7"}
    parked = await watch.fetchrow("SELECT * FROM parked_records")
    assert parked is not None
    assert (parked["event_id"], parked["error"], parked["attempts"]) == ("id-c7", "ValueError", 4)
    dead = await records_of(given.kafka, f"{given.deployment.topic_prefix}{TOPIC.name}.probe.dlq")
    assert [record.key for record in dead] == [b"c7"]
    headers = dict(dead[0].headers)
    assert headers["firstbuy_error"] == b"ValueError"
    assert headers["firstbuy_origin"].startswith(f"{given.deployment.topic_prefix}{TOPIC.name}/".encode())
    assert headers["ce_id"] == b"id-c7"


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"no json", [("ce_type", b"kr.firstbuy.InstitutionChanged.v1"), ("ce_id", b"x")]),
        (b'{"institution":"\xff"}', [("ce_type", b"kr.firstbuy.InstitutionChanged.v1"), ("ce_id", b"x")]),
        (b'{"institution":"\\ud800"}', [("ce_type", b"kr.firstbuy.InstitutionChanged.v1"), ("ce_id", b"x")]),
        (b"{}", [("ce_type", b"\xff\xfe"), ("ce_id", b"x")]),
        (b"{}", []),
    ],
    ids=["no-json", "no-utf-8", "lone-surrogate", "binary-header", "no-headers"],
)
async def test_what_cannot_be_read_is_parked_at_once(
    given: ProbeSettings, watch: asyncpg.Connection, value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    producer = AIOKafkaProducer(**given.kafka.client_arguments())
    await producer.start()
    await producer.send_and_wait(given.deployment.topic_prefix + TOPIC.name, value, key=b"k", headers=headers)
    await producer.stop()
    async with running(given) as runtime:
        await runtime.producer.publish([changed("good")])

        async def both_taken() -> bool:
            saved = await count(watch, "SELECT count(*) FROM saved")
            return saved == 1 and await count(watch, "SELECT count(*) FROM parked_records") == 1

        await until(both_taken, "the good one saved, the other parked")
    assert await watch.fetchval("SELECT error FROM parked_records") == "unreadable-record"


async def test_a_flood_of_unreadable_records_is_parked_in_batches(
    given: ProbeSettings, watch: asyncpg.Connection
) -> None:
    """One at a time it would be a few hundred in a second (tests/bench/parking.py)."""
    name, flood = given.deployment.topic_prefix + TOPIC.name, 20_000
    producer = AIOKafkaProducer(**given.kafka.client_arguments())
    await producer.start()
    sent = [await producer.send(name, b"no json", headers=[("ce_id", b"%d" % n)]) for n in range(flood)]
    await asyncio.gather(*sent)
    await producer.stop()
    published: list[int] = []
    async with running(given) as runtime:
        publish_raw = runtime.producer.publish_raw

        async def counted(topic: str, records: Sequence[RawRecord]) -> None:
            published.append(len(records))
            await publish_raw(topic, records)

        runtime.producer.publish_raw = counted  # type: ignore[method-assign]
        await runtime.producer.publish([changed(f"good{n}") for n in range(3)])

        async def all_taken() -> bool:
            taken = await count(watch, "SELECT coalesce(sum(next_offset), 0)::int FROM consumer_offsets")
            return taken == flood + 3

        await until(all_taken, "everything taken or parked")
    assert len(published) < flood // 50
    assert await count(watch, "SELECT count(*) FROM saved") == 3
    assert await count(watch, "SELECT count(DISTINCT event_id) FROM parked_records") == flood
    dead = await records_of(given.kafka, f"{name}.probe.dlq")
    origins = {dict(record.headers)["firstbuy_origin"] for record in dead}
    parked = await watch.fetch('SELECT topic, partition, "offset" FROM parked_records')
    assert origins == {f"{topic}/{partition}/{offset}".encode() for topic, partition, offset in parked}


async def test_a_type_this_version_does_not_know_is_passed_over(
    given: ProbeSettings, watch: asyncpg.Connection
) -> None:
    async with running(given) as runtime:
        newer = Outgoing(
            topic=TOPIC.name,
            key="n",
            type="InstitutionMerged",
            id="n",
            subject="n",
            time=MOMENT,
            body=b'{"what":"a later event"}',
        )
        await runtime.producer.publish([newer, changed("good")])

        async def both_taken() -> bool:
            return await count(watch, "SELECT coalesce(sum(next_offset), 0)::int FROM consumer_offsets") == 2

        await until(both_taken, "both offsets passed")
    assert await count(watch, "SELECT count(*) FROM parked_records") == 0


async def test_it_waits_for_a_database_that_is_away_and_parks_nothing(
    given: ProbeSettings, watch: asyncpg.Connection, postgres_server: PostgresServer
) -> None:
    admin = await asyncpg.connect(postgres_server.url)
    name = str(given.database_url).rsplit("/", 1)[1]
    async with running(given) as runtime:
        await runtime.producer.publish([changed("before")])

        async def first_saved() -> bool:
            return await count(watch, "SELECT count(*) FROM saved") == 1

        await until(first_saved, "the first one saved")
        await watch.close()
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await runtime.producer.publish([changed(f"during{n}") for n in range(20)])
        await asyncio.sleep(2)
        assert "database" in await runtime.ready()
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        again = await asyncpg.connect(str(given.database_url))

        async def all_saved() -> bool:
            return await count(again, "SELECT count(*) FROM saved") == 21

        await until(all_saved, "all saved once the database is back")
        assert await count(again, "SELECT count(*) FROM parked_records") == 0
    await again.close()
    await admin.close()


async def test_two_replicas_share_the_partitions_and_pass_everything_on(
    given: ProbeSettings, watch: asyncpg.Connection
) -> None:
    other = given.model_copy(update={"replica": "1"})
    async with running(given) as one:
        await one.producer.publish([changed(f"a{n}") for n in range(100)])
        async with running(other) as two:
            await two.producer.publish([changed(f"b{n}") for n in range(100)])

            async def all_saved() -> bool:
                return await count(watch, "SELECT count(*) FROM saved") == 200

            await until(all_saved, "200 saved")
        await one.producer.publish([changed(f"c{n}") for n in range(100)])

        async def the_rest() -> bool:
            return await count(watch, "SELECT count(*) FROM saved") == 300

        await until(the_rest, "100 more, after one replica left", 40)
    out = await records_of(given.kafka, given.deployment.topic_prefix + OUT.name)
    assert len({record.key for record in out}) == 300

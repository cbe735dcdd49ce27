"""A flood of unreadable records: how many are parked a second, by one consumer on a real Kafka and PostgreSQL.

python -m tests.bench.parking [--records N]
"""

import argparse
import asyncio
import time

import asyncpg
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import running_kafka
from deploy.local.postgres import create_database, running_postgres
from deploy.local.state import PROJECT, State
from shared.service.logs import configure_logs
from shared.service.migrate import migrate
from tests.support.consuming import TOPIC, prepare, running, settings


async def flood(records: int) -> float:
    """Seconds from the consumer's start until all are parked, with their offsets saved."""
    with State.temporary() as state:
        async with running_kafka(state, fresh=True) as kafka, running_postgres(state, fresh=True) as postgres:
            url = await create_database(postgres.url, "parking")
            await migrate(url, PROJECT / "services/eligibility/migrations")
            given = settings(kafka.settings, "parking.", url)
            await prepare(given)
            producer = AIOKafkaProducer(**kafka.settings.client_arguments())
            await producer.start()
            sent = [await producer.send("parking." + TOPIC.name, b"no json", key=b"%d" % n) for n in range(records)]
            await asyncio.gather(*sent)
            await producer.stop()
            watch = await asyncpg.connect(url)
            started = time.perf_counter()
            async with running(given):
                while (await watch.fetchval("SELECT sum(next_offset) FROM consumer_offsets") or 0) < records:
                    await asyncio.sleep(0.05)
                seconds = time.perf_counter() - started
            assert await watch.fetchval("SELECT count(*) FROM parked_records") == records
            await watch.close()
            return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=100_000)
    configure_logs("probe", "bench", "CRITICAL")
    number = parser.parse_args().records
    took = asyncio.run(flood(number))
    print(f"parked {number:,} records in {took:.1f} s: {number / took:,.0f} a second")

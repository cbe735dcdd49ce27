"""Killed between two steps: what was saved and not published is published by the one that is started again."""

import asyncio
import json
import signal
from collections import Counter

import asyncpg
import httpx2
import pytest

from deploy.local.kafka import KafkaServer
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map

FIRMS = 40


@pytest.mark.apache_kafka
async def test_a_crash_between_commit_and_publish_loses_no_verdict(
    start_stack: StartStack, kafka_server: KafkaServer
) -> None:
    """Eligibility is held before its commit, the broker is stopped, the commit let through, and eligibility killed."""
    if kafka_server.process is None:
        pytest.skip("the broker is not ours to stop")
    stack = await start_stack(services=("intake", "eligibility"))
    database = await asyncpg.connect(stack.database_url("eligibility"))
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")

        async def held() -> bool:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'verdicts'::regclass"
            return bool(await database.fetchval(waiting))

        async def opened() -> bool:
            return bool(await database.fetchval("SELECT count(*) FROM rounds WHERE policy IS NOT NULL"))

        await until(opened, "the round is known")
        async with database.transaction():
            await database.execute("LOCK TABLE verdicts IN EXCLUSIVE MODE")
            await asyncio.gather(
                *(client.post(f"/rounds/{round_id}/applications", json=application(n)) for n in range(FIRMS))
            )
            await until(held, "a batch before its commit")
            await asyncio.sleep(0.5)
            kafka_server.process.send(signal.SIGSTOP)
        try:

            async def saved() -> bool:
                return bool(await database.fetchval("SELECT count(*) FROM verdicts"))

            await until(saved, "a batch after its commit, the broker standing still")
            await stack.kill("eligibility", stay_down=True)
        finally:
            kafka_server.process.send(signal.SIGCONT)
    in_database = await database.fetchval("SELECT count(*) FROM verdicts")
    await stack.restart("eligibility")

    async def published() -> Counter[str]:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}verdicts.v1")
        return Counter(json.loads(record.value)["application"] for record in records)

    async def all_published() -> bool:
        return len(await published()) == FIRMS

    assert in_database > 0
    await until(
        all_published, f"a verdict on each of {FIRMS} applications, {in_database} of them saved by the dead one"
    )
    assert await database.fetchval("SELECT count(*) FROM verdicts") == FIRMS
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}verdicts.v1")
    contents = {(dict(record.headers)["ce_id"], record.value) for record in records}
    assert len(contents) == FIRMS, "the same id never means two things"
    await database.close()

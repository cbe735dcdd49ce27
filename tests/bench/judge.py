"""Consume → judge → save → publish → commit, in one process, beside a COPY of the same rows and a handler per message.

python -m tests.bench.judge [--records N] [--turns T]

The three take turns on the same servers; ratios are medians over the turns.
Goals (issue 3): at least 0.15 of the COPY, at least 8 times the handler per message.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import yaml

from deploy.local.kafka import running_kafka
from deploy.local.postgres import create_database, drop_database, running_postgres
from deploy.local.state import State
from services.eligibility.storage.verdicts import COLUMNS
from services.intake.domain.entries import EntryVersion, entry_version
from shared.contracts import topics
from shared.contracts.policy import POLICY
from shared.kafka.cloudevents import Outgoing, event_id
from shared.kafka.producer import EventProducer
from shared.kafka.provision import provision
from shared.proof.canonical import json_hash
from shared.service.logs import configure_logs
from shared.service.migrate import migrate
from shared.service.settings import KafkaSettings
from shared.service.telemetry import open_metrics
from tests.bench.admission import body

PROJECT = Path(__file__).parents[2]
MIGRATIONS = PROJECT / "services/eligibility/migrations"
COPY_BATCH = 2000


def application(number: int) -> Outgoing:
    """The event intake publishes for an application."""
    sent = json.loads(body(number))
    facts = {name: sent[name] for name in ("track", "applicant", "product", "certificates")}
    identifier = str(uuid.UUID(int=number, version=4))
    now = datetime.now(UTC)
    stated: EntryVersion = entry_version(identifier, 1, now, f"{number:032x}", facts)
    content = (
        f'{{"application":"{identifier}","facts":{stated.facts},"nonce":"{stated.nonce}","party":"{identifier}",'
        f'"payload_hash":"{stated.payload_hash}","received_at":"{now.isoformat()}","round":"bench-1","version":1}}'
    )
    return Outgoing(
        topic=topics.APPLICATIONS.name,
        key=identifier,
        type="ApplicationSubmitted",
        id=event_id(identifier),
        subject=identifier,
        time=now,
        body=content.encode(),
    )


class Bench:
    """Servers that stand, and the turns taken on them."""

    def __init__(self, kafka: KafkaSettings, postgres: str, records: int) -> None:
        self._settings = kafka
        self._postgres = postgres
        self._records = records
        self._events = [application(number) for number in range(records)]

    async def worker(self, kind: str, prefix: str, database: str, records: int) -> float:
        """Records a second of a worker process on a topic and a database of its own."""
        needed = (*topics.CONSUMED["eligibility"], topics.VERDICTS, topics.AUDIT_HEADS)
        await provision(needed, self._settings, prefix)
        producer = EventProducer(self._settings, "intake", prefix, open_metrics())
        await producer.start()
        for at in range(0, records, 5000):
            await producer.publish(self._events[at : min(at + 5000, records)])
        await producer.stop()
        environment = os.environ | {
            **self._settings.as_environment(),
            "FIRSTBUY_TOPIC_PREFIX": prefix,
            "FIRSTBUY_ELIGIBILITY_DATABASE_URL": database,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.judge_worker", kind, str(records),
            stdout=asyncio.subprocess.PIPE, env=environment, cwd=PROJECT,
        )  # fmt: skip
        output, _ = await process.communicate()
        told = json.loads(output)
        return float(told["records"] / told["seconds"])

    async def database(self, name: str) -> str:
        """A migrated database that knows the bench's round."""
        url = await create_database(self._postgres, name)
        await migrate(url, MIGRATIONS)
        policy: Any = yaml.safe_load((PROJECT / "deploy/policies/2018-h2.yaml").read_text())
        policy = POLICY.dump_python(POLICY.validate_python(policy), mode="json", exclude_none=True)
        connection = await asyncpg.connect(url)
        await connection.execute(
            "INSERT INTO rounds (round, policy, policy_hash) VALUES ('bench-1', $1, $2)",
            json.dumps(policy),
            json_hash(policy),
        )
        await connection.close()
        return url

    async def copy(self, database: str) -> float:
        """Rows a second of a COPY of the rows the batches saved, 2,000 to a transaction as there."""
        connection = await asyncpg.connect(database)
        rows = [tuple(row) for row in await connection.fetch(f"SELECT {', '.join(COLUMNS)} FROM verdicts")]  # noqa: S608
        await connection.execute("CREATE TABLE copied (LIKE verdicts INCLUDING ALL)")
        started = time.perf_counter()
        for at in range(0, len(rows), COPY_BATCH):
            async with connection.transaction():
                await connection.copy_records_to_table(
                    "copied", records=rows[at : at + COPY_BATCH], columns=list(COLUMNS)
                )
        seconds = time.perf_counter() - started
        await connection.close()
        return len(rows) / seconds

    async def turn(self, number: int) -> dict[str, float]:
        names = [f"bench_judge_{kind}_{number}" for kind in ("batches", "each")]
        one, other = [await self.database(name) for name in names]
        figures = {
            "batches": await self.worker("batches", f"b{number}.", one, self._records),
            "each": await self.worker("each", f"e{number}.", other, self._records // 25),
            "copy": await self.copy(one),
        }
        for name in names:
            await drop_database(self._postgres, name)
        return figures


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--records", type=int, default=50_000)
    words.add_argument("--turns", type=int, default=3)
    asked, _ = words.parse_known_args()
    configure_logs("bench", "judge", "CRITICAL")
    with State.temporary() as state:
        async with running_kafka(state, fresh=True) as kafka, running_postgres(state, fresh=True) as postgres:
            bench = Bench(kafka.settings, postgres.url, asked.records)
            turns = [await bench.turn(number) for number in range(asked.turns)]
            print(f"judge: {kafka.kind} {kafka.version}, PostgreSQL {postgres.version}")
    for kind, words_for in (("batches", "eligibility"), ("copy", "COPY of its rows"), ("each", "handler per message")):
        print(f"  {words_for:20} {statistics.median(turn[kind] for turn in turns):8.0f} a second")
    for kind, words_for, goal in (("copy", "COPY", 0.15), ("each", "handler per message", 8.0)):
        ratio = statistics.median(turn["batches"] / turn[kind] for turn in turns)
        print(f"  eligibility / {words_for}: {ratio:.2f}  (goal: at least {goal})")


if __name__ == "__main__":
    asyncio.run(main())

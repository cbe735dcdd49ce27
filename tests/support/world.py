"""Eligibility and selection as they are, on real databases, around a log that can be disturbed at every step.

Their handlers, steps and jobs are the services' own. The log stands in for Kafka, so that a test can deliver twice,
lose, reorder among topics and partitions, and crash between any two steps; intake is a model whose truth is known.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.eligibility import handlers as eligibility
from services.eligibility import jobs as judging
from services.eligibility.usecases.judging import Judge
from services.eligibility.usecases.repairs import Repairs
from services.selection import handlers as selection
from services.selection import jobs as selecting
from services.selection.domain.draw import draw_key, seed_of
from services.selection.usecases.repairs import settle_lists
from shared.clock import SetClock
from shared.contracts import topics
from shared.contracts.findings import VerdictOutcome
from shared.contracts.topics import Topic
from shared.kafka.records import Decoder, Faulty
from shared.kafka.step import Handler, Step
from shared.kafka.storage import load_offsets, save_offsets, save_published
from shared.service.keys import SigningKey
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected, open_pool
from shared.service.telemetry import open_metrics, open_tracing
from tests.support.world_intake import Intake
from tests.support.world_log import PARTITIONS, Failing, Log, Own, Producer

LOSSY = (topics.APPLICATIONS.name, topics.VERDICTS.name, topics.PURCHASE_REQUESTS.name)
"""Topics whose effects are repaired, so that a test may lose a record of them."""
REPAIR_SECONDS = 1.0
Handlers = list[tuple[Topic, Handler]]
Jobs = dict[str, Callable[[], Awaitable[None]]]


class Service:
    """A service's consumers and jobs over its own database. What it holds in memory goes with each crash."""

    def __init__(self, name: str, pool: Pool, log: Log, clock: SetClock) -> None:
        self.name = name
        self.pool = pool
        self.log = log
        self.clock = clock
        self.dead: list[tuple[str, int]] = []
        self.position: dict[tuple[str, int], int] = {}
        self._saved: dict[str, bytes] | None = None
        self._begin()

    def _begin(self) -> None:
        self.own = Own(self.log)
        self.apart = Failing()
        self.outbox = OutboxPublisher(Producer(self.log, self.name))  # type: ignore[arg-type]
        handlers, self.jobs = self._eligibility() if self.name == "eligibility" else self._selection()
        self.steps = {
            topic.name: Step(
                lambda: self.pool, Decoder(topic), handler, self._dead_letter, open_metrics(), asyncio.Event()
            )
            for topic, handler in handlers
        }

    def _eligibility(self) -> tuple[Handlers, Jobs]:
        judge_all = Judge(self.clock.now, open_tracing("eligibility", "0", 0, "")[0])
        handlers: Handlers = [
            (topics.ROUNDS, eligibility.keep_rounds),
            (topics.APPLICATIONS, judge_all.take_applications),
            (topics.MILESTONES, eligibility.keep_completions),
            (topics.REPAIRS, Repairs(self.clock.now, REPAIR_SECONDS).take),
        ]
        jobs: Jobs = {
            "waiting": lambda: judging.judge_waiting(self.pool, judge_all, self.outbox),
            "complete": lambda: judging.complete_rounds(self.pool, self.outbox, self.clock, self.own, self.apart),  # type: ignore[arg-type]
            "repair": lambda: judging.ask_for_repair(self.pool, self.outbox, self.clock, REPAIR_SECONDS, self.apart),
        }
        return handlers, jobs

    def _selection(self) -> tuple[Handlers, Jobs]:
        handlers: Handlers = [
            (topics.ROUNDS, selection.keep_rounds),
            (topics.APPLICATIONS, selection.keep_applications),
            (topics.PURCHASE_REQUESTS, selection.keep_requests),
            (topics.VERDICTS, selection.keep_verdicts),
            (topics.MILESTONES, selection.keep_milestones),
            (topics.REPAIRS, settle_lists),
        ]
        jobs: Jobs = {
            "commit": lambda: selecting.commit_rounds(self.pool, self.outbox, self.clock, self.own, self.apart),  # type: ignore[arg-type]
            "repair": lambda: selecting.ask_for_repair(self.pool, self.outbox, self.clock, REPAIR_SECONDS, self.apart),
            "propose": lambda: selecting.propose_rounds(
                self.pool,
                self.outbox,
                self.clock,
                REPAIR_SECONDS,
                self.own,  # type: ignore[arg-type]
                self.apart,
            ),
            "publish": lambda: selecting.publish_rounds(
                self.pool, self.outbox, self.clock, SigningKey(lambda: [bytes(32)]), self.apart
            ),
        }
        return handlers, jobs

    async def _dead_letter(self, records: Sequence[Faulty]) -> None:
        self.dead += [(one.record.topic, one.record.offset) for one in records]

    async def deliver(self, topic: str, partition: int, count: int, *, crash: bool = False, again: int = 0) -> int:
        """The next `count` records, and before them `again` that were delivered already; how many were new."""
        begin = self.position.get((topic, partition), 0)
        records = self.log.partitions[topic, partition][max(0, begin - again) : begin + count]
        if not records:
            return 0
        events = await self.steps[topic].take(records, {})
        if crash:
            await self.restart()
            return len(records)
        self.log.append(events, self.name)
        end = records[-1].offset + 1
        await self.steps[topic].note_published({(topic, partition): end})
        self.position[topic, partition] = max(begin, end)
        return int(end - begin)

    async def lose(self, topic: str, partition: int) -> None:
        """The next record has no effect, as if somebody had deleted its row."""
        begin = self.position.get((topic, partition), 0)
        if begin >= len(self.log.partitions[topic, partition]):
            return
        async with connected(self.pool) as connection:
            await save_offsets(connection, {(topic, partition): begin + 1})
            await save_published(connection, {(topic, partition): begin + 1})
        self.position[topic, partition] = begin + 1

    async def run(self, job: str, *, crash: bool = False) -> None:
        self.clock.moment += timedelta(seconds=1)
        await self.jobs[job]()
        if crash:
            await self.restart()
            return
        while not self.outbox._handed.empty():  # the job waits for a first one
            await self.outbox.publish_handed(self.pool)

    async def restart(self) -> None:
        """A new process: it begins where the database says, and what was handed over in memory is gone."""
        self._begin()
        async with connected(self.pool) as connection:
            every = [(topic, number) for topic in self.steps for number in range(PARTITIONS.get(topic, 1))]
            self.position = await load_offsets(connection, every)

    async def sweep(self) -> None:
        await self.outbox.sweep(self.pool, 0)

    async def empty(self) -> None:
        async with connected(self.pool) as connection:
            await _empty(connection)
        await self.restart()

    async def save(self) -> None:
        """A backup."""
        self._saved = {}
        async with connected(self.pool) as connection:
            for table in await _tables(connection):
                content = io.BytesIO()
                await connection.copy_from_table(table, output=content, format="binary")
                self._saved[table] = content.getvalue()

    async def put_back(self) -> None:
        if self._saved is None:
            return
        async with connected(self.pool) as connection, connection.transaction():
            await _empty(connection)
            for table, content in self._saved.items():
                await connection.copy_to_table(table, source=io.BytesIO(content), format="binary")
        await self.restart()

    async def by_hand(self, statement: str) -> None:
        async with connected(self.pool) as connection:
            await connection.execute(statement)

    async def delete_one(self, table: str, choice: int) -> None:
        """By hand, and by somebody who should not have."""
        async with connected(self.pool) as connection:
            await connection.execute(
                f"DELETE FROM {table} WHERE ctid = (SELECT ctid FROM {table} ORDER BY application OFFSET $1 LIMIT 1)",  # noqa: S608
                choice,
            )


async def _empty(connection: Any) -> None:
    """Not by TRUNCATE, which makes new files for every table and index: of small ones that is the dearer way."""
    await connection.execute("; ".join(f"DELETE FROM {table}" for table in await _tables(connection)))  # noqa: S608


async def _tables(connection: Any) -> list[str]:
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%migrations%'"
    )
    return [row["tablename"] for row in rows]


class World:
    """Everything of one run."""

    def __init__(self, pools: dict[str, Pool]) -> None:
        self.clock = SetClock(datetime.now(UTC))
        self.log = Log()
        self.intake = Intake(self.log, self.clock)
        self.services = {name: Service(name, pool, self.log, self.clock) for name, pool in pools.items()}

    @classmethod
    async def begun(cls, pools: dict[str, Pool]) -> "World":
        world = cls(pools)
        for service in world.services.values():
            await service.empty()
        world.intake.open()
        return world

    async def settle(self) -> None:
        """Undisturbed from here on, it comes to its end: that is asserted."""
        intake = self.intake
        if not intake.frozen:
            intake.freeze()
        for each in intake.parked():
            intake.withdraw(each, act="11111111-1111-4111-8111-111111111111")
            intake.open_epoch()
        if any(epoch == len(intake.epochs) for _, epoch in intake.milestones):
            intake.open_epoch()  # what was deleted or altered after a completion is looked for in the next one
        for _ in range(40):
            await self.advance()
            if intake.is_done():
                break
            self.clock.moment += timedelta(minutes=10)
        assert intake.is_done(), "never proposed"
        intake.confirm()
        for _ in range(3):
            await self.advance()
        expected = sorted(intake.verdicts(len(intake.epochs)))
        for service in self.services.values():
            async with connected(service.pool) as connection:
                rows = await connection.fetch(
                    "SELECT DISTINCT ON (application) application::text, version, payload_hash, epoch, outcome, "
                    "findings_hash FROM verdicts WHERE application = ANY($1::uuid[]) "
                    "ORDER BY application, version DESC, epoch DESC",
                    intake.standing,
                )
            assert [tuple(row) for row in rows] == expected, service.name
        assert not any(row[4] == VerdictOutcome.PARKED for row in expected)
        await self._drawn_rightly()

    async def _drawn_rightly(self) -> None:
        """Everybody's key is of the first commitment they stood in, whatever epochs came since."""
        commitments = sorted(epoch for kind, epoch in self.intake.milestones if kind == "InputsCommitted")
        async with connected(self.services["selection"].pool) as connection:
            rows = await connection.fetch(
                "SELECT application::text, tickets, key FROM results WHERE epoch = $1 AND key IS NOT NULL",
                len(self.intake.epochs),
            )
        for row in rows:
            own = row["application"]
            first = next(
                epoch for epoch in commitments if any(leaf[0] == own for leaf in self.intake.epochs[epoch - 1].leaves)
            )
            root = self.intake.milestones["InputsCommitted", first].commitment_root
            assert row["key"] == draw_key(seed_of(root, self.intake.values[first]), own, row["tickets"]).hex()

    async def advance(self) -> None:
        """Everybody takes what there is, and does what is due."""
        for service in self.services.values():
            await service.sweep()
            for topic in service.steps:
                for number in range(PARTITIONS.get(topic, 1)):
                    await service.deliver(topic, number, 1000)
            for job in service.jobs:
                await service.run(job)
        self.intake.answer_repairs()
        self.intake.record_source()


async def pools_of(urls: dict[str, str]) -> dict[str, Pool]:
    return {name: await open_pool(url, 4, f"machine-{name}") for name, url in urls.items()}

"""The runtime of a service: pool, producer, consumers, background jobs, health. Only `app.py` opens it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from shared.contracts.topics import Topic, dead_letters
from shared.kafka.consumer import TopicConsumer, payload_of
from shared.kafka.deadletter import DeadLetters
from shared.kafka.producer import EventProducer
from shared.kafka.records import Decoder
from shared.kafka.redrive import Redrive
from shared.kafka.step import Handler, Step
from shared.service.by_round import ByRound
from shared.service.database import absence, close_pool, wait_for_database, wait_for_schema
from shared.service.measures import EVERY_SECONDS, Measures
from shared.service.postgres import Pool
from shared.service.repeating import Job, repeat
from shared.service.settings import ServiceSettings
from shared.service.telemetry import open_metrics, open_tracing

_log = structlog.get_logger()


class Runtime:
    """Parts are declared first, so that AsyncAPI can be rendered without a broker, then opened together."""

    def __init__(self, service: str, settings: ServiceSettings, migrations: Path | None = None) -> None:
        """`migrations`: those of the service's database. It opens once they have run; None waits for none."""
        self._migrations = migrations
        self.service = service
        self.settings = settings
        self.prefix = settings.deployment.topic_prefix
        self.metrics = open_metrics(service, settings.replica)
        self.measures = Measures(self.metrics, settings)
        self.tracing, self._tracer_provider = open_tracing(
            service, settings.replica, settings.deployment.trace_sample_ratio, settings.deployment.trace_endpoint
        )
        self.producer = EventProducer(settings.kafka, service, self.prefix, self.metrics)
        self.redrive = Redrive(settings.kafka)
        self.stopping = asyncio.Event()
        self._pool: Pool | None = None
        self._broker = KafkaBroker(
            settings.kafka.bootstrap_servers,
            security=settings.kafka.broker_security(),
            consumer_only=True,
            graceful_timeout=20,
            allow_auto_create_topics=False,
            logger=None,
            apply_types=False,
        )
        self._consumers: list[TopicConsumer] = []
        self._jobs: list[tuple[str, Job, float]] = [
            ("measures", lambda: self.measures.measure(self.pool), EVERY_SECONDS)
        ]
        self._described: set[str] = set()
        self._read_by_hand: set[str] = set()
        self._checks: dict[str, Callable[[], str | None]] = {}
        self._starting: str | None = "not started"

    @property
    def pool(self) -> Pool:
        """The open pool. Raises RuntimeError before `open`."""
        if self._pool is None:
            raise RuntimeError("the runtime is not open")
        return self._pool

    def consume(self, topic: Topic, handler: Handler) -> None:
        """Declares a consumer of `topic`."""
        step = Step(
            pool=lambda: self.pool,
            decoder=Decoder(topic),
            handle=handler,
            dead_letter=DeadLetters(self.producer, self.prefix, self.service),
            metrics=self.metrics,
            stopping=self.stopping,
        )
        self._consumers.append(
            TopicConsumer(
                self._broker,
                self.producer,
                step,
                topic,
                prefix=self.prefix,
                service=self.service,
                replica=self.settings.replica,
                batch_records=self.settings.batch_records,
            )
        )
        self.redrive.add(self.prefix + topic.name, step.decoder, handler)
        self._described.add(topic.name)
        self.publishes(dead_letters(topic.name, self.service))

    def publishes(self, topic: Topic) -> None:
        """Shows a topic that the service writes in its AsyncAPI; events are published through `producer`."""
        self._describe(topic, "written")

    def reads(self, topic: Topic) -> None:
        """Shows a topic in the AsyncAPI that the service reads without a group, with a consumer of its own."""
        self._read_by_hand.add(self._describe(topic, "read"))

    def _describe(self, topic: Topic, how: str) -> str:
        """Declares a channel. FastStream shows only the last of two channels with one title, so titles are unique."""
        title = f"{topic.name} ({how})" if topic.name in self._described else topic.name
        self._described.add(title)
        if how == "written" and "{" not in topic.name:
            self.metrics.published.labels(self.prefix + topic.name)
        self._broker.publisher(self.prefix + topic.name, schema=payload_of(topic), title=title)
        return title

    def needs(self, name: str, check: Callable[[], str | None]) -> None:
        """Adds a condition of readiness: `check` returns what is missing, or None."""
        self._checks[name] = check

    def job(self, name: str, job: Job, every: float) -> None:
        """Runs `job` every `every` seconds while the runtime is open; errors are logged, and it is retried."""
        self._jobs.append((name, job, every))

    def by_round(self, job: str) -> ByRound:
        """For a job that runs by round."""
        return ByRound(job, self.metrics.round_failures)

    def job_by_round(self, name: str, job: Callable[..., Awaitable[None]], every: float, *arguments: object) -> None:
        """A job that is called with the pool, the arguments and a `ByRound`."""
        by_round = self.by_round(name)
        self.job(name, lambda: job(self.pool, *arguments, by_round), every)

    @asynccontextmanager
    async def open(self, app: FastAPI) -> AsyncIterator[None]:
        """Opens everything for an app's lifespan. At the end it stops consumers, then the producer, then the pool."""
        self.stopping.clear()
        tasks: list[asyncio.Task[None]] = []
        try:
            self._starting = "waits for the database"
            self._pool = await wait_for_database(self.settings, self.service)
            if self._migrations is not None:
                await wait_for_schema(self._pool, self.service, self._migrations, self._waits)
            self._starting = "waits for Kafka"
            await self.producer.start()
            await self._start_consumers()
            tasks = [asyncio.create_task(repeat(*job), name=job[0]) for job in self._jobs]
            tasks.append(asyncio.create_task(self._watch(app), name="watchdog"))
            self._starting = None
            _log.info("started", service=self.service, topics=[consumer.topic.name for consumer in self._consumers])
            yield
        finally:
            self.stopping.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # No new batch is taken from here on; current ones are saved, published and committed while Kafka's clients
            # still run.
            with suppress(TimeoutError):
                async with asyncio.timeout(20):
                    await asyncio.gather(*(consumer.finish() for consumer in self._consumers))
            await self._broker.stop()
            await self.producer.stop()
            if self._pool is not None:
                await close_pool(self._pool)
                self._pool = None
            self._tracer_provider.shutdown()
            _log.info("stopped", service=self.service)

    def _waits(self, reason: str) -> None:
        self._starting = reason

    async def _start_consumers(self) -> None:
        pause = 0.2
        while self._consumers:
            try:
                await self._broker.start()
            except KafkaError as error:
                _log.warning("waits for Kafka", error=self.settings.kafka.unreachable(error))
                await self._broker.stop()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)
            else:
                return

    async def _watch(self, app: FastAPI) -> None:
        """Restarts a consumer whose task died; ends the process if publishing has failed for good."""
        while True:
            await asyncio.sleep(1)
            for consumer in self._consumers:
                if consumer.failure is not None:
                    _log.error("ends the process", topic=consumer.topic.name, error=str(consumer.failure))
                    app.state.exit_code = 1
                    app.state.server.should_exit = True
                    return
                consumer.lag()
                if consumer.dead():
                    await consumer.restart()

    def live(self) -> dict[str, str]:
        """Consumers that are stuck: no step while records wait."""
        limit = self.settings.step_seconds
        return {
            consumer.topic.name: f"no step for {limit} s with records waiting"
            for consumer in self._consumers
            if consumer.lag() > 0 and time.monotonic() - consumer.progressed_at > limit
        }

    async def ready(self) -> dict[str, str]:
        """What is missing before requests can be served, by name."""
        if self._starting is not None:
            return {"start": self._starting}
        missing = {consumer.topic.name: "no partitions yet" for consumer in self._consumers if not consumer.ready}
        missing |= {name: reason for name, check in self._checks.items() if (reason := check()) is not None}
        if not self.producer.ready:
            missing["producer"] = "not started"
        reason = await absence(self._pool) if self._pool is not None else "not open"
        if reason is not None:
            missing["database"] = reason
        return missing

    def asyncapi(self) -> dict[str, Any]:
        """The AsyncAPI document."""
        specification = AsyncAPI(self._broker, title=f"Firstbuy {self.service}", version="1", schema_version="3.0.0")
        document: dict[str, Any] = specification.to_specification().to_jsonable()
        for title in self._read_by_hand:
            document["operations"][title]["action"] = "receive"
        for channel in document["channels"].values():
            if named := re.findall(r"{(\w+)}", channel["address"]):
                channel["parameters"] = {name: {} for name in named}
        return document

"""Eligibility with registries that answer as a test says."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from services.eligibility import jobs as judging
from services.eligibility.domain.gate import Gate
from services.eligibility.storage import pending as waiting
from services.eligibility.storage import registry_answers
from services.eligibility.usecases.asking import Asking, RegistryMetrics, keep_answers
from services.eligibility.usecases.judging import Judge
from shared.clock import SetClock
from shared.contracts import topics
from shared.contracts.events import RegistryWaived
from shared.contracts.registries import Registry
from shared.kafka.cloudevents import event_id, outgoing
from shared.kafka.storage import read_up_to
from shared.service.postgres import Pool, connected, session_of
from shared.service.telemetry import open_tracing
from tests.support.registries import Local
from tests.support.world import Handlers, Jobs, Service
from tests.support.world_intake import OFFICERS, ROUND, Intake
from tests.support.world_log import STARTED, Log

STATUS, CERTIFICATES = Registry.BUSINESS_STATUS, Registry.CERTIFICATES


EAGER = Gate(calls_per_second=1e9, failures_to_open=3, first_pause=1e-9, open_pause=1e-9)


class _Own:
    """As `shared.kafka.own.OwnTopic`, over the log."""

    def __init__(self, log: Log) -> None:
        self._end = log.ends(topics.REGISTRY_ANSWERS.name)[0]

    async def read_back(self, pool: Pool) -> bool:
        async with connected(pool) as connection:
            read = await read_up_to(connection, topics.REGISTRY_ANSWERS.name)
        return read.get((topics.REGISTRY_ANSWERS.name, 0), 0) >= self._end


class Eligibility(Service):
    """With registries to ask."""

    def __init__(self, pool: Pool, log: Log, clock: SetClock, local: Local) -> None:
        self.local = local
        super().__init__("eligibility", pool, log, clock)

    def _eligibility(self) -> tuple[Handlers, Jobs]:
        handlers, jobs = super()._eligibility()
        judge = Judge(self.clock.now, open_tracing("eligibility", "0", 0, "")[0])
        metrics = RegistryMetrics.of(CollectorRegistry())
        self.askings = {
            adapter.registry: Asking(
                adapter.registry,
                adapter,
                EAGER,
                timedelta(hours=24),
                _Own(self.log),
                self.outbox,
                self.clock,
                metrics,
                lambda: 0.5,
            )
            for adapter in (self.local.business_status(2), self.local.certificates(2))
        }
        jobs |= {registry.value: partial(self.look, each) for registry, each in self.askings.items()}
        jobs["answered"] = lambda: judging.judge_answered(self.pool, judge, self.outbox)
        return [*handlers, (topics.REGISTRY_ANSWERS, keep_answers)], jobs

    async def look(self, asking: Asking) -> None:
        if not await asking.own.read_back(self.pool):
            return
        async with session_of(self.pool) as session:
            assert await registry_answers.take_lock(session, asking.registry)
            try:
                await asking.look(self.pool, session)
            finally:
                await registry_answers.release_lock(session, asking.registry)

    async def read(self, *named: str) -> None:
        """All there is of these topics, or of all of them."""
        for topic in named or [name for name in self.steps if name != topics.REPAIRS.name]:
            for number in self.log.ends(topic):
                while await self.deliver(topic, number, 500):
                    pass

    async def settle(self, looks: int = 3) -> None:
        """Reads, asks, judges, completes, as often as makes a difference."""
        for _ in range(looks):
            await self.read()
            for job in ("waiting", STATUS.value, CERTIFICATES.value):
                await self.run(job)
            await self.read(topics.REGISTRY_ANSWERS.name)
            for job in ("answered", "complete"):
                await self.run(job)

    async def pending(self, round_id: str = ROUND) -> int:
        async with connected(self.pool) as connection:
            return (await waiting.wait(connection, round_id)).applications


class World:
    def __init__(self, service: Eligibility, intake: Intake, local: Local) -> None:
        self.service, self.intake, self.local, self.log = service, intake, local, service.log

    def verdicts(self) -> dict[tuple[str, int, int], dict[str, Any]]:
        """What was published, by (application, version, epoch)."""
        found = {}
        for number in self.log.ends(topics.VERDICTS.name):
            for record in self.log.partitions[topics.VERDICTS.name, number]:
                said = json.loads(record.value)
                found[said["application"], said["version"], said["epoch"]] = said
        return found

    def outcomes(self) -> list[str]:
        return [each["outcome"] for each in self.verdicts().values()]

    def milestones(self) -> list[dict[str, Any]]:
        return [json.loads(record.value) for record in self.log.partitions[topics.MILESTONES.name, 0]]

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(record.value) for record in self.log.partitions[topics.REGISTRY_ANSWERS.name, 0]]

    def asked_for_repair(self) -> int:
        return len(self.log.partitions[topics.REPAIRS.name, 0])

    def state(self, number: int) -> str:
        """An application whose every statement the registries confirm."""
        identifier = self.intake.state(number, faulty=False, certified=True)
        facts = self.intake.applications[identifier].facts
        self.local.knows(facts.applicant.business_number)
        for stated in facts.certificates:
            said = {name: getattr(stated, name) for name in ("number", "issued_on", "expires_on", "grade")}
            self.local.certifies(said, facts.product.class_code)
        return identifier

    def number(self, identifier: str) -> str:
        return str(self.intake.applications[identifier].facts.applicant.business_number)

    def waive(self, registry: Registry) -> None:
        event = RegistryWaived(round=ROUND, actors=OFFICERS, reason="too long", registry=registry, waived_at=STARTED)
        identifier = event_id("waived", registry.value)
        sent = outgoing(topics.ROUNDS.name, ROUND, event, event_id=identifier, time=STARTED)
        self.log.append([sent], "intake")

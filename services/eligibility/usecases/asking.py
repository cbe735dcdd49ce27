"""Asks registries, one replica at a time, and publishes their answers before anything is judged by them.

An answer to (round, epoch, registry, subject) is never replaced, and no registry is asked before this service has read
back its own answers. So an emptied database comes to the same verdicts, whatever the registry answers by then.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from services.eligibility.adapters.registries.port import RegistryAdapter
from services.eligibility.domain.gate import Circuit, Gate
from services.eligibility.storage import pending, registry_answers
from services.eligibility.storage.registry_answers import RoundEpoch, StoredAnswer
from shared.clock import Clock
from shared.contracts import topics
from shared.contracts.events import RegistryAnswered
from shared.contracts.registries import Registry, RegistryAnswer, RegistryOutcome
from shared.kafka.cloudevents import Outgoing, outgoing
from shared.kafka.records import events_of
from shared.kafka.step import Incoming
from shared.proof.canonical import sha256_hex
from shared.service import audit
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool, connected, session_of
from shared.service.registry_calls import RegistryAwayError, RegistryFailureError, UnsoundAnswerError

_AT_ONCE: Final = 1000
"""Most answers saved in one transaction that needed no call."""
_CALLS: Final = 20
"""Most calls between looks."""
_LOOKED_AGAIN: Final = 1.0
"""Seconds after which an asker checks whether anything is left to ask."""
_log = structlog.get_logger()


class ReadBack(Protocol):
    """The interface of `shared.kafka.own.OwnTopic`."""

    async def read_back(self, pool: Pool) -> bool: ...


@dataclass(frozen=True, slots=True)
class RegistryMetrics:
    """Metrics of all registries, labelled by registry."""

    calls: Counter
    answers: Counter
    waiting: Gauge
    open: Gauge

    @classmethod
    def of(cls, registry: CollectorRegistry) -> "RegistryMetrics":
        """Registers the metrics."""
        made = cls(
            Counter("firstbuy_registry_calls", "Calls to registries", ["registry", "outcome"], registry=registry),
            Counter("firstbuy_registry_answers", "Answers kept", ["registry", "outcome"], registry=registry),
            Gauge("firstbuy_registry_waiting", "Subjects not answered yet", ["registry"], registry=registry),
            Gauge("firstbuy_registry_circuit_open", "1 while it is hardly asked", ["registry"], registry=registry),
        )
        for asked in Registry:
            made.calls.labels(asked.value, "answered")
            for outcome in RegistryOutcome:
                made.answers.labels(asked.value, outcome.value)
            made.waiting.labels(asked.value)
            made.open.labels(asked.value)
        return made


async def keep_answers(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores answers that this service published: from here on they may be judged by."""
    published = events_of(batch, RegistryAnswered)
    await registry_answers.save_published(
        connection,
        [
            StoredAnswer(RoundEpoch(event.body.round, event.body.epoch), event.body.answer, event.appended_at)
            for event in published
        ],
    )
    return ()


@dataclass(slots=True)
class Asking:
    """The job of one registry in one replica; `adapter` is None where no address is set."""

    registry: Registry
    adapter: RegistryAdapter | None
    gate: Gate
    fresh_for: timedelta
    """How old an answer may be to be reused for another application or round (real time)."""
    own: ReadBack
    outbox: OutboxPublisher
    clock: Clock
    metrics: RegistryMetrics
    chance: Callable[[], float]
    reported_unset: int = field(default=0, init=False)

    async def ask(self, pool: Pool) -> None:
        """Runs until everything is answered. Keeps the lock meanwhile, also during pauses: another replica would double
        the calls."""
        async with connected(pool) as connection:
            if not await registry_answers.unanswered(connection, self.registry):
                return
        if not await self.own.read_back(pool):
            return
        async with session_of(pool) as session:
            if not await registry_answers.take_lock(session, self.registry):
                return
            while await self.look(pool, session):
                pass
            await registry_answers.release_lock(session, self.registry)

    async def look(self, pool: Pool, session: Connection) -> bool:
        """One look in the session that holds the lock, with calls until one fails; False if nothing is left to ask."""
        await pending.prune(session)
        await self._answer_unasked(pool)
        left = await registry_answers.unanswered(session, self.registry)
        self.metrics.waiting.labels(self.registry.value).set(left)
        if not left:
            return False
        if self.adapter is None:
            self._report_unset(left)
            return False
        pause = self.gate.wait(time.monotonic())
        if pause:
            await asyncio.sleep(min(pause, _LOOKED_AGAIN))
            return True
        until = time.monotonic() + _LOOKED_AGAIN
        for wanted in await registry_answers.wanted(session, self.registry, self.adapter.at_once, _CALLS):
            await asyncio.sleep(self.gate.wait(time.monotonic()))
            if not await self._call(pool, self.adapter, wanted) or time.monotonic() > until:
                break
        return True

    async def _answer_unasked(self, pool: Pool) -> None:
        """Stores answers that officers waived, and recent answers to the same question of others."""
        now = self.clock.now()
        async with self.outbox.transaction(pool) as (connection, events):
            waived = await registry_answers.waived(connection, self.registry, _AT_ONCE)
            reusable = await registry_answers.reusable(connection, self.registry, now - self.fresh_for, _AT_ONCE)
            given_up = [StoredAnswer(place, self._waived(subject, now), now) for place, subject in waived]
            known = {(heard.place, heard.answer.subject) for heard in given_up}
            again = [heard for heard in reusable if (heard.place, heard.answer.subject) not in known]
            events += await self._save(connection, [*given_up, *again], now)

    def _waived(self, subject: str, now: datetime) -> RegistryAnswer:
        return RegistryAnswer(registry=self.registry, subject=subject, outcome=RegistryOutcome.WAIVED, said_at=now)

    async def _call(self, pool: Pool, adapter: RegistryAdapter, wanted: Mapping[str, Sequence[RoundEpoch]]) -> bool:
        """Asks once and saves the answers; False when the call failed."""
        self.gate = self.gate.called(time.monotonic())
        now = self.clock.now()
        try:
            answers = await adapter.ask(list(wanted), now)
        except RegistryFailureError as error:
            await self._failed(pool, error, list(wanted))
            return False
        if self.gate.failures:
            _log.info("registry answers again", registry=self.registry.value, failures=self.gate.failures)
        self.gate = self.gate.answered()
        self.metrics.open.labels(self.registry.value).set(0)
        self.metrics.calls.labels(self.registry.value, "answered").inc()
        heard = [StoredAnswer(place, answer, now) for answer in answers for place in wanted[answer.subject]]
        async with self.outbox.transaction(pool) as (connection, events):
            await registry_answers.read_well(connection, self.registry, list(wanted))
            events += await self._save(connection, heard, now)
        return True

    async def _failed(self, pool: Pool, error: RegistryFailureError, subjects: Sequence[str]) -> None:
        retry_after = error.retry_after if isinstance(error, RegistryAwayError) else 0.0
        self.gate = self.gate.failed(time.monotonic(), retry_after, self.chance())
        self.metrics.open.labels(self.registry.value).set(self.gate.circuit is Circuit.OPEN)
        self.metrics.calls.labels(self.registry.value, type(error).__name__).inc()
        if isinstance(error, UnsoundAnswerError):
            async with connected(pool) as connection:
                await registry_answers.misread(connection, self.registry, subjects)
        _log.warning(
            "registry does not answer",
            registry=self.registry.value,
            subjects=len(subjects),
            error=type(error).__name__,
            detail=str(error),
            failures=self.gate.failures,
            circuit=self.gate.circuit.value,
            again_in_seconds=round(self.gate.wait(time.monotonic()), 1),
        )

    async def _save(self, connection: Connection, heard: Iterable[StoredAnswer], now: datetime) -> list[Outgoing]:
        """The new answers as events, and one row of the audit log for all of them."""
        listed = list(heard)
        maps = await registry_answers.time_maps(connection, {each.place.round for each in listed})
        saved = await registry_answers.save_answers(
            connection,
            [
                replace(each, answer=replace(each.answer, said_at=maps[each.place.round].programme(each.heard_at)))
                for each in listed
            ],
        )
        events = [answered_event(place, answer, now) for place, answer in saved]
        for _, answer in saved:
            self.metrics.answers.labels(self.registry.value, answer.outcome.value).inc()
        if events:
            detail = {"registry": self.registry.value, "answers": len(events)}
            sealed = {"answers": [[event.id, sha256_hex(event.body or b"")] for event in events]}
            head = await audit.record(connection, "eligibility", now, "eligibility", "RegistryAnswered", detail, sealed)
            events.append(head)
        return events

    def _report_unset(self, left: int) -> None:
        if left != self.reported_unset:
            _log.error("registry of a policy has no address set", registry=self.registry.value, waiting=left)
        self.reported_unset = left


def answered_event(place: RoundEpoch, answer: RegistryAnswer, now: datetime) -> Outgoing:
    """An answer as its event, under a random id that is kept with it until it is published.

    An id made of the firm's number would name the firm, since all numbers can be tried.
    """
    event = RegistryAnswered(round=place.round, epoch=place.epoch, answer=answer)
    identifier = str(uuid.uuid4())
    return outgoing(topics.REGISTRY_ANSWERS.name, place.round, event, event_id=identifier, time=now)

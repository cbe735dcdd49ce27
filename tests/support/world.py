"""Eligibility and selection as they are, on real databases, around a log that can be disturbed at every step.

Their handlers, steps and jobs are the services' own. The log stands in for Kafka, so that a test can deliver twice,
lose, reorder among topics and partitions, and crash between any two steps; intake is a model whose truth is known.
"""

import asyncio
import io
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pydantic import TypeAdapter

from services.eligibility import handlers as eligibility
from services.eligibility import jobs as judging
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.eligibility.usecases.judging import Judge
from services.eligibility.usecases.repairs import Repairs
from services.intake.domain.entries import state_version
from services.intake.usecases.entry_events import submitted_event
from services.intake.usecases.round_events import round_event
from services.selection import handlers as selection
from services.selection import jobs as selecting
from services.selection.domain.draw import draw_key, seed_of
from services.selection.usecases.repairs import settle_lists
from shared.clock import SetClock
from shared.contracts import topics
from shared.contracts.events import (
    ApplicationWithdrawn,
    BucketRequested,
    EligibilityCompleted,
    EpochOpened,
    InputsCommitted,
    Invitation,
    Manifest,
    PurchaseRequestAccepted,
    RepairSubject,
    RoundFrozen,
    RoundOpened,
    SelectionConfirmed,
    SelectionProposed,
    Source,
    SourceKind,
    SourceValueRecorded,
)
from shared.contracts.facts import ApplicationFacts, RequestFacts
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import POLICY
from shared.contracts.topics import Topic
from shared.contracts.values import Actor
from shared.kafka.cloudevents import Outgoing, event_id, headers_of, outgoing, type_name
from shared.kafka.records import Decoder
from shared.kafka.step import Handler, Step
from shared.kafka.storage import load_offsets, read_up_to, save_offsets, save_published
from shared.proof.canonical import canonical_json, json_hash
from shared.proof.merkle import Digest, bucket_of, digest_of
from shared.service.by_round import ByRound
from shared.service.keys import SigningKey
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, connected, open_pool
from shared.service.repairs import in_bucket, listed
from shared.service.telemetry import open_metrics, open_tracing
from tests.support.rounds import application, policy_2018_h2

ROUND = "machine"
PARTITIONS = {topics.APPLICATIONS.name: 2, topics.VERDICTS.name: 2}
LOSSY = (topics.APPLICATIONS.name, topics.VERDICTS.name, topics.PURCHASE_REQUESTS.name)
"""Topics whose effects are repaired, so that a test may lose a record of them."""
OFFICERS = (Actor(name="one", role="officer"), Actor(name="two", role="officer"))
STARTED = datetime(2018, 9, 14, 9, tzinfo=UTC)
REPAIR_SECONDS = 1.0
_FACTS = TypeAdapter(ApplicationFacts)
_REQUEST = TypeAdapter(RequestFacts)
Leaf = tuple[Any, ...]
Handlers = list[tuple[Topic, Handler]]
Jobs = dict[str, Callable[[], Awaitable[None]]]


class Log:
    """Topics in memory. One event id means one thing for ever: that is asserted of every record."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], list[Any]] = defaultdict(list)
        self.contents: dict[str, Any] = {}
        self.heard: Callable[[str, bytes], None] = lambda kind, body: None

    def ends(self, topic: str) -> dict[int, int]:
        return {number: len(self.partitions[topic, number]) for number in range(PARTITIONS.get(topic, 1))}

    def append(self, events: Sequence[Outgoing], source: str) -> None:
        for event in events:
            headers = headers_of(event, source)
            if event.topic == topics.AUDIT_HEADS.name:
                continue  # an emptied service begins its chain anew; nobody here reads it
            timed = dict(headers)["ce_time"] if event.topic == topics.MILESTONES.name else b""
            content = (event.type, event.body, timed)
            assert self.contents.setdefault(event.id, content) == content, f"{event.type} {event.id} means two things"
            self.append_raw(event.topic, event.key, event.body, headers)
            self.heard(event.type, event.body or b"")

    def append_raw(self, topic: str, key: str, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> None:
        number = bucket_of(key) % PARTITIONS.get(topic, 1)
        partition = self.partitions[topic, number]
        moment = int(STARTED.timestamp() * 1000)
        record = {"topic": topic, "partition": number, "offset": len(partition), "key": key.encode(), "value": value}
        partition.append(SimpleNamespace(**record, headers=tuple(headers), timestamp=moment))


class _Producer:
    """What an outbox publishes with."""

    def __init__(self, log: Log, source: str) -> None:
        self._log = log
        self._source = source

    async def publish(self, events: Sequence[Outgoing]) -> None:
        self._log.append(events, self._source)


class _Own:
    """As `shared.kafka.own.OwnTopic`, over the log."""

    def __init__(self, log: Log) -> None:
        self._end = log.ends(topics.MILESTONES.name)[0]

    async def read_back(self, pool: Pool) -> bool:
        async with connected(pool) as connection:
            read = await read_up_to(connection, topics.MILESTONES.name)
        return read.get((topics.MILESTONES.name, 0), 0) >= self._end


class _Failing(ByRound):
    """Nothing may fail here: what does ends the test."""

    def __init__(self) -> None:
        super().__init__("any", open_metrics().round_failures)

    async def each(self, due: Iterable[Any], round_of: Any, work: Callable[[Any], Awaitable[object]]) -> None:
        for one in due:
            await work(one)


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
        self.own = _Own(self.log)
        self.apart = _Failing()
        self.outbox = OutboxPublisher(_Producer(self.log, self.name))  # type: ignore[arg-type]
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
                self.pool, self.outbox, self.clock, SigningKey(bytes(32)), self.apart
            ),
        }
        return handlers, jobs

    async def _dead_letter(self, record: Any, code: str, detail: str, attempts: int) -> None:
        self.dead.append((record.topic, record.offset))

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


@dataclass
class Stated:
    """An application as the model of intake has it."""

    number: int
    faulty: bool
    events: list[Outgoing] = field(default_factory=list)
    leaf: Leaf = ()
    facts: Any = None
    nonce: str = ""
    withdrawn: bool = False


@dataclass(frozen=True)
class Epoch:
    """A frozen set, and since when each of its applications is to be judged."""

    leaves: tuple[Leaf, ...]
    judged_in: dict[str, int]

    @property
    def digest(self) -> Digest:
        return digest_of(self.leaves)


class Intake:
    """The model of intake: what is true, told to the log."""

    def __init__(self, log: Log, clock: SetClock) -> None:
        self.log = log
        self.clock = clock
        self.applications: dict[str, Stated] = {}
        self.epochs: list[Epoch] = []
        self.values: dict[int, str] = {}
        self.milestones: dict[tuple[str, int], Any] = {}
        self.read_repairs = 0
        self.confirmed = 0
        policy = policy_2018_h2()
        for track in policy["tracks"]:
            for condition in track["conditions"]:
                if condition["rule"] == "sales-or-credit":
                    condition["parameters"]["credit_at_least"] = "ZZZ"
        self.policy = POLICY.dump_python(POLICY.validate_json(_json(policy)), mode="json", exclude_none=True)
        self.rules = PolicyRules.compile(POLICY.validate_python(self.policy, strict=False), json_hash(self.policy))
        self.requests = [self._request(number) for number in range(3)]
        log.heard = self.heard

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def open(self) -> None:
        opened = RoundOpened(
            round=ROUND,
            actors=OFFICERS,
            reason="begins",
            title="Machine",
            opens_at=STARTED - timedelta(days=1),
            closes_at=STARTED,
            policy=POLICY.validate_python(self.policy, strict=False),
            policy_hash=json_hash(self.policy),
            lead_seconds=60,
            sources=(Source(source="lotto", kind=SourceKind.RFC3797, period_seconds=60, description="six"),),
            institutions=(Invitation(institution="kepco", pledge_won=50_000_000),),
        )
        body = canonical_json({**opened.model_dump(mode="json"), "policy": self.policy})
        self.log.append([replace(round_event(opened, "opened", 0, STARTED), body=body)], "intake")
        self.log.append([event for event, _ in self.requests], "intake")

    def _request(self, number: int) -> tuple[Outgoing, Leaf]:
        facts = _REQUEST.validate_python({"class_code": "41112201", "quantity": 3, "budget_won": 9_000_000})
        stated = state_version(
            f"kepco/r{number}", 1, STARTED, f"{number:032x}", _REQUEST.dump_python(facts, mode="json")
        )
        event = PurchaseRequestAccepted(
            round=ROUND,
            request=stated.identifier,
            institution="kepco",
            version=1,
            received_at=STARTED,
            nonce=stated.nonce,
            payload_hash=stated.payload_hash,
            facts=facts,
        )
        identifier = event_id("purchase-request", stated.identifier, 1)
        sent = outgoing(topics.PURCHASE_REQUESTS.name, stated.identifier, event, event_id=identifier, time=STARTED)
        return sent, (stated.identifier, 1, stated.payload_hash)

    def state(self, number: int, *, faulty: bool, certified: bool) -> str:
        """A first version of firm `number`'s product, or a resubmission of it."""
        identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, f"application {number}"))
        body = application(number, price_won=1_000_000 + 10_000 * number)
        body.pop("contact")
        if faulty:
            body["applicant"] |= {"credit_grade": "BBB", "annual_sales_won": 1}
        if not certified:
            body["certificates"] = []
        facts = _FACTS.validate_json(_json(body))
        stated = self.applications.setdefault(identifier, Stated(number, faulty))
        version = len(stated.events) + 1
        dumped = _FACTS.dump_python(facts, mode="json", exclude_none=True)
        made = state_version(identifier, version, STARTED, f"{number * 1000 + version:032x}", dumped)
        stated.faulty, stated.facts, stated.withdrawn = faulty, facts, False
        stated.leaf, stated.nonce = (identifier, version, made.payload_hash), made.nonce
        party = str(uuid.uuid5(uuid.NAMESPACE_URL, f"party {number}"))
        stated.events.append(submitted_event(ROUND, party, made, None))
        self.log.append(stated.events[-1:], "intake")
        return identifier

    def withdraw(self, identifier: str, act: str | None = None) -> None:
        stated = self.applications[identifier]
        version = len(stated.events) + 1
        event = ApplicationWithdrawn(
            round=ROUND,
            application=identifier,
            party=str(uuid.uuid5(uuid.NAMESPACE_URL, f"party {stated.number}")),
            version=version,
            received_at=STARTED,
            act=act,
        )
        said = event_id("application", identifier, version)
        stated.events.append(outgoing(topics.APPLICATIONS.name, identifier, event, event_id=said, time=STARTED))
        stated.withdrawn = True
        self.log.append(stated.events[-1:], "intake")

    @property
    def standing(self) -> list[str]:
        return sorted(each for each, stated in self.applications.items() if not stated.withdrawn)

    @property
    def frozen(self) -> bool:
        return bool(self.epochs)

    def _leaves(self) -> tuple[Leaf, ...]:
        return tuple(self.applications[each].leaf for each in self.standing)

    def freeze(self) -> None:
        self.epochs.append(Epoch(self._leaves(), dict.fromkeys(self.standing, 1)))
        frozen = RoundFrozen(
            round=ROUND,
            actors=OFFICERS,
            reason="is over",
            epoch=1,
            frozen_at=self.now,
            closes_at=STARTED,
            applications=_manifest(self.epochs[0].digest),
            requests=_manifest(digest_of(leaf for _, leaf in self.requests)),
            pledges=(Invitation(institution="kepco", pledge_won=50_000_000),),
        )
        self.log.append([round_event(frozen, "frozen", 1, self.now)], "intake")

    def open_epoch(self, again: Sequence[str] = (), *, judge_all: bool = False, admitted: Sequence[str] = ()) -> None:
        number = len(self.epochs) + 1
        changed = {*again, *admitted, *(self.standing if judge_all else ())}
        judged_in = {
            each: number if each in changed else self.epochs[-1].judged_in.get(each, 1) for each in self.standing
        }
        self.epochs.append(Epoch(self._leaves(), judged_in))
        opened = EpochOpened(
            round=ROUND,
            actors=OFFICERS,
            reason="an act",
            epoch=number,
            opened_at=self.now,
            applications=_manifest(self.epochs[-1].digest),
            requests=_manifest(digest_of(leaf for _, leaf in self.requests)),
            judge_again=tuple(sorted({*again, *admitted})),
            judge_all=judge_all,
            admitted=tuple(admitted),
            supplementary_source="lotto" if admitted else None,
        )
        self.log.append([round_event(opened, "epoch", number, self.now)], "intake")

    def parked(self) -> list[str]:
        return [each for each in self.standing if self.applications[each].faulty]

    def answer_repairs(self) -> None:
        records = self.log.partitions[topics.REPAIRS.name, 0]
        for record in records[self.read_repairs :]:
            headers = dict(record.headers)
            if type_name(headers["ce_type"].decode()) != BucketRequested.__name__:
                continue
            asked = BucketRequested.model_validate_json(record.value)
            if asked.epoch != len(self.epochs) or asked.subject is RepairSubject.VERDICTS:
                continue
            of_applications = asked.subject is RepairSubject.APPLICATIONS
            leaves = self._leaves() if of_applications else [leaf for _, leaf in self.requests]
            answer = listed(asked, headers["ce_id"].decode(), in_bucket(leaves, asked.bucket), self.now)
            newest = [stated.events[-1] for stated in self.applications.values()] if of_applications else []
            rows = newest or [event for event, _ in self.requests]
            self.log.append([answer, *(row for row in rows if bucket_of(row.key) == asked.bucket)], "intake")
        self.read_repairs = len(records)

    def record_source(self) -> None:
        """The values that are awaited; never one before its commitment was published."""
        for (kind, epoch), said in sorted(self.milestones.items()):
            if kind != "InputsCommitted" or epoch in self.values:
                continue
            if epoch == said.seed_epoch or said.supplementary:
                self.values[epoch] = f"{epoch}.{len(self.values) + 7}./"
                recorded = SourceValueRecorded(
                    round=ROUND,
                    actors=OFFICERS,
                    reason="is due",
                    epoch=epoch,
                    source="lotto",
                    value=self.values[epoch],
                    due_at=self.now,
                    recorded_at=self.now,
                )
                self.log.append([round_event(recorded, "source", epoch, self.now)], "intake")

    def confirm(self) -> None:
        epoch = len(self.epochs)
        proposed: SelectionProposed | None = self.milestones.get(("SelectionProposed", epoch))
        if proposed is None or self.confirmed == epoch:
            return
        self.confirmed = epoch
        confirmed = SelectionConfirmed(
            round=ROUND,
            actors=OFFICERS,
            reason="recomputed",
            epoch=epoch,
            commitment_root=proposed.commitment_root,
            selection_root=proposed.selection_root,
            confirmed_at=self.now,
        )
        self.log.append([round_event(confirmed, "confirmed", epoch, self.now)], "intake")

    def verdicts(self, epoch: int) -> list[Leaf]:
        """What has to be judged in that epoch, by the rules themselves."""
        of = self.epochs[epoch - 1]
        leaves = []
        for identifier, version, payload in of.leaves:
            verdict = judge(self.applications[identifier].facts, self.rules, self.applications[identifier].nonce)
            judged = (of.judged_in[identifier], verdict.outcome.value, verdict.findings_hash)
            leaves.append((identifier, version, payload, *judged))
        return leaves

    def heard(self, kind: str, body: bytes) -> None:
        """Every milestone is held against what is true."""
        if kind == "EligibilityCompleted":
            completed = EligibilityCompleted.model_validate_json(body)
            of = self.epochs[completed.epoch - 1]
            faulty = [each for each, _, _ in of.leaves if self.applications[each].faulty]
            assert not faulty, "completed around what is parked"
            assert completed.applications_root == of.digest.root
            assert completed.verdicts.root == digest_of(self.verdicts(completed.epoch)).root
            self.milestones[kind, completed.epoch] = completed
        elif kind == "InputsCommitted":
            committed = InputsCommitted.model_validate_json(body)
            known = ("InputsCommitted", committed.epoch) in self.milestones
            assert known or committed.epoch not in self.values, "a value was known before the commitment"
            assert committed.applications_root == self.epochs[committed.epoch - 1].digest.root
            assert committed.verdicts_root == digest_of(self.verdicts(committed.epoch)).root
            assert committed.requests_root == digest_of(leaf for _, leaf in self.requests).root
            self.milestones[kind, committed.epoch] = committed
        elif kind == "SelectionProposed":
            proposed = SelectionProposed.model_validate_json(body)
            first = min(epoch for name, epoch in self.milestones if name == "InputsCommitted")
            root = self.milestones["InputsCommitted", first].commitment_root
            assert proposed.seed == seed_of(root, self.values[first]), "another seed than the round's one"
            self.milestones[kind, proposed.epoch] = proposed

    def is_done(self) -> bool:
        return ("SelectionProposed", len(self.epochs)) in self.milestones


def _manifest(digest: Digest) -> Manifest:
    return Manifest(count=digest.count, root=digest.root, counts=digest.counts, roots=digest.roots)


def _json(value: Any) -> bytes:
    return TypeAdapter(Any).dump_json(value)


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

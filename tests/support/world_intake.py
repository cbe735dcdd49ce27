"""Intake as other services see it: what it publishes, and its answers to repairs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from services.intake.domain.entries import entry_version
from services.intake.usecases.entry_events import submitted_event
from services.intake.usecases.round_events import round_event
from services.selection.domain.draw import seed_of
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
from shared.contracts.policy import POLICY
from shared.contracts.values import Actor
from shared.kafka.cloudevents import Outgoing, event_id, outgoing, type_name
from shared.proof.canonical import canonical_json, json_hash
from shared.proof.merkle import Digest, bucket_of, digest_of
from shared.service.repairs import in_bucket, listed
from tests.support.rounds import application, policy_2018_h2
from tests.support.world_log import STARTED, Log

ROUND = "machine"


OFFICERS = (Actor(name="one", role="officer"), Actor(name="two", role="officer"))


_FACTS = TypeAdapter(ApplicationFacts)


_REQUEST = TypeAdapter(RequestFacts)


Leaf = tuple[Any, ...]


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
        stated = entry_version(
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
        made = entry_version(identifier, version, STARTED, f"{number * 1000 + version:032x}", dumped)
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

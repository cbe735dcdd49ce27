"""Kafka in: a round's turns, and the applications to judge."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from pydantic import TypeAdapter
from pydantic_core import from_json

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.completion import JudgedIn
from services.eligibility.domain.counterfactual import counterfactual
from services.eligibility.domain.judge import Verdict, judge, parked
from services.eligibility.storage import rounds, verdicts
from services.eligibility.storage.verdicts import StoredVerdict
from shared.canonical import json_hash, payload_hash
from shared.contracts import topics
from shared.contracts.events import (
    ApplicationSubmitted,
    ApplicationWithdrawn,
    EligibilityCompleted,
    EpochOpened,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
)
from shared.contracts.findings import Change, VerdictOutcome
from shared.kafka.cloudevents import Outgoing, event_id
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.postgres import Connection
from shared.telemetry import Tracing

_log = structlog.get_logger()
_FIRST: Final = JudgedIn()
_CHANGES: Final = TypeAdapter(tuple[Change, ...])


class PayloadHashError(ValueError):
    """The facts are not those the hash was made of: nothing is judged on them."""

    code = "payload-hash"


class PolicyHashError(ValueError):
    """The policy is not the one the opening's hash was made of."""

    code = "policy-hash"


async def keep_rounds(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case RoundOpened() as opened:
                policy = from_json(event.raw)["policy"]
                if json_hash(policy) != opened.policy_hash:
                    raise PolicyHashError(f"round {opened.round}: policy and policy_hash differ")
                rehearsal = opened.rehearsal.model_dump(mode="json") if opened.rehearsal else None
                await rounds.save_opened(connection, opened.round, policy, opened.policy_hash, rehearsal)
            case RoundFrozen() as frozen:
                await rounds.save_frozen(connection, frozen.round, frozen.epoch, frozen.applications)
            case EpochOpened() as next_epoch:
                await rounds.save_epoch(connection, next_epoch)
            case RoundVoided() as voided:
                await rounds.save_void(connection, voided.round)
    return ()


async def keep_completions(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """What this service itself said."""
    for event in events_of(batch, EligibilityCompleted):
        await rounds.save_said(connection, event.body)
    return ()


class Judge:
    """Judges applications under their round's policy. Policies are frozen at opening, so a compiled one is kept."""

    def __init__(self, now: Callable[[], datetime], tracing: Tracing) -> None:
        self._now = now
        self._tracing = tracing
        self._policies: dict[str, PolicyRules] = {}

    async def take_applications(self, connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        submitted = events_of(batch, ApplicationSubmitted)
        withdrawn = [event.body for event in events_of(batch, ApplicationWithdrawn)]
        if withdrawn:
            await verdicts.save_withdrawals(connection, [(w.application, w.round, w.version) for w in withdrawn])
        known = await self._known(connection, {event.body.round for event in submitted})
        waiting = [event for event in submitted if event.body.round not in known]
        if waiting:
            for event in waiting:  # now, while the record to blame can still be parked alone
                check_payload(event.body, event.raw)
            await verdicts.save_waiting(
                connection,
                [(e.body.application, e.body.version, e.body.round, e.raw, e.traceparent) for e in waiting],
            )
        due = [(event.body, event.raw, event.traceparent) for event in submitted if event.body.round in known]
        return await self.judge(connection, due, known)

    async def take_waiting(self, connection: Connection) -> Sequence[Outgoing]:
        """Judges what waited for its round; for a duty, since rounds and applications are not ordered."""
        taken = await verdicts.take_waiting(connection, 2000)
        due = [(ApplicationSubmitted.model_validate_json(body), body, trace) for body, trace in taken]
        known = await self._known(connection, {body.round for body, _, _ in due})
        return await self.judge(connection, due, known)

    async def judge(
        self,
        connection: Connection,
        due: Sequence[tuple[ApplicationSubmitted, bytes, str | None]],
        known: dict[str, PolicyRules],
    ) -> Sequence[Outgoing]:
        """Judges, saves, and returns every verdict as it is stored."""
        if not due:
            return ()
        now = self._now()
        judged = {}
        traces = {}
        named: dict[str, list[str]] = defaultdict(list)
        for submitted, _, _ in due:
            named[submitted.round].append(submitted.application)
        judged_in = await rounds.judged_in(connection, named)
        for submitted, raw, traceparent in due:
            epoch = judged_in.get(submitted.round, _FIRST).epoch(submitted.application)
            key = (submitted.application, submitted.version, epoch)
            judged[key] = verdict_on(submitted, raw, known[submitted.round], now, epoch)
            traces[key] = traceparent
        stored = await verdicts.save_verdicts(connection, list(judged.values()))
        for verdict in stored:
            key = (verdict.application, verdict.version, verdict.epoch)
            if verdict.payload_hash != judged[key].payload_hash:
                _log.error("kept first of two versions", application=verdict.application, version=verdict.version)
        return [
            published(verdict, self._follow(traces[verdict.application, verdict.version, verdict.epoch]))
            for verdict in stored
        ]

    def _follow(self, traceparent: str | None) -> str | None:
        return self._tracing.follow("judge", traceparent) if traceparent else None

    async def rules(self, connection: Connection, round_id: str) -> PolicyRules | None:
        """The round's policy, once the round is open."""
        return (await self._known(connection, {round_id})).get(round_id)

    async def _known(self, connection: Connection, named: set[str]) -> dict[str, PolicyRules]:
        unknown = named - self._policies.keys()
        if unknown:
            self._policies |= await rounds.opened(connection, sorted(unknown))
        return {round_id: self._policies[round_id] for round_id in named if round_id in self._policies}


def check_payload(submitted: ApplicationSubmitted, raw: bytes) -> None:
    """The hash is over the facts as they were sent, fields this version does not know included."""
    sent: Any = from_json(raw)
    if payload_hash(submitted.nonce, sent["facts"]) != submitted.payload_hash:
        raise PayloadHashError(f"application {submitted.application} version {submitted.version}")


def verdict_on(
    submitted: ApplicationSubmitted, raw: bytes, rules: PolicyRules, now: datetime, epoch: int
) -> StoredVerdict:
    """Judges one version; refuses facts that are not those its hash was made of.

    Judging is pure, so a fault in it would come again however often it is tried, and it is this application's alone:
    it is parked by name, and its round waits for officers.
    """
    check_payload(submitted, raw)
    try:
        verdict = judge(submitted.facts, rules)
    except Exception as error:  # noqa: BLE001 -- whatever a rule trips over; reported, and stated in the verdict
        _log.exception("parked application", application=submitted.application, round=submitted.round)
        verdict = parked(rules, type(error).__name__)
    body = (
        f'{{"application":"{submitted.application}","as_of":"{verdict.as_of}",'
        f'"counterfactual":{_counterfactual(submitted, verdict, rules)},"epoch":{epoch},'
        f'"findings":{verdict.findings_json},"findings_hash":"{verdict.findings_hash}",'
        f'"outcome":"{verdict.outcome}","payload_hash":"{submitted.payload_hash}",'
        f'"policy_hash":"{verdict.policy_hash}","round":"{submitted.round}","version":{submitted.version}}}'
    )
    return StoredVerdict(
        submitted.application,
        submitted.version,
        epoch,
        submitted.round,
        submitted.payload_hash,
        verdict.outcome.value,
        verdict.findings_hash,
        body.encode(),
        now,
    )


def _counterfactual(submitted: ApplicationSubmitted, verdict: Verdict, rules: PolicyRules) -> str:
    """As JSON; null for who is eligible, and where it can't be had: it only explains."""
    if verdict.outcome is not VerdictOutcome.INELIGIBLE:
        return "null"
    try:
        nearest = counterfactual(submitted.facts, rules)
    except Exception:  # noqa: BLE001 -- a fault on facts that nobody stated is reported, and costs the explanation alone
        _log.exception("no counterfactual", application=submitted.application, round=submitted.round)
        nearest = None
    return _CHANGES.dump_json(nearest.changes).decode() if nearest else "null"


def published(verdict: StoredVerdict, traceparent: str | None) -> Outgoing:
    return Outgoing(
        topics.VERDICTS.name,
        verdict.application,
        "ApplicationJudged",
        event_id("verdict", verdict.application, verdict.version, verdict.epoch),
        verdict.application,
        verdict.judged_at,
        verdict.body,
        traceparent,
    )

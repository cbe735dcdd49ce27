"""Judging: takes an application and its round's policy, stores a verdict and publishes its event."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from pydantic import TypeAdapter
from pydantic_core import from_json

from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.counterfactual import counterfactual
from services.eligibility.domain.judge import Verdict, judge, parked
from services.eligibility.domain.registry_facts import Answers, as_stated, confirmed, evidence
from services.eligibility.storage import pending, rounds, verdicts
from services.eligibility.storage.verdicts import StoredVerdict
from services.eligibility.usecases.pending import Due, ready
from shared.contracts import topics
from shared.contracts.events import (
    ApplicationSubmitted,
    ApplicationWithdrawn,
)
from shared.contracts.events.verdicts import Evidence
from shared.contracts.facts import ApplicationFacts
from shared.contracts.findings import Change, VerdictOutcome
from shared.kafka.cloudevents import Outgoing, event_id
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.proof.canonical import payload_hash
from shared.service.postgres import Connection
from shared.service.telemetry import Tracing

_log = structlog.get_logger()
_CHANGES: Final = TypeAdapter(tuple[Change, ...])
CONTESTED: Final = "contested"
"""What a parked verdict says instead of a fault, where two parties entered the same product of one firm."""
_EVIDENCE: Final = TypeAdapter(tuple[Evidence, ...])


class PayloadHashError(ValueError):
    """The facts are not those that the hash was made of: nothing is judged on them."""

    code = "payload-hash"


class Judge:
    """Judges applications under their round's policy. Policies are frozen at opening, so compiled ones are cached."""

    def __init__(self, now: Callable[[], datetime], tracing: Tracing) -> None:
        self._now = now
        self._tracing = tracing
        self._policies: dict[str, PolicyRules] = {}

    async def take_applications(self, connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        """Judges applications of open rounds; stores those whose round is not open yet, and withdrawals."""
        submitted = events_of(batch, ApplicationSubmitted)
        withdrawn = [event.body for event in events_of(batch, ApplicationWithdrawn)]
        if withdrawn:
            await verdicts.save_withdrawals(connection, [(w.application, w.round, w.version) for w in withdrawn])
        known = await self._known(connection, {event.body.round for event in submitted})
        waiting = [event for event in submitted if event.body.round not in known]
        if waiting:
            for event in waiting:  # now, while the record to blame can still be parked alone
                check_payload(event.body, event.raw)
            await verdicts.save_waiting(connection, [_row_of(event) for event in waiting])
        due = [Due(event.body, event.raw, event.traceparent) for event in submitted if event.body.round in known]
        return await self.judge(connection, due, known)

    async def take_waiting(self, connection: Connection) -> Sequence[Outgoing]:
        """Judges applications that waited for their round. Called by a job, since rounds and applications have no
        common order."""
        return await self._take(connection, await verdicts.take_waiting(connection, 2000))

    async def take_answered(self, connection: Connection) -> Sequence[Outgoing]:
        """Judges applications that waited for registries."""
        return await self._take(connection, await pending.take_answered(connection, 2000))

    async def _take(self, connection: Connection, taken: Sequence[tuple[bytes, str | None]]) -> Sequence[Outgoing]:
        due = [Due(ApplicationSubmitted.model_validate_json(body), body, trace) for body, trace in taken]
        known = await self._known(connection, {application.submitted.round for application in due})
        return await self.judge(connection, due, known)

    async def judge(
        self,
        connection: Connection,
        due: Sequence[Due],
        known: dict[str, PolicyRules],
    ) -> Sequence[Outgoing]:
        """Judges, saves, and returns every verdict as stored. Applications with open questions to registries are kept
        waiting."""
        if not due:
            return ()
        now = self._now()
        judged = {}
        traces = {}
        named: dict[str, list[str]] = defaultdict(list)
        for application in due:
            named[application.submitted.round].append(application.submitted.application)
        judged_in = await rounds.judged_in(connection, named)
        for application in await ready(connection, due, known, judged_in, now):
            submitted = application.submitted
            key = (submitted.application, submitted.version, application.epoch)
            judged[key] = verdict_on(
                submitted, application.raw, known[submitted.round], now, application.epoch, application.answers
            )
            traces[key] = application.traceparent
        if not judged:
            return ()
        stored = await verdicts.save_verdicts(connection, list(judged.values()))
        for verdict in stored:
            key = (verdict.application, verdict.version, verdict.epoch)
            if verdict.payload_hash != judged[key].payload_hash:
                _log.error(
                    "kept first of two payloads of a version", application=verdict.application, version=verdict.version
                )
        return [
            published(verdict, self._follow(traces[verdict.application, verdict.version, verdict.epoch]))
            for verdict in stored
        ]

    def _follow(self, traceparent: str | None) -> str | None:
        return self._tracing.follow("judge", traceparent) if traceparent else None

    async def rules(self, connection: Connection, round_id: str) -> PolicyRules | None:
        """The round's policy, once the round is open; for a rolling intake that of the cut that opened last."""
        rules = (await self._known(connection, {round_id})).get(round_id)
        if rules is None and (cut := await rounds.newest_cut(connection, round_id)):
            rules = (await self._known(connection, {cut})).get(cut)
        return rules

    async def _known(self, connection: Connection, named: set[str]) -> dict[str, PolicyRules]:
        unknown = named - self._policies.keys()
        if unknown:
            self._policies |= await rounds.opened(connection, sorted(unknown))
        return {round_id: self._policies[round_id] for round_id in named if round_id in self._policies}


def _row_of(waiting: Event[ApplicationSubmitted]) -> dict[str, Any]:
    submitted = waiting.body
    return {
        "application": submitted.application,
        "version": submitted.version,
        "round": submitted.round,
        "body": waiting.raw,
        "traceparent": waiting.traceparent,
    }


def check_payload(submitted: ApplicationSubmitted, raw: bytes) -> None:
    """Hashes the facts as they were sent, including fields that this version does not know. Raises PayloadHashError."""
    sent: Any = from_json(raw)
    if payload_hash(submitted.nonce, sent["facts"]) != submitted.payload_hash:
        raise PayloadHashError(f"application {submitted.application} version {submitted.version}")


def verdict_on(
    submitted: ApplicationSubmitted,
    raw: bytes,
    rules: PolicyRules,
    now: datetime,
    epoch: int,
    answers: Answers | None = None,
) -> StoredVerdict:
    """Judges one version. Raises PayloadHashError.

    Judging is pure, so a fault would recur on every retry, and only for this application: it is parked, and its round
    waits for officers. Contested applications are parked too.
    """
    check_payload(submitted, raw)
    facts = submitted.facts
    try:
        if answers is not None:
            facts = confirmed(facts, answers, rules)
        judged = not submitted.contested
        verdict = judge(facts, rules, submitted.nonce) if judged else parked(rules, CONTESTED, submitted.nonce)
    except Exception as error:  # noqa: BLE001 -- reported, and stated in the verdict
        _log.exception("parked application", application=submitted.application, round=submitted.round)
        verdict = parked(rules, type(error).__name__, submitted.nonce)
    body = (
        f'{{"application":"{submitted.application}","as_of":"{verdict.as_of}",'
        f'"counterfactual":{_counterfactual(submitted, facts, answers, verdict, rules)},"epoch":{epoch},'
        f"{_evidence(submitted, answers, rules)}"
        f'"findings":{verdict.findings_json},"findings_hash":"{verdict.findings_hash}",'
        f'"nonce":"{submitted.nonce}",'
        f'"outcome":"{verdict.outcome}","payload_hash":"{submitted.payload_hash}",'
        f'"policy_hash":"{verdict.policy_hash}","round":"{submitted.round}","version":{submitted.version}}}'
    )
    return StoredVerdict(
        application=submitted.application,
        version=submitted.version,
        epoch=epoch,
        round=submitted.round,
        payload_hash=submitted.payload_hash,
        outcome=verdict.outcome.value,
        findings_hash=verdict.findings_hash,
        body=body.encode(),
        judged_at=now,
    )


def _counterfactual(
    submitted: ApplicationSubmitted,
    facts: ApplicationFacts,
    answers: Answers | None,
    verdict: Verdict,
    rules: PolicyRules,
) -> str:
    """The counterfactual as JSON. `facts`: those judged.

    Null for eligible applications, and where it can't be computed, since it only explains.
    """
    if verdict.outcome is not VerdictOutcome.INELIGIBLE:
        return "null"
    try:
        nearest = counterfactual(facts, rules)
        changes = nearest.changes if nearest else ()
        if answers is not None:
            changes = as_stated(changes, submitted.facts, answers, rules)
    except Exception:  # noqa: BLE001 -- reported; it costs only the explanation
        _log.exception("failed to compute counterfactual", application=submitted.application, round=submitted.round)
        return "null"
    return _CHANGES.dump_json(changes).decode() if nearest else "null"


def _evidence(submitted: ApplicationSubmitted, answers: Answers | None, rules: PolicyRules) -> str:
    """A member of the verdict's JSON; empty where no registry is asked."""
    if answers is None:
        return ""
    answered = evidence(submitted.facts, answers, rules)
    return f'"evidence":{_EVIDENCE.dump_json(answered, exclude_none=True).decode()},'


def published(verdict: StoredVerdict, traceparent: str | None) -> Outgoing:
    """The verdict as its event."""
    return Outgoing(
        topic=topics.VERDICTS.name,
        key=verdict.application,
        type="ApplicationJudged",
        id=event_id("verdict", verdict.application, verdict.version, verdict.epoch),
        subject=verdict.application,
        time=verdict.judged_at,
        body=verdict.body,
        traceparent=traceparent,
    )

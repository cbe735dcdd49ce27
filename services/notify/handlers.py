"""Kafka in: events are stored as facts for notices, and become the deliveries that are owed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog
from pydantic import TypeAdapter

from services.notify.domain.lifecycle import lifecycle_event, spread
from services.notify.domain.notices import Occurrence, Planned, Role, planned
from services.notify.domain.occurrences import VerdictSummary, appeal, reconsidered, submission, token_sent, withdrawal
from services.notify.domain.results import (
    Decision,
    Result,
    decision_of,
    edition_of,
    given_up,
    overdue,
    result,
    status_ended,
)
from services.notify.storage import applications, contacts, deliveries, heads, institutions, lifecycle, rounds, verdicts
from shared.contracts.events import (
    AccessTokenChanged,
    AppealDecided,
    AppealFiled,
    ApplicationJudged,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    AuditHeadPublished,
    ContactChanged,
    InstitutionChanged,
    InstitutionStatus,
    NoticeDelivered,
    NoticeFailed,
    PurchaseOverdue,
    RefusalReconsidered,
    RoundExtended,
    RoundFrozen,
    RoundOpened,
    SelectionGivenUp,
    SelectionStatusEnded,
    WebhookChanged,
)
from shared.contracts.events.verdicts import Evidence
from shared.kafka.cloudevents import Outgoing, event_id
from shared.kafka.records import Event, Tombstone, events_of
from shared.kafka.step import Incoming
from shared.service.postgres import Connection
from shared.wording.evidence_words import evidence_of
from shared.wording.explanation import speaks_against

_log = structlog.get_logger()
_EVIDENCE: Final = TypeAdapter(tuple[Evidence, ...])
PARTY: Final = re.compile(r"[0-9a-f-]{36}")
"""Keys of contacts.v1 that are a party's id; all others are institution codes."""
FORWARDED: Final = ("intake", "eligibility", "selection")
"""Services whose audit heads are forwarded to institutions. Not notify's own: giving up a notice changes notify's head,
and the head sent to an unreachable institution would itself be given up, for ever. Its heads are on audit-heads.v1."""


async def keep_rounds(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores rounds and their lifecycle events, from the topics of rounds and of milestones."""
    for event in batch:
        if not isinstance(event, Event):
            continue
        taken = lifecycle_event(event.body, event.traceparent, event.appended_at)
        if isinstance(event.body, RoundOpened) and taken is not None:
            taken = replace(taken, closes_at=await rounds.save(connection, event.body))
        elif isinstance(event.body, RoundFrozen):
            await rounds.save_pledged(connection, event.body)
        elif isinstance(event.body, RoundExtended):
            await rounds.extend(connection, event.body.round, event.body.closes_at)
        if taken is not None:
            await lifecycle.save(connection, replace(taken, appended_at=event.appended_at))
    return ()


async def keep_institutions(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores institutions. One that pledges to an open round is sent the notices that the others got before."""
    changes = [event.body for event in events_of(batch, InstitutionChanged)]
    if changes:
        await institutions.save(connection, changes)
    for change in changes:
        if change.status is InstitutionStatus.ACTIVE and change.pledges:
            missed = await lifecycle.join(connection, change.institution, [pledge.round for pledge in change.pledges])
            await owe(connection, [spread(event, [change.institution]) for event in missed])
    return ()


async def keep_heads(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores signed heads only: unsigned ones cover single rows, and each signed one covers all rows before it."""
    for event in events_of(batch, AuditHeadPublished):
        if event.body.service in FORWARDED and event.body.signature is not None:
            await heads.save(connection, event.body)
    return ()


async def keep_contacts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores contacts and webhooks in record order, since a tombstone erases only what came before it."""
    changes: list[ContactChanged] = []
    for event in batch:
        if isinstance(event, Event) and isinstance(event.body, ContactChanged):
            changes.append(event.body)
        elif isinstance(event, Event) and isinstance(event.body, WebhookChanged):
            await contacts.save_webhook(connection, event.body)
        elif isinstance(event, Tombstone) and not PARTY.fullmatch(event.key):
            await contacts.end_webhook(connection, event.key)
        elif isinstance(event, Tombstone):
            await contacts.save_contacts(connection, changes)
            await contacts.erase_contact(connection, event.key)
            changes = []
    await contacts.save_contacts(connection, changes)
    sent = [token_sent(event.body, event.traceparent) for event in events_of(batch, AccessTokenChanged)]
    await owe(connection, [occurrence for occurrence in sent if occurrence is not None])
    return ()


async def keep_deliveries(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Settles deliveries that notify's own events say are settled, so that a lost database sends nothing twice."""
    announced = [
        event.body
        for event in batch
        if isinstance(event, Event) and isinstance(event.body, NoticeDelivered | NoticeFailed)
    ]
    settled = await deliveries.settle_announced(connection, announced)
    if settled:
        _log.warning("settled deliveries announced before", deliveries=settled)
    return ()


async def keep_verdicts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores verdicts; their applicants are notified once the round commits to them (`jobs.tell_verdicts`)."""
    judged = [event.body for event in events_of(batch, ApplicationJudged)]
    if judged:
        await verdicts.save(
            connection,
            [
                VerdictSummary(
                    application=event.application,
                    version=event.version,
                    epoch=event.epoch,
                    round=event.round,
                    outcome=event.outcome,
                    findings=_against(event),
                    changes=_changes(event),
                )
                for event in judged
            ],
        )
    return ()


async def take_applications(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores applications, and owes notices of what happened to them."""
    submitted = events_of(batch, ApplicationSubmitted)
    withdrawn = events_of(batch, ApplicationWithdrawn)
    await applications.save(connection, [event.body for event in submitted])
    await applications.withdraw(connection, [event.body for event in withdrawn])
    occurrences = [submission(event.body, event.traceparent) for event in submitted]
    occurrences += [withdrawal(event.body, event.traceparent) for event in withdrawn]
    occurrences += [given_up(event.body, event.traceparent) for event in events_of(batch, SelectionGivenUp)]
    occurrences += [reconsidered(event.body, event.traceparent) for event in events_of(batch, RefusalReconsidered)]
    appeals = [
        appeal(event.body, event.traceparent)
        for event in batch
        if isinstance(event, Event) and isinstance(event.body, AppealFiled | AppealDecided)
    ]
    occurrences += [occurrence for occurrence in appeals if occurrence is not None]
    await owe(connection, occurrences)
    return ()


async def take_results(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Owes notices of results. A later epoch or batch notifies only those for whom it changed the decision."""
    events = [event for event in batch if isinstance(event, Event)]
    decided = [(event.body, edition_of(event.body)) for event in events if isinstance(event.body, Result)]
    await applications.save_decisions(
        connection, [(body.application, *edition, decision_of(body)) for body, edition in decided]
    )
    before = await applications.decisions_before(
        connection, [(body.application, *edition) for body, edition in decided]
    )
    caused = [(event, _occurrences(event.body, event.traceparent, before)) for event in events]
    await owe(
        connection,
        [
            replace(occurrence, happened_at=event.appended_at)
            for event, occurrences in caused
            for occurrence in occurrences
        ],
    )
    return ()


def _occurrences(
    body: object, traceparent: str | None, before: Mapping[tuple[str, int, int], Decision]
) -> Sequence[Occurrence]:
    match body:
        case PurchaseOverdue():
            return [overdue(body, traceparent)]
        case SelectionStatusEnded():
            return [status_ended(body, traceparent)]
        case _ if isinstance(body, Result):
            return result(body, traceparent, before.get((body.application, *edition_of(body))))
        case _:
            return []


async def owe(connection: Connection, occurrences: Iterable[Occurrence]) -> None:
    """Inserts the deliveries that `notices.NOTICES` asks for. They are published only once delivered."""
    occurrences = list(occurrences)
    notified = {
        recipient.id for each in occurrences for recipient in each.recipients if recipient.role is Role.INSTITUTION
    }
    reached = await contacts.notification_contacts(connection, notified)
    due = [delivery for occurrence in occurrences for delivery in planned(occurrence, reached)]
    await deliveries.insert(connection, [(delivery_id(delivery), delivery) for delivery in due])


def delivery_id(due: Planned) -> str:
    """The same for every repeat of a delivery (UUID version 5 of its key)."""
    return event_id("delivery", *due.key)


def _changes(judged: ApplicationJudged) -> list[dict[str, object]]:
    return [
        {"rule": change.rule, "pointer": change.pointer, "needed": change.needed}
        for change in judged.counterfactual or ()
    ]


def _against(judged: ApplicationJudged) -> list[dict[str, object]]:
    """The findings against the application, each with what registries answered about it."""
    return [
        {
            "rule": finding.rule,
            "legal_source": finding.legal_source,
            "outcome": finding.outcome.value,
            "seen": finding.seen,
            "needed": finding.needed,
            "margin": finding.margin,
            "unit": finding.unit and finding.unit.value,
            "evidence": _EVIDENCE.dump_python(evidence_of(finding, judged.evidence or ()), mode="json"),
        }
        for finding in judged.findings
        if speaks_against(finding)
    ]

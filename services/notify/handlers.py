"""Kafka in: what notices say is kept, and what happened becomes deliveries that are owed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog
from pydantic import TypeAdapter

from services.notify.domain.notices import Occurrence, Planned, Role, planned
from services.notify.domain.occurrences import (
    Decision,
    Judged,
    Result,
    appeal,
    decision_of,
    edition_of,
    given_up,
    overdue,
    reconsidered,
    result,
    status_ended,
    submission,
    token_sent,
    withdrawal,
)
from services.notify.domain.turns import spread, turn
from services.notify.storage import deliveries, desks, facts, heads
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
"""A key of contacts.v1 that is a party's id; every other is an institution's code."""
FORWARDED: Final = ("intake", "eligibility", "selection")
"""Whose audit heads institutions get. Not notify's own: it decides to give up notices, and a head sent for that to an
institution that can't be reached would be given up too, for ever. It stands on audit-heads.v1 all the same."""


async def keep_rounds(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """For the topics of rounds and of milestones: both are turns that institutions are told of."""
    for event in batch:
        if not isinstance(event, Event):
            continue
        taken = turn(event.body, event.traceparent, event.appended_at)
        if isinstance(event.body, RoundOpened) and taken is not None:
            taken = replace(taken, closes_at=await facts.save_round(connection, event.body))
        elif isinstance(event.body, RoundFrozen):
            await facts.save_pledged(connection, event.body)
        elif isinstance(event.body, RoundExtended):
            await facts.extend(connection, event.body.round, event.body.closes_at)
        if taken is not None:
            await facts.save_turn(connection, replace(taken, appended_at=event.appended_at))
    return ()


async def keep_institutions(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Who pledges to a round that is open already is told of it, as the others were."""
    changes = [event.body for event in events_of(batch, InstitutionChanged)]
    if changes:
        await facts.save_institutions(connection, changes)
    for change in changes:
        if change.status is InstitutionStatus.ACTIVE and change.pledges:
            missed = await facts.join(connection, change.institution, [pledge.round for pledge in change.pledges])
            await owe(connection, [spread(event, [change.institution]) for event in missed])
    return ()


async def keep_heads(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Signed heads only: the others are of single rows, and each signed one stands for all rows before it."""
    for event in events_of(batch, AuditHeadPublished):
        if event.body.service in FORWARDED and event.body.signature is not None:
            await heads.save(connection, event.body)
    return ()


async def keep_contacts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """In the order of the records, since a tombstone erases what came before it and not what comes after."""
    contacts: list[ContactChanged] = []
    for event in batch:
        if isinstance(event, Event) and isinstance(event.body, ContactChanged):
            contacts.append(event.body)
        elif isinstance(event, Event) and isinstance(event.body, WebhookChanged):
            await desks.save_webhook(connection, event.body)
        elif isinstance(event, Tombstone) and not PARTY.fullmatch(event.key):
            await desks.end_webhook(connection, event.key)
        elif isinstance(event, Tombstone):
            await desks.save_contacts(connection, contacts)
            await desks.erase_contact(connection, event.key)
            contacts = []
    await desks.save_contacts(connection, contacts)
    sent = [token_sent(event.body, event.traceparent) for event in events_of(batch, AccessTokenChanged)]
    await owe(connection, [occurrence for occurrence in sent if occurrence is not None])
    return ()


async def keep_told(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Notify's own announcements, read back: what a lost database told is not told again."""
    announced = [
        event.body
        for event in batch
        if isinstance(event, Event) and isinstance(event.body, NoticeDelivered | NoticeFailed)
    ]
    settled = await deliveries.settle_told(connection, announced)
    if settled:
        _log.warning("settled what was told before", deliveries=settled)
    return ()


async def keep_verdicts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    judged = [event.body for event in events_of(batch, ApplicationJudged)]
    if judged:
        await facts.save_verdicts(
            connection,
            [
                Judged(
                    event.application,
                    event.version,
                    event.epoch,
                    event.round,
                    event.outcome,
                    _against(event),
                    _changes(event),
                )
                for event in judged
            ],
        )
    return ()


async def take_applications(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    submitted = events_of(batch, ApplicationSubmitted)
    withdrawn = events_of(batch, ApplicationWithdrawn)
    await facts.save_applications(connection, [event.body for event in submitted])
    await facts.withdraw(connection, [event.body for event in withdrawn])
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
    """A later epoch or a batch is told to those for whom it decided otherwise than what came before."""
    events = [event for event in batch if isinstance(event, Event)]
    decided = [(event.body, edition_of(event.body)) for event in events if isinstance(event.body, Result)]
    await facts.save_decisions(
        connection, [(body.application, *edition, decision_of(body)) for body, edition in decided]
    )
    before = await facts.decisions_before(connection, [(body.application, *edition) for body, edition in decided])
    decided_by = [(event, _told(event.body, event.traceparent, before)) for event in events]
    await owe(
        connection,
        [
            replace(occurrence, happened_at=event.appended_at)
            for event, occurrences in decided_by
            for occurrence in occurrences
        ],
    )
    return ()


def _told(
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
    """Writes what the table asks for; nothing is published before it is delivered."""
    occurrences = list(occurrences)
    institutions = {
        recipient.id for each in occurrences for recipient in each.recipients if recipient.role is Role.INSTITUTION
    }
    reached = await desks.desks(connection, institutions)
    due = [delivery for occurrence in occurrences for delivery in planned(occurrence, reached)]
    await deliveries.insert(connection, [(delivery_id(delivery), delivery) for delivery in due])


def delivery_id(due: Planned) -> str:
    return event_id("delivery", *due.key)


def _changes(judged: ApplicationJudged) -> list[dict[str, object]]:
    return [
        {"rule": change.rule, "pointer": change.pointer, "needed": change.needed}
        for change in judged.counterfactual or ()
    ]


def _against(judged: ApplicationJudged) -> list[dict[str, object]]:
    """The findings that speak against it, each with what registries said of what it judged."""
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

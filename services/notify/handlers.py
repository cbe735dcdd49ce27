"""Kafka in: what notices say is kept, and what happened becomes deliveries that are owed."""

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import TypeAdapter

from services.notify.domain.notices import Occurrence, Planned, planned
from services.notify.domain.occurrences import (
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
    turn,
    withdrawal,
)
from services.notify.storage import deliveries, facts, heads
from shared.contracts.events import (
    AppealDecided,
    AppealFiled,
    ApplicationJudged,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    AuditHeadPublished,
    ContactChanged,
    InstitutionChanged,
    PurchaseOverdue,
    RefusalReconsidered,
    RoundFrozen,
    RoundOpened,
    SelectionGivenUp,
    SelectionStatusEnded,
)
from shared.contracts.events.verdicts import Evidence
from shared.evidence_words import evidence_of
from shared.explanation import speaks_against
from shared.kafka.cloudevents import Outgoing, event_id
from shared.kafka.records import Event, Tombstone, events_of
from shared.kafka.step import Incoming
from shared.postgres import Connection

_EVIDENCE: Final = TypeAdapter(tuple[Evidence, ...])
FORWARDED: Final = ("intake", "eligibility", "selection")
"""Whose audit heads institutions get. Not notify's own: it decides to give up notices, and a head sent for that to an
institution that can't be reached would be given up too, for ever. It stands on audit-heads.v1 all the same."""


async def keep_rounds(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """For the topics of rounds and of milestones: both are turns that institutions are told of."""
    for event in batch:
        if not isinstance(event, Event):
            continue
        if isinstance(event.body, RoundOpened):
            await facts.save_round(connection, event.body)
        elif isinstance(event.body, RoundFrozen):
            await facts.save_pledged(connection, event.body)
        taken = turn(event.body, event.traceparent, event.appended_at)
        if taken is not None:
            await facts.save_turn(connection, taken)
    return ()


async def keep_institutions(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    changes = [event.body for event in events_of(batch, InstitutionChanged)]
    if changes:
        await facts.save_institutions(connection, changes)
    return ()


async def keep_heads(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Signed heads only: the others are of single rows, and each signed one stands for all rows before it."""
    for event in events_of(batch, AuditHeadPublished):
        if event.body.service in FORWARDED and event.body.signature is not None:
            await heads.save(connection, event.body)
    return ()


async def keep_contacts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """In the order of the records, since a tombstone erases what came before it and not what comes after."""
    stated: list[ContactChanged] = []
    for event in batch:
        if isinstance(event, Event) and isinstance(event.body, ContactChanged):
            stated.append(event.body)
        elif isinstance(event, Tombstone):
            await facts.save_contacts(connection, stated)
            await facts.erase_contact(connection, event.key)
            stated = []
    await facts.save_contacts(connection, stated)
    return ()


async def keep_verdicts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    judged = [event.body for event in events_of(batch, ApplicationJudged)]
    if judged:
        rows = [(one.application, one.version, one.epoch, _against(one), _changes(one)) for one in judged]
        await facts.save_verdicts(connection, rows)
    return ()


async def take_applications(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    submitted = events_of(batch, ApplicationSubmitted)
    if submitted:
        await facts.save_applications(
            connection, [(e.body.application, e.body.version, e.body.facts.product.name) for e in submitted]
        )
    occurrences = [submission(event.body, event.traceparent) for event in submitted]
    occurrences += [withdrawal(event.body, event.traceparent) for event in events_of(batch, ApplicationWithdrawn)]
    occurrences += [given_up(event.body, event.traceparent) for event in events_of(batch, SelectionGivenUp)]
    occurrences += [reconsidered(event.body, event.traceparent) for event in events_of(batch, RefusalReconsidered)]
    appeals = [
        appeal(event.body, event.traceparent)
        for event in batch
        if isinstance(event, Event) and isinstance(event.body, AppealFiled | AppealDecided)
    ]
    occurrences += [told for told in appeals if told is not None]
    await owe(connection, occurrences)
    return ()


async def take_results(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """A later epoch or a batch is told to those for whom it decided otherwise than what came before."""
    decided = [
        (event.body, edition_of(event.body), event.traceparent)
        for event in batch
        if isinstance(event, Event) and isinstance(event.body, Result)
    ]
    await facts.save_decisions(
        connection, [(one.application, *edition, decision_of(one)) for one, edition, _ in decided]
    )
    before = await facts.decisions_before(connection, [(one.application, *edition) for one, edition, _ in decided])
    told = [result(one, trace, before.get((one.application, *edition))) for one, edition, trace in decided]
    told.append([overdue(event.body, event.traceparent) for event in events_of(batch, PurchaseOverdue)])
    told.append([status_ended(event.body, event.traceparent) for event in events_of(batch, SelectionStatusEnded)])
    await owe(connection, [occurrence for occurrences in told for occurrence in occurrences])
    return ()


async def owe(connection: Connection, occurrences: Iterable[Occurrence]) -> None:
    """Writes what the table asks for; nothing is published before it is delivered."""
    due = [delivery for occurrence in occurrences for delivery in planned(occurrence)]
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

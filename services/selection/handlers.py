"""Kafka in: stores everything selection rests on, as published. `jobs.py` decides."""

from collections.abc import Sequence

from pydantic_core import from_json

from services.selection.storage import evidence, inputs, ocds, purchases, releases, timestamps
from services.selection.storage.inputs import Application, JudgedApplication
from shared.contracts.events import (
    ApplicationJudged,
    ApplicationScored,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    CommitmentTimeStamped,
    EligibilityCompleted,
    EpochOpened,
    InputsCommitted,
    InstitutionChanged,
    NonPurchaseReported,
    PurchaseReported,
    PurchaseRequestAccepted,
    PurchaseRequestWithdrawn,
    ReleaseConfirmed,
    ReleaseOpened,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    ScoresClosed,
    SelectionConfirmed,
    SelectionProposed,
    SourceValueRecorded,
)
from shared.kafka.cloudevents import Outgoing
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.proof.canonical import canonical_json, findings_hash, json_hash, payload_hash
from shared.service.postgres import Connection


class HashMismatchError(ValueError):
    """An event's content does not match its hash: nothing is selected on it."""

    code = "hash-mismatch"


async def keep_rounds(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores the events of rounds. Raises HashMismatchError for a policy that does not match its hash."""
    await _chronicle(connection, batch)
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case RoundOpened() as opened:
                policy = from_json(event.raw)["policy"]
                _check(json_hash(policy) == opened.policy_hash, f"policy of round {opened.round}")
                await inputs.save_opened(connection, opened, policy)
            case RoundFrozen() as frozen:
                await inputs.save_frozen(connection, frozen)
                if frozen.pledges is not None:
                    await inputs.save_frozen_pledges(connection, frozen.round, frozen.pledges)
            case EpochOpened() as next_epoch:
                await inputs.save_frozen(connection, next_epoch)
                await inputs.save_admitted(connection, next_epoch)
                await inputs.save_amended(connection, next_epoch)
            case ScoresClosed() as closed:
                await inputs.save_scores_closed(connection, closed)
            case SourceValueRecorded() as recorded:
                await inputs.save_source(connection, recorded.round, recorded.epoch, recorded.value)
            case SelectionConfirmed() as confirmed:
                await inputs.save_confirmed(connection, confirmed)
                await releases.save_confirmed_with_selection(connection, confirmed)
            case ReleaseOpened() as release:
                await releases.save_opened(connection, release)
            case ReleaseConfirmed() as given_out:
                await releases.save_confirmed(connection, given_out)
            case RoundVoided() as voided:
                await inputs.save_void(connection, voided.round)
    return ()


async def keep_institutions(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores names and pledges. Pledges made before the opening come with the opening event."""
    rows = [
        (pledge.round, event.body.institution, pledge.won)
        for event in events_of(batch, InstitutionChanged)
        for pledge in event.body.pledges
    ]
    newest = {(round_id, institution): won for round_id, institution, won in rows}
    await inputs.save_pledges(connection, [(*key, won) for key, won in newest.items()])
    await ocds.save_names(connection, [event.body for event in events_of(batch, InstitutionChanged)])
    return ()


async def keep_applications(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores applications, withdrawals and panel marks. Raises HashMismatchError."""
    rows = []
    for event in events_of(batch, ApplicationSubmitted):
        submitted = event.body
        facts = from_json(event.raw)["facts"]
        _check(payload_hash(submitted.nonce, facts) == submitted.payload_hash, f"application {submitted.application}")
        rows.append(
            Application(
                application=submitted.application,
                version=submitted.version,
                round=submitted.round,
                party=submitted.party,
                payload_hash=submitted.payload_hash,
                facts=facts,
                nonce=submitted.nonce,
                identity=submitted.identity,
            )
        )
    if rows:
        await inputs.save_applications(connection, rows)
    withdrawn = [event.body for event in events_of(batch, ApplicationWithdrawn)]
    if withdrawn:
        await inputs.save_withdrawals(connection, [(w.application, w.round, w.version) for w in withdrawn])
    scored = [event.body for event in events_of(batch, ApplicationScored)]
    if scored:
        await inputs.save_marks(connection, scored)
    return ()


async def keep_requests(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores purchase requests and reports of purchases. Raises HashMismatchError."""
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case PurchaseRequestAccepted() as accepted:
                facts = from_json(event.raw)["facts"]
                _check(payload_hash(accepted.nonce, facts) == accepted.payload_hash, f"request {accepted.request}")
                await inputs.save_request(connection, accepted, facts)
            case PurchaseRequestWithdrawn() as withdrawn:
                await inputs.save_request(connection, withdrawn, None)
    reports = [
        event.body
        for event in batch
        if isinstance(event, Event) and isinstance(event.body, PurchaseReported | NonPurchaseReported)
    ]
    await purchases.save(connection, reports)
    await ocds.save_reports(connection, reports)
    return ()


async def keep_verdicts(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores verdicts. Raises HashMismatchError for findings that do not match their hash."""
    rows = []
    for event in events_of(batch, ApplicationJudged):
        judged, raw = event.body, from_json(event.raw)
        _check(findings_hash(raw) == judged.findings_hash, f"verdict on {judged.application}")
        rows.append(
            JudgedApplication(
                application=judged.application,
                version=judged.version,
                epoch=judged.epoch,
                round=judged.round,
                payload_hash=judged.payload_hash,
                outcome=judged.outcome.value,
                findings_hash=judged.findings_hash,
                findings=canonical_json(raw["findings"]).decode(),
                evidence=canonical_json(raw["evidence"]).decode() if raw.get("evidence") else None,
                nonce=judged.nonce,
            )
        )
    if rows:
        await inputs.save_verdicts(connection, rows)
    return ()


async def keep_milestones(connection: Connection, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """Stores what eligibility completed, and what this service published itself."""
    await _chronicle(connection, batch)
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case EligibilityCompleted() as done:
                await inputs.save_judged(connection, done.round, done.epoch, done.applications_root, done.verdicts)
            case InputsCommitted() | SelectionProposed() as published:
                await inputs.save_published(connection, published)
            case CommitmentTimeStamped() as stamped:
                await timestamps.put_back(connection, stamped)
    return ()


async def _chronicle(connection: Connection, batch: Sequence[Incoming]) -> None:
    """Stores every event of a round unchanged, for its evidence."""
    rows = [
        {
            "round": str(body["round"]),
            "id": event.id,
            "type": event.type,
            "body": body,
            "appended_at": event.appended_at,
        }
        for event in batch
        if isinstance(event, Event) and "round" in (body := from_json(event.raw))
    ]
    await evidence.save_published_events(connection, rows)


def _check(same: bool, what: str) -> None:
    if not same:
        raise HashMismatchError(what)

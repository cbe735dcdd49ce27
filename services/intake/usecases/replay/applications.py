"""Puts back applications with their versions, marks and appeals from `applications.v1`."""

from collections.abc import Sequence

from pydantic_core import from_json

from services.intake.domain.entries import EntryVersion, access_token, entry_version, nonce, withdrawal_nonce
from services.intake.storage import documents, putback, rounds, scores, tokens
from services.intake.storage.putback import LostApplication, LostVersion
from services.intake.usecases.withdrawal import Leave
from shared.contracts.events import (
    AppealDecided,
    AppealFiled,
    ApplicationScored,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    RefusalReconsidered,
    SelectionGivenUp,
)
from shared.contracts.facts import product_key
from shared.kafka.records import Event, events_of
from shared.kafka.step import Incoming
from shared.programme.panel import PanelMark
from shared.proof.canonical import canonical_json, payload_hash_of, sha256_hex
from shared.service.postgres import Connection


class AlteredRecordError(ValueError):
    """The facts on the topic are not those that its payload hash was made of."""

    code = "altered-record"


async def put_back_applications(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Puts back applications and their receipts, except for signatures. Raises AlteredRecordError.

    All else that a version's receipt states is in its event, or follows from it.
    """
    secret = await tokens.secret(connection, "access-tokens")
    submitted = events_of(batch, ApplicationSubmitted)
    versions = [_version(event) for event in submitted]
    first: dict[str, ApplicationSubmitted] = {}
    for event in submitted:
        known = first.get(event.body.application)
        if known is None or event.body.version < known.version:
            first[event.body.application] = event.body
    reconsidered = [event.body for event in events_of(batch, RefusalReconsidered)]
    if reconsidered:
        await putback.reconsidered(connection, reconsidered)
    versions += await _withdrawals(connection, events_of(batch, ApplicationWithdrawn), secret)
    rows = await putback.applications(connection, [_application(body, secret) for body in first.values()], versions)
    await documents.name(
        connection,
        (
            (event.body.application, None, document.sha256)
            for event in submitted
            for document in event.body.facts.documents or ()
        ),
    )
    rows += await _put_back_marks(connection, [event.body for event in events_of(batch, ApplicationScored)])
    return rows + await _put_back_appeals(connection, batch)


async def _put_back_appeals(connection: Connection, batch: Sequence[Incoming]) -> int:
    """Puts back appeals, and places that were given up, in the topic's order."""
    rows = 0
    for record in batch:
        if not isinstance(record, Event):
            continue
        match record.body:
            case AppealFiled() as filed:
                rows += await putback.appeal_filed(connection, filed)
            case AppealDecided() as decided:
                rows += await putback.appeal_decided(connection, decided)
            case SelectionGivenUp() as given_up:
                rows += await putback.set_free(connection, given_up)
    return rows


async def _put_back_marks(connection: Connection, scored: Sequence[ApplicationScored]) -> int:
    """Called after `putback.applications`: marks stand behind their applications in the same partition."""
    rows = 0
    for event in sorted(scored, key=lambda event: event.version):
        mark = PanelMark(event.application, event.reviewer, event.version, event.points, event.conflict_of_interest)
        rows += await scores.save(connection, event.round, [mark], event.scored_at)
    return rows


def _application(submitted: ApplicationSubmitted, secret: bytes) -> LostApplication:
    return LostApplication(
        application=submitted.application,
        round=submitted.round,
        party=submitted.party,
        business_number=submitted.facts.applicant.business_number,
        product_key=product_key(submitted.facts.product),
        token_hash=sha256_hex(access_token(secret, submitted.application).encode()),
        version=submitted.version,
        payload_hash=submitted.payload_hash,
    )


def _version(event: Event[ApplicationSubmitted]) -> LostVersion:
    """The version that an event states. Raises AlteredRecordError."""
    body = event.body
    facts = canonical_json(from_json(event.raw)["facts"])
    if payload_hash_of(body.nonce, facts) != body.payload_hash:
        raise AlteredRecordError(f"{body.application} version {body.version}")
    return LostVersion(
        EntryVersion(
            identifier=body.application,
            version=body.version,
            received_at=body.received_at,
            nonce=body.nonce,
            payload_hash=body.payload_hash,
            facts=facts.decode(),
            contested=body.contested,
            restated=body.restated,
            identity=body.identity,
            arrived_at=body.arrived_at,
        )
    )


async def _withdrawals(
    connection: Connection, withdrawn: Sequence[Event[ApplicationWithdrawn]], secret: bytes
) -> list[LostVersion]:
    windows = await rounds.windows(connection, sorted({event.body.round for event in withdrawn}))
    versions = []
    for event in withdrawn:
        window = windows.get(event.body.round)
        versions.append(_withdrawal(event, window.seed if window else None, secret))
    return versions


def _withdrawal(event: Event[ApplicationWithdrawn], seed: str | None, secret: bytes) -> LostVersion:
    """Derives the nonce from the deployment's secret, since the event does not state it."""
    body = event.body
    leave = Leave(body.reason, from_json(event.raw).get("act"), body.outranked)
    drawn = nonce(seed, body.application, body.version, withdrawal_nonce(secret, body.application, body.version))
    version = entry_version(body.application, body.version, body.received_at, drawn, leave.payload())
    return LostVersion(version, withdrawn=True)

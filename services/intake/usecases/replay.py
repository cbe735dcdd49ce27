"""Puts back, from the topics intake itself writes, what its database has lost. Every record may be read again."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic_core import from_json

from services.intake.domain.entries import StatedVersion, access_token, nonce, state_version, withdrawal_nonce
from services.intake.domain.renewals import Renewal
from services.intake.domain.shards import shard_of
from services.intake.storage import (
    putback,
    putback_rounds,
    releases,
    renewals,
    restore,
    rounds,
    scores,
    tokens,
    uploads,
)
from services.intake.storage.putback import LostApplication, LostRequest, LostVersion
from services.intake.usecases.access_events import FIRST_OPERATOR
from services.intake.usecases.withdrawal import Leave
from shared.contracts import topics
from shared.contracts.events import (
    AccessTokenChanged,
    AppealDecided,
    AppealFiled,
    ApplicationScored,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    ContactChanged,
    EpochOpened,
    InboxAnswered,
    InstitutionChanged,
    NonPurchaseReported,
    PurchaseReported,
    PurchaseRequestAccepted,
    PurchaseRequestCancelled,
    PurchaseRequestWithdrawn,
    RefusalReconsidered,
    ReleaseConfirmed,
    ReleaseOpened,
    RoundAmended,
    RoundAnnounced,
    RoundExtended,
    RoundFinalized,
    RoundFrozen,
    RoundOpened,
    RoundVoided,
    ScoresClosed,
    SelectionConfirmed,
    SelectionGivenUp,
    SourceValueRecorded,
    TokenChanged,
    WebhookChanged,
)
from shared.contracts.facts import product_key
from shared.contracts.values import Contract
from shared.kafka.records import Event, Tombstone, events_of
from shared.kafka.step import Incoming
from shared.programme.panel import PanelMark
from shared.proof.canonical import canonical_json, payload_hash_of, sha256_hex
from shared.service.postgres import Connection

PutBack = Callable[[Connection, Sequence[Incoming], str], Awaitable[int]]
"""Takes records of one topic and the topics' prefix; the number of rows that were missing or old."""

_TURNS: Final = (
    RoundAnnounced,
    RoundAmended,
    RoundOpened,
    RoundExtended,
    RoundFrozen,
    EpochOpened,
    SourceValueRecorded,
    ReleaseOpened,
    SelectionConfirmed,
    ReleaseConfirmed,
)


class AlteredRecordError(ValueError):
    """The facts on the topic are not those its payload hash was made of."""

    code = "altered-record"


async def put_back_rounds(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """In the order of a round's life: two of its events may have been published the other way round."""
    rows = 0
    for event in sorted((one for one in batch if isinstance(one, Event)), key=_turn):
        rows += await _put_back_turn(connection, event)
    return rows


def _turn(event: Event[Contract]) -> tuple[int, int, int]:
    epoch = getattr(event.body, "epoch", 0)
    if isinstance(event.body, RoundVoided):
        epoch = 2**31
    place = _TURNS.index(type(event.body)) if isinstance(event.body, _TURNS) else len(_TURNS)
    return epoch, place, getattr(event.body, "amendment", 0)


async def _put_back_turn(connection: Connection, event: Event[Contract]) -> int:
    stated: dict[str, Any] = from_json(event.raw)
    match event.body:
        case RoundAnnounced() as body:
            return await putback_rounds.announced(connection, body.round, stated, (body.opens_at, body.closes_at))
        case RoundAmended() as body:
            return await putback_rounds.amended(connection, body, stated)
        case RoundOpened() as body:
            pledges = [(one.institution, one.pledge_won) for one in body.institutions]
            rows = await putback_rounds.announced(connection, body.round, stated, (body.opens_at, body.closes_at))
            return rows + await putback_rounds.opened(
                connection, body.round, stated, (body.opens_at, body.closes_at), pledges
            )
        case RoundExtended() as body:
            return await putback_rounds.extended(connection, body.round, body.closes_at)
        case RoundFrozen() as body:
            frozen = stated["applications"], stated["requests"]
            return await putback_rounds.epoch(
                connection, body.round, body.epoch, body.frozen_at, frozen, None, body.closes_at
            )
        case EpochOpened() as body:
            opened = stated["applications"], stated["requests"]
            source = stated.get("supplementary_source")
            again = body.judge_all, body.judge_again, body.admitted
            return await putback_rounds.epoch(
                connection, body.round, body.epoch, body.opened_at, opened, source, None, *again
            )
        case ScoresClosed() as body:
            return await scores.close(connection, body)
        case SourceValueRecorded() as body:
            return await putback_rounds.source(connection, body.round, body.epoch, body.source, body.value, body.due_at)
        case SelectionConfirmed() as body:
            rows = await putback_rounds.confirmed(connection, body.round, body.epoch, body.confirmed_at)
            if body.batch is not None:
                await releases.confirm(connection, body.round, body.epoch, body.batch, body.confirmed_at)
            return rows
        case ReleaseOpened() as body:
            return await putback_rounds.release_opened(connection, body)
        case ReleaseConfirmed() as body:
            await releases.confirm(connection, body.round, body.epoch, body.batch, body.confirmed_at)
            return 0
        case RoundFinalized() as body:
            return await putback_rounds.finalized(connection, body.round, body.epoch)
        case RoundVoided() as body:
            return await putback_rounds.voided(connection, body.round)
    return 0


async def put_back_institutions(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    rows = 0
    for event in sorted(events_of(batch, InstitutionChanged), key=lambda one: one.body.changed_at):
        code = event.body.institution
        rows += await putback.institution(connection, event.body, prefix + topics.inbox(code).name, shard_of(code))
    return rows


async def put_back_tokens(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Who may act. The first operator's is a setting, and in no table."""
    changed = [event.body for event in events_of(batch, TokenChanged) if event.body.name != FIRST_OPERATOR]
    return sum([await tokens.put_back(connection, one) for one in changed])


async def put_back_applications(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Receipts with them, but for signatures: what a version's receipt says is all in its event, or follows from it."""
    secret = await tokens.secret(connection, "access-tokens")
    submitted, withdrawn = events_of(batch, ApplicationSubmitted), events_of(batch, ApplicationWithdrawn)
    first: dict[str, LostApplication] = {}
    versions = []
    for event in submitted:
        body = event.body
        facts = canonical_json(from_json(event.raw)["facts"])
        if payload_hash_of(body.nonce, facts) != body.payload_hash:
            raise AlteredRecordError(f"{body.application} version {body.version}")
        versions.append(
            LostVersion(
                StatedVersion(
                    body.application,
                    body.version,
                    body.received_at,
                    body.nonce,
                    body.payload_hash,
                    facts.decode(),
                    body.contested,
                    body.restated,
                    body.identity,
                )
            )
        )
        if body.application not in first or body.version < first[body.application].version:
            first[body.application] = LostApplication(
                body.application,
                body.round,
                body.party,
                body.facts.applicant.business_number,
                product_key(body.facts.product),
                sha256_hex(access_token(secret, body.application).encode()),
                body.version,
                body.payload_hash,
            )
    told = [event.body for event in events_of(batch, RefusalReconsidered)]
    if told:
        await putback.reconsidered(connection, told)
    windows = await rounds.windows(connection, sorted({event.body.round for event in withdrawn}))
    for withdrawal in withdrawn:
        window = windows.get(withdrawal.body.round)
        versions.append(_withdrawal(withdrawal, window.seed if window else None, secret))
    rows = await putback.applications(connection, list(first.values()), versions)
    rows += await _put_back_marks(connection, [event.body for event in events_of(batch, ApplicationScored)])
    for record in batch:
        if isinstance(record, Event) and isinstance(record.body, AppealFiled):
            rows += await putback.appeal_filed(connection, record.body)
        elif isinstance(record, Event) and isinstance(record.body, AppealDecided):
            rows += await putback.appeal_decided(connection, record.body)
        elif isinstance(record, Event) and isinstance(record.body, SelectionGivenUp):
            rows += await putback.set_free(connection, record.body)
    return rows


async def _put_back_marks(connection: Connection, scored: Sequence[ApplicationScored]) -> int:
    """After their applications, which stand before them in the same partition."""
    rows = 0
    for mark in sorted(scored, key=lambda one: one.version):
        kept = PanelMark(mark.application, mark.reviewer, mark.version, mark.points, mark.conflict_of_interest)
        rows += await scores.save(connection, mark.round, [kept], mark.scored_at)
    return rows


def _withdrawal(event: Event[ApplicationWithdrawn], seed: str | None, secret: bytes) -> LostVersion:
    """Its nonce is not in the event: it comes from the deployment's secret."""
    body = event.body
    leave = Leave(body.reason, from_json(event.raw).get("act"), body.outranked)
    drawn = nonce(seed, body.application, body.version, withdrawal_nonce(secret, body.application, body.version))
    stated = state_version(body.application, body.version, body.received_at, drawn, leave.stated())
    return LostVersion(stated, withdrawn=True)


async def put_back_contacts(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """The newest of each party, and of each institution's webhook; a tombstone erases what came before it."""
    newest: dict[str, ContactChanged] = {}
    webhooks: dict[str, WebhookChanged] = {}
    erased: set[str] = set()
    for record in batch:
        if isinstance(record, Tombstone):
            newest.pop(record.key, None)
            webhooks.pop(record.key, None)
            erased.add(record.key)
        elif isinstance(record.body, WebhookChanged):
            webhooks[record.body.institution] = record.body
        elif isinstance(record.body, ContactChanged):
            body = record.body
            known = newest.get(body.party)
            if known is None or known.changed_at <= body.changed_at:
                newest[body.party] = body
    await _put_back_tokens(connection, [event.body for event in events_of(batch, AccessTokenChanged)])
    rows = await putback.contacts(connection, list(newest.values()), sorted(erased))
    return rows + await putback.webhooks(connection, list(webhooks.values()), sorted(erased))


async def _put_back_tokens(connection: Connection, changed: Sequence[AccessTokenChanged]) -> None:
    """A token is made again from its generation, and opens its entry as it did."""
    if not changed:
        return
    secret = await tokens.secret(connection, "access-tokens")
    for one in changed:
        known = [
            Renewal(
                generation,
                sha256_hex(access_token(secret, one.application, generation).encode()),
                one.asked_at,
                one.asked_at if generation == one.in_force else None,
            )
            for generation in sorted({one.generation, one.in_force} - {0})
        ]
        await renewals.put_back(connection, one.application, known)


async def put_back_requests(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    newest: dict[str, LostRequest] = {}
    for lost in sorted(_requests(batch), key=lambda one: one.version):
        before = newest.get(lost.request)
        if lost.withdrawn and before is not None:  # its event has no facts: those it withdraws stay
            newest[lost.request] = replace(lost, payload_hash=before.payload_hash, facts=before.facts)
        else:
            newest[lost.request] = lost
    rows = await putback.requests(connection, list(newest.values()))
    for event in batch:
        if not isinstance(event, Event):
            continue
        match event.body:
            case PurchaseRequestCancelled() as said:
                rows += await putback.set_free(connection, said)
            case PurchaseReported() | NonPurchaseReported() as said:
                await releases.report(connection, said)
    return rows


def _requests(batch: Sequence[Incoming]) -> Iterable[LostRequest]:
    for accepted in events_of(batch, PurchaseRequestAccepted):
        body, facts = accepted.body, from_json(accepted.raw)["facts"]
        yield LostRequest(
            body.request,
            body.round,
            body.institution,
            body.version,
            body.payload_hash,
            facts,
            withdrawn=False,
            received_at=body.received_at,
            published=accepted.raw,
        )
    for event in events_of(batch, PurchaseRequestWithdrawn):
        gone = event.body
        yield LostRequest(
            gone.request,
            gone.round,
            gone.institution,
            gone.version,
            "",
            {},
            withdrawn=True,
            received_at=gone.received_at,
            published=event.raw,
        )


async def keep_answered(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Inbox messages are answered once: those whose answer is out are passed over when they are read again."""
    answers = [event.body for event in events_of(batch, InboxAnswered)]
    await uploads.answered(connection, answers)
    return await restore.keep_answered(
        connection, [(prefix + topics.inbox(answer.institution).name, answer.offset) for answer in answers]
    )

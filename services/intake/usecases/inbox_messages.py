"""Takes inbox messages: parses each, decides under the round's latch, answers once on the institution's outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from services.intake.domain.entries import entry_version, nonce
from services.intake.domain.likelihood import warnings
from services.intake.domain.releases import Cause, cancellation_refusal
from services.intake.domain.requests import (
    Arrival,
    NewVersion,
    RequestState,
    Same,
    amend,
    arrival_of,
    no_such_request,
    submit,
    withdraw,
)
from services.intake.domain.rounds import RoundWindow
from services.intake.domain.series import cut_at
from services.intake.storage import releases, requests, rounds
from services.intake.storage.requests import InboxMessage, RequestVersion
from services.intake.usecases.award_reports import take_report
from services.intake.usecases.inbox_answers import answered, elsewhere, in_no_cut, no_such_round, not_open_yet, rejected
from services.intake.usecases.inbox_parsing import ParsedMessage, read_message
from services.intake.usecases.request_ledger import Ledger
from shared.contracts import topics
from shared.contracts.events import (
    AmendPurchaseRequest,
    Answer,
    PurchaseRequestAccepted,
    PurchaseRequestCancelled,
    PurchaseRequestWithdrawn,
    Reason,
    ReportNonPurchase,
    ReportPurchase,
    SubmitPurchaseRequest,
    WithdrawPurchaseRequest,
)
from shared.contracts.facts import RequestFacts
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.service.postgres import Connection

_FACTS = TypeAdapter(RequestFacts)


async def take_messages(
    connection: Connection, messages: Sequence[InboxMessage], now: datetime, random_nonces: Sequence[str]
) -> list[Outgoing]:
    """Takes messages, those of one inbox in order, inside the caller's transaction; returns events and answers."""
    reads = [read_message(message) for message in messages]
    named = sorted({read.asks.round for read in reads if read.asks is not None})
    known = {name: [window] for name, window in (await rounds.latched(connection, named)).items()}
    if len(known) < len(named):
        known |= await _latched_cuts(connection, [name for name in named if name not in known])
    ledger = await Ledger.of(connection, (_request(read) for read in reads if read.asks is not None))
    published: list[Outgoing] = []
    for read, random_nonce in zip(reads, random_nonces, strict=True):
        published += await _take(connection, ledger, read, known, now, random_nonce)
    await ledger.write()
    return published


async def _latched_cuts(connection: Connection, series: Sequence[str]) -> dict[str, list[RoundWindow]]:
    """The windows of each series' cuts, latched."""
    by_series = await rounds.cuts(connection, series)
    latched = await rounds.latched(connection, [cut.window.round for cuts in by_series.values() for cut in cuts])
    return {name: [latched[cut.window.round] for cut in cuts] for name, cuts in by_series.items()}


async def _take(
    connection: Connection,
    ledger: Ledger,
    read: ParsedMessage,
    known: Mapping[str, Sequence[RoundWindow]],
    now: datetime,
    random_nonce: str,
) -> list[Outgoing]:
    message, asks = read.message, read.asks
    if asks is None:
        return [rejected(message, now, *read.reasons)]
    request = _request(read)
    window = _window(read, known.get(asks.round, ()), ledger.newest(request))
    if window is None and asks.round in known:
        return [rejected(message, now, in_no_cut(), request=request)]
    if window is None:
        return [rejected(message, now, no_such_round(asks.round))]
    if isinstance(asks, ReportPurchase | ReportNonPurchase):
        return await take_report(connection, read, request, ledger.newest(request), window, now)
    match arrival_of(window, window.time_map.programme(message.appended_at)):
        case Arrival.HELD:
            await requests.hold(connection, window.round, message)
            return []
        case Arrival.LATE if isinstance(asks, WithdrawPurchaseRequest) and window.frozen:
            return await _cancel(connection, ledger, read, window, now)
        case Arrival.LATE:
            return [answered(message, now, Answer.LATE, request=request)]
        case Arrival.EARLY:
            return [rejected(message, now, not_open_yet(window.opens_at), request=request)]
        case Arrival.IN_TIME:
            return await _decide(ledger, read, window, now, random_nonce)


def _window(read: ParsedMessage, named: Sequence[RoundWindow], stored: RequestVersion | None) -> RoundWindow | None:
    """The round of a message. In a series: for a new request the cut open when it was appended, or else the cut of its
    request; None if there is none."""
    if len(named) > 1:
        held_in = [window for window in named if stored and window.round == stored.round]
        if isinstance(read.asks, SubmitPurchaseRequest):
            return cut_at(named, read.message.appended_at)
        return held_in[0] if held_in else None
    return named[0] if named else None


async def _decide(
    ledger: Ledger, read: ParsedMessage, window: RoundWindow, now: datetime, random_nonce: str
) -> list[Outgoing]:
    message, asks, request = read.message, read.asks, _request(read)
    stored = ledger.newest(request)
    if stored and stored.round != window.round:
        return [rejected(message, now, elsewhere(stored.round), request=request)]
    facts: Any = stored.facts if stored else {}
    if not isinstance(asks, WithdrawPurchaseRequest):
        facts = _FACTS.dump_python(asks.facts, mode="json")
    standing = RequestState(
        await ledger.pledge(window.round, message.institution),
        stored.version if stored else 0,
        stored.withdrawn if stored else False,
        stored is not None and stored.facts == facts,
        await ledger.bought(window.round),
    )
    match asks:
        case SubmitPurchaseRequest():
            decision = submit(asks.facts, standing)
        case AmendPurchaseRequest():
            decision = amend(asks.facts, asks.replaces, standing)
        case _:
            decision = withdraw(standing)
    match decision:
        case Same(version):
            fields = {"request": request, "round": window.round, "version": version, "warnings": _warnings(asks)}
            return [answered(message, now, Answer.DUPLICATE, **fields)]
        case NewVersion(version):
            return _new_version(ledger, read, window, now, version, facts, random_nonce)
        case reasons:
            return [rejected(message, now, *reasons, request=request)]


def _new_version(
    ledger: Ledger, read: ParsedMessage, window: RoundWindow, now: datetime, version: int, facts: Any, random_nonce: str
) -> list[Outgoing]:
    message, asks, request = read.message, read.asks, _request(read)
    received_at = window.time_map.programme(message.appended_at)
    drawn = nonce(window.seed, request, version, random_nonce)
    new_version = entry_version(request, version, received_at, drawn, facts)
    sent = {"round": window.round, "request": request, "institution": message.institution, "version": version}
    event: PurchaseRequestWithdrawn | PurchaseRequestAccepted
    if isinstance(asks, WithdrawPurchaseRequest):
        event = PurchaseRequestWithdrawn(**sent, received_at=received_at, reason=asks.reason)
    else:
        hashed = {"nonce": new_version.nonce, "payload_hash": new_version.payload_hash}
        event = PurchaseRequestAccepted(**sent, **hashed, received_at=received_at, facts=asks.facts)
    published = outgoing(
        topics.PURCHASE_REQUESTS.name,
        request,
        event,
        event_id=event_id("purchase-request", request, version),
        time=received_at,
        traceparent=message.traceparent,
    )
    ledger.change(
        RequestVersion(
            request=request,
            round=window.round,
            institution=message.institution,
            version=version,
            payload_hash=new_version.payload_hash,
            facts=facts,
            withdrawn=isinstance(asks, WithdrawPurchaseRequest),
            received_at=received_at,
            published=published.body,
        )
    )
    accepted = answered(
        message,
        now,
        Answer.ACCEPTED,
        request=request,
        round=window.round,
        version=version,
        nonce=new_version.nonce,
        payload_hash=new_version.payload_hash,
        warnings=_warnings(asks),
    )
    return [published, accepted]


def _warnings(asks: Any) -> tuple[Reason, ...]:
    return () if isinstance(asks, WithdrawPurchaseRequest) else warnings(asks.facts)


async def _cancel(
    connection: Connection, ledger: Ledger, read: ParsedMessage, window: RoundWindow, now: datetime
) -> list[Outgoing]:
    """After the freeze a request leaves as a whole and with a reason; its awards go into the next batch."""
    message, asks, request = read.message, read.asks, _request(read)
    stored = ledger.newest(request)
    if stored is None or stored.withdrawn or stored.round != window.round:
        reason = no_such_request() if stored is None or stored.withdrawn else elsewhere(stored.round)
        return [rejected(message, now, reason, request=request)]
    refusal = cancellation_refusal(window.status, asks.reason, await releases.is_contracted(connection, request))
    if refusal:
        return [rejected(message, now, *refusal, request=request, round=window.round)]
    cancelled_at = window.time_map.programme(message.appended_at)
    if not await releases.free(connection, window.round, request, Cause.CANCELLED, asks.reason, cancelled_at):
        return [answered(message, now, Answer.DUPLICATE, request=request, round=window.round)]
    event = PurchaseRequestCancelled(
        round=window.round,
        request=request,
        institution=message.institution,
        cancelled_at=cancelled_at,
        reason=asks.reason,
    )
    published = outgoing(
        topics.PURCHASE_REQUESTS.name,
        request,
        event,
        event_id=event_id("purchase-request-cancelled", request),
        time=cancelled_at,
        traceparent=message.traceparent,
    )
    return [published, answered(message, now, Answer.ACCEPTED, request=request, round=window.round)]


def _request(read: ParsedMessage) -> str:
    return f"{read.message.institution}/{read.asks.request}"

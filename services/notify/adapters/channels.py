"""Channel adapters: each attempts the deliveries claimed for it and returns their outcomes."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, Protocol

import structlog
from aiokafka.errors import KafkaError

from services.notify.adapters.composing import Composer, Sender, UnusableAddressError
from services.notify.adapters.mailserver import MailServer
from services.notify.adapters.pacing import Pace
from services.notify.domain.attempts import DELIVERED, NOT_TRIED, Ending, Outcome
from services.notify.domain.notices import AUDIT_HEAD, AWARD, AWARD_STATUS_ENDED, AWARD_WITHDRAWN, PURCHASE_REMINDER
from services.notify.storage.claims import Claimed
from shared.contracts import topics
from shared.contracts.events import (
    AuditHeadNoticed,
    AwardNoticed,
    AwardStatusEnded,
    AwardWithdrawn,
    Channel,
    PurchaseReminded,
    RoundNoticed,
)
from shared.contracts.values import Contract
from shared.kafka.cloudevents import Outgoing
from shared.kafka.producer import EventProducer
from shared.service.telemetry import Tracing

_log = structlog.get_logger()
MAILS_SETTLED_TOGETHER: Final = 200
PUBLISH_SECONDS: Final = 15.0
CONTRACTS: Final[Mapping[str, type[Contract]]] = {
    AWARD: AwardNoticed,
    AWARD_WITHDRAWN: AwardWithdrawn,
    AWARD_STATUS_ENDED: AwardStatusEnded,
    PURCHASE_REMINDER: PurchaseReminded,
    AUDIT_HEAD: AuditHeadNoticed,
}
"""The contract of outbox notices and webhooks, by kind; every other kind is a RoundNoticed."""
Attempted = tuple[Claimed, Outcome]


class Notes(Protocol):
    """Keeps how far attempts came."""

    async def begin(self, delivery: str) -> bool:
        """Before it is sent, and after what was sent before it in its place. False: it must not be sent."""

    def taken(self, delivery: str) -> None:
        """Its receiver has it."""


def contract_of(kind: str) -> type[Contract]:
    """The contract that a notice of this kind is published as."""
    return CONTRACTS.get(kind, RoundNoticed)


def by_recipient(claimed: Sequence[Claimed]) -> list[list[Claimed]]:
    """One group per recipient, so that a slow recipient delays nobody else."""

    def recipient(delivery: Claimed) -> str:
        return delivery.delivery.recipient

    return [list(group) for _, group in groupby(sorted(claimed, key=recipient), recipient)]


class ChannelAdapter(Protocol):
    """What mail, outbox, webhooks and later channels have in common."""

    channel: Channel

    def groups(self, claimed: Sequence[Claimed]) -> list[list[Claimed]]:
        """Deliveries that are attempted and settled together; groups do not wait for each other."""

    async def attempt(
        self, group: Sequence[Claimed], institutions: Mapping[str, str], may_begin: Callable[[], bool]
    ) -> list[Attempted]:
        """One outcome per delivery. No attempt begins once `may_begin` returns False."""

    def message_id(self, delivery: str) -> str:
        """The id under which the recipient sees this delivery, the same for every attempt."""


class MailAdapter:
    """Delivers by mail, many at once over the mail server's open connections."""

    channel = Channel.MAIL

    def __init__(
        self,
        server: MailServer,
        composer: Composer,
        sender: Sender,
        now: Callable[[], datetime],
        tracing: Tracing,
        pace: Pace,
        notes: Notes,
    ) -> None:
        self._pace = pace
        self._notes = notes
        self._server = server
        self._composer = composer
        self._sender = sender
        self._now = now
        self._tracing = tracing

    def groups(self, claimed: Sequence[Claimed]) -> list[list[Claimed]]:
        size = MAILS_SETTLED_TOGETHER
        return [list(claimed[start : start + size]) for start in range(0, len(claimed), size)]

    async def attempt(
        self, group: Sequence[Claimed], institutions: Mapping[str, str], may_begin: Callable[[], bool]
    ) -> list[Attempted]:
        outcomes = await asyncio.gather(*(self._mail(claim, institutions, may_begin) for claim in group))
        return list(zip(group, outcomes, strict=True))

    async def _mail(self, claimed: Claimed, institutions: Mapping[str, str], may_begin: Callable[[], bool]) -> Outcome:
        connection = await self._server.acquire()
        try:
            if claimed.addressee is not None and claimed.addressee.suppressed:
                return Outcome(Ending.NEVER, "suppressed")
            if may_begin():  # an attempt that does not begin uses none of the rate
                await self._pace.wait()
            if not may_begin() or claimed.addressee is None:
                return NOT_TRIED
            traceparent = claimed.delivery.traceparent
            trace = self._tracing.follow("mail", traceparent) if traceparent else None
            mail = self._composer.compose(claimed, claimed.addressee, institutions, self._now(), trace)
            if not await self._notes.begin(claimed.delivery.id):
                return NOT_TRIED
            outcome = await connection.deliver(mail, self._sender.envelope(claimed.delivery.id, claimed.tag))
            if outcome is DELIVERED:
                self._notes.taken(claimed.delivery.id)
            return outcome
        except UnusableAddressError as error:
            return Outcome(Ending.NEVER, error.code)
        except Exception:  # noqa: BLE001 -- our fault, in a template for example: reported, and retried once mended
            _log.exception("cannot mail", delivery=claimed.delivery.id, kind=claimed.delivery.kind)
            return Outcome(Ending.LATER, "fault")
        finally:
            self._server.release(connection)

    def message_id(self, delivery: str) -> str:
        return self._sender.message_id(delivery)


class OutboxAdapter:
    """Publishes to each institution's own topic. A missing or unavailable topic delays no other institution."""

    channel = Channel.OUTBOX

    def __init__(self, producer: EventProducer, now: Callable[[], datetime], tracing: Tracing) -> None:
        self._producer = producer
        self._now = now
        self._tracing = tracing

    def groups(self, claimed: Sequence[Claimed]) -> list[list[Claimed]]:
        return by_recipient(claimed)

    async def attempt(
        self, group: Sequence[Claimed], institutions: Mapping[str, str], may_begin: Callable[[], bool]
    ) -> list[Attempted]:
        """Publishes the group at once: its notices share one outcome."""
        outcome = NOT_TRIED
        if may_begin():
            try:
                async with asyncio.timeout(PUBLISH_SECONDS):
                    await self._producer.publish([self._event(claim) for claim in group])
                outcome = DELIVERED
            except (TimeoutError, KafkaError) as error:
                recipient = group[0].delivery.recipient
                _log.warning("cannot publish notices", institution=recipient, error=type(error).__name__)
                outcome = Outcome(Ending.LATER, "topic-away", in_doubt=isinstance(error, TimeoutError))
            except Exception:  # noqa: BLE001 -- our fault: reported, and retried once mended
                _log.exception("cannot publish notices", institution=group[0].delivery.recipient)
                outcome = Outcome(Ending.LATER, "fault")
        return [(claim, outcome) for claim in group]

    def _event(self, claimed: Claimed) -> Outgoing:
        """The event id is the delivery's, so that readers recognise a repeat."""
        delivery = claimed.delivery
        return Outgoing(
            topic=topics.outbox(delivery.recipient).name,
            key=delivery.subject,
            type=contract_of(delivery.kind).__name__,
            id=delivery.id,
            subject=delivery.subject,
            time=delivery.time_map.programme(self._now()),
            body=json.dumps(delivery.facts, ensure_ascii=False, separators=(",", ":")).encode(),
            traceparent=self._tracing.follow("notice", delivery.traceparent) if delivery.traceparent else None,
        )

    def message_id(self, delivery: str) -> str:
        return delivery


def chance() -> float:
    """A random number in [0, 1), which spreads retries."""
    return random.random()  # noqa: S311 -- jitter

"""Notices as webhooks: signed by Standard Webhooks, to each institution's own receiver.

One that is away, or slow, holds up nobody else's: after a failure it is left alone for a while, and what it is owed
waits untried."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.notify.adapters.channels import Attempted, by_recipient, contract_of
from services.notify.adapters.pacing import Pace
from services.notify.adapters.receivers import CONNECTIONS_OF_ONE, Receivers
from services.notify.domain.attempts import NOT_TRIED, Ending, Outcome, Persistence
from services.notify.domain.webhooks import signature
from services.notify.storage.deliveries import Claimed, Target
from shared.contracts.events import Channel
from shared.kafka.cloudevents import type_of
from shared.service.telemetry import Tracing

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Held:
    """A receiver that failed: how often in a row, and until when (monotonic) it is left alone."""

    failures: int
    until: float
    error: str | None


class WebhookWay:
    channel = Channel.WEBHOOK

    def __init__(
        self,
        receivers: Receivers,
        persistence: Persistence,
        per_second: float,
        now: Callable[[], datetime],
        tracing: Tracing,
    ) -> None:
        """`per_second`: to one receiver at most; 0: no limit."""
        self._receivers = receivers
        self._persistence = persistence
        self._per_second = per_second
        self._now = now
        self._tracing = tracing
        self._held: dict[str, _Held] = {}
        self._paces: dict[str, Pace] = {}

    def groups(self, claimed: Sequence[Claimed]) -> list[list[Claimed]]:
        return by_recipient(claimed)

    async def attempt(
        self, group: Sequence[Claimed], institutions: Mapping[str, str], may_begin: Callable[[], bool]
    ) -> list[Attempted]:
        pace = self._paces.setdefault(group[0].delivery.recipient, Pace(self._per_second))
        connections = asyncio.Semaphore(CONNECTIONS_OF_ONE)

        async def one(claimed: Claimed) -> Outcome:
            async with connections:
                return await self._post(claimed, pace, may_begin)

        return list(zip(group, await asyncio.gather(*(one(claimed) for claimed in group)), strict=True))

    async def _post(self, claimed: Claimed, pace: Pace, may_begin: Callable[[], bool]) -> Outcome:
        institution, target = claimed.delivery.recipient, claimed.target
        if target is None:
            return Outcome(Ending.NEVER, "webhook-ended")
        held = self._held.get(institution)
        if held is not None and held.until > time.monotonic():
            pause = timedelta(seconds=held.until - time.monotonic())
            return replace(NOT_TRIED, error=held.error, pause=pause)
        if may_begin():  # what is not begun takes nobody's turn
            await pace.turn()
        if not may_begin():
            return NOT_TRIED
        try:
            outcome = await self._receivers.post(target.url, *self._message(claimed, target))
        except Exception:  # noqa: BLE001 -- a fault of ours: reported, and tried again when mended
            _log.exception("cannot post", delivery=claimed.delivery.id, kind=claimed.delivery.kind)
            return Outcome(Ending.LATER, "fault")
        self._hold(institution, outcome)
        return outcome

    def _hold(self, institution: str, outcome: Outcome) -> None:
        if outcome.ending is not Ending.LATER:
            self._held.pop(institution, None)
            return
        held = self._held.get(institution)
        if held is not None and held.until > time.monotonic():  # of those sent together one counts
            return
        failures = held.failures + 1 if held else 1
        pause = max(self._persistence.pause(failures), outcome.pause)
        self._held[institution] = _Held(failures, time.monotonic() + pause.total_seconds(), outcome.error)
        _log.warning("leaves receiver alone", institution=institution, error=outcome.error, seconds=pause.seconds)

    def _message(self, claimed: Claimed, target: Target) -> tuple[dict[str, str], bytes]:
        """The same bytes at every attempt; only the moment it is signed at is another."""
        delivery = claimed.delivery
        payload = {
            "type": type_of(contract_of(delivery.kind).__name__),
            "timestamp": delivery.time_map.programme(claimed.created_at).isoformat(),
            "data": delivery.facts,
        }
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = int(self._now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Firstbuy",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(target.secrets, delivery.id, timestamp, body),
        }
        if delivery.traceparent:
            headers["traceparent"] = self._tracing.follow("webhook", delivery.traceparent)
        return headers, body

    def message_id(self, delivery: str) -> str:
        return delivery

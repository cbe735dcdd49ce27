"""Delivers notices as signed webhooks (Standard Webhooks) to each institution's receiver.

A slow or unavailable receiver delays nobody else: after a failure it is left alone for a while, and its deliveries wait
without an attempt.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.notify.adapters.channels import Attempted, Notes, by_recipient, contract_of
from services.notify.adapters.pacing import Pace
from services.notify.adapters.places import Places
from services.notify.adapters.receivers import CONNECTIONS_OF_ONE, Receivers
from services.notify.domain.attempts import DELIVERED, NOT_TRIED, Ending, Outcome, Persistence
from services.notify.domain.webhooks import signature
from services.notify.storage.claims import Claimed, Target
from shared.contracts.events import Channel
from shared.kafka.cloudevents import type_of
from shared.service.telemetry import Tracing

_log = structlog.get_logger()
AT_ONCE: Final = 8
"""Webhooks a replica has under way, besides those whose receiver is slow."""
SLOW_SECONDS: Final = 1.0
"""A receiver that has not answered for so long is slow: it keeps nobody else's place."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A receiver that failed: how often in a row, and until when (monotonic seconds) it is left alone."""

    failures: int
    until: float
    error: str | None


class WebhookAdapter:
    """Posts webhooks, several receivers at once and a bounded number to each."""

    channel = Channel.WEBHOOK

    def __init__(
        self,
        receivers: Receivers,
        persistence: Persistence,
        per_second: float,
        now: Callable[[], datetime],
        tracing: Tracing,
        notes: Notes,
        at_once: int = AT_ONCE,
    ) -> None:
        """`per_second`: limit for one receiver; 0: no limit."""
        self._notes = notes
        self._places = Places(at_once, SLOW_SECONDS)
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

        async def posted(claimed: Claimed) -> Outcome:
            async with connections:
                return await self._post(claimed, pace, may_begin)

        return list(zip(group, await asyncio.gather(*(posted(claimed) for claimed in group)), strict=True))

    async def _post(self, claimed: Claimed, pace: Pace, may_begin: Callable[[], bool]) -> Outcome:
        institution, target = claimed.delivery.recipient, claimed.target
        if target is None:
            return Outcome(Ending.NEVER, "webhook-ended")
        held = self._held.get(institution)
        if held is not None and held.until > time.monotonic():
            pause = timedelta(seconds=held.until - time.monotonic())
            return replace(NOT_TRIED, error=held.error, pause=pause)
        if may_begin():  # an attempt that does not begin uses none of the rate
            await pace.wait()
        if not may_begin():
            return NOT_TRIED
        try:
            async with self._places.one():
                if not await self._notes.begin(claimed.delivery.id):
                    return NOT_TRIED
                outcome = await self._receivers.post(target.url, *self._message(claimed, target))
                if outcome is DELIVERED:
                    self._notes.taken(claimed.delivery.id)
        except Exception:  # noqa: BLE001 -- our fault: reported, and retried once mended
            _log.exception("cannot post", delivery=claimed.delivery.id, kind=claimed.delivery.kind)
            return Outcome(Ending.LATER, "fault")
        self._hold(institution, outcome)
        return outcome

    def _hold(self, institution: str, outcome: Outcome) -> None:
        if outcome.ending is not Ending.LATER:
            self._held.pop(institution, None)
            return
        held = self._held.get(institution)
        if held is not None and held.until > time.monotonic():  # failures of one group count once
            return
        failures = held.failures + 1 if held else 1
        pause = max(self._persistence.pause(failures), outcome.pause)
        self._held[institution] = _Held(failures, time.monotonic() + pause.total_seconds(), outcome.error)
        _log.warning("leaves receiver alone", institution=institution, error=outcome.error, seconds=pause.seconds)

    def _message(self, claimed: Claimed, target: Target) -> tuple[dict[str, str], bytes]:
        """Headers and body. The body is the same at every attempt; only the timestamp and signature change."""
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

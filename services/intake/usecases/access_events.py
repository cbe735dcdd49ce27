"""Publishes who holds a token, by its hash, to the other services: with the change that makes or ends it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from services.intake.storage import tokens
from shared.clock import Clock
from shared.contracts import topics
from shared.contracts.events import TokenChanged, TokenRole
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, Pool

FIRST_OPERATOR: Final = "first operator"
"""The holder of the token that is a setting of intake, and in no table."""


async def access_events(connection: Connection) -> list[Outgoing]:
    """Events of token changes that are not published yet."""
    return [_event(token) for token in await tokens.take_unpublished(connection)]


class AccessPublisher:
    """A periodic job: publishes tokens made before there were such events, and that of the first operator whenever it
    is another."""

    def __init__(self, outbox: OutboxPublisher, clock: Clock, first_operator: Callable[[], str]) -> None:
        """`first_operator`: the hash of that token now, empty where there is none."""
        self._outbox = outbox
        self._clock = clock
        self._first_operator = first_operator
        self._published = ""

    async def publish(self, pool: Pool) -> None:
        """Publishes every change that is not published yet."""
        async with self._outbox.transaction(pool) as (connection, events):
            events += await access_events(connection)
            if (token_hash := self._first_operator()) and token_hash != self._published:
                events.append(_event(first_operator(token_hash, self._clock.now())))
        self._published = token_hash


def first_operator(token_hash: str, now: datetime) -> TokenChanged:
    """The first operator's token as a change."""
    return TokenChanged(name=FIRST_OPERATOR, role=TokenRole.OPERATOR, token_hash=token_hash, changed_at=now)


def _event(changed: TokenChanged) -> Outgoing:
    identifier = event_id("token-of", changed.name, changed.token_hash, changed.changed_at.isoformat())
    return outgoing(topics.ACCESS.name, changed.name, changed, event_id=identifier, time=changed.changed_at)

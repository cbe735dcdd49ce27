"""The other services are told who holds a token, by its hash: of one that is made or ended, with that."""

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
"""Whose token is a setting of intake's, and in no table."""


async def access_events(connection: Connection) -> list[Outgoing]:
    """Of all that the others were not told yet."""
    return [_event(token) for token in await tokens.take_unpublished(connection)]


class AccessPublisher:
    """A periodic job: tells of tokens made before others were told of any, and once of the first operator's."""

    def __init__(self, outbox: OutboxPublisher, clock: Clock, first_operator: str) -> None:
        """`first_operator`: the hash of that token, empty where there is none."""
        self._outbox = outbox
        self._clock = clock
        self._first_operator = first_operator

    async def publish(self, pool: Pool) -> None:
        async with self._outbox.transaction(pool) as (connection, events):
            events += await access_events(connection)
            if self._first_operator:
                events.append(_event(first_operator(self._first_operator, self._clock.now())))
        self._first_operator = ""


def first_operator(token_hash: str, now: datetime) -> TokenChanged:
    return TokenChanged(name=FIRST_OPERATOR, role=TokenRole.OPERATOR, token_hash=token_hash, changed_at=now)


def _event(changed: TokenChanged) -> Outgoing:
    identifier = event_id("token-of", changed.name, changed.token_hash, changed.changed_at.isoformat())
    return outgoing(topics.ACCESS.name, changed.name, changed, event_id=identifier, time=changed.changed_at)

"""Puts back institutions with their pledges and inboxes, and bearer tokens."""

from collections.abc import Sequence

from services.intake.domain.shards import shard_of
from services.intake.storage import putback, tokens
from services.intake.usecases.access_events import FIRST_OPERATOR
from shared.contracts import topics
from shared.contracts.events import InstitutionChanged, TokenChanged
from shared.kafka.records import events_of
from shared.kafka.step import Incoming
from shared.service.postgres import Connection


async def put_back_institutions(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Applies changes of institutions, oldest first."""
    rows = 0
    for event in sorted(events_of(batch, InstitutionChanged), key=lambda event: event.body.changed_at):
        code = event.body.institution
        rows += await putback.institution(connection, event.body, prefix + topics.inbox(code).name, shard_of(code))
    return rows


async def put_back_tokens(connection: Connection, batch: Sequence[Incoming], prefix: str) -> int:
    """Puts back who may act. The first operator's token is a setting, and in no table."""
    changed = [event.body for event in events_of(batch, TokenChanged) if event.body.name != FIRST_OPERATOR]
    return sum([await tokens.put_back(connection, token) for token in changed])

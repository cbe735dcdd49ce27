"""Contacts refused after the close, stored until an extension or the freeze, with nothing else about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.service.postgres import Connection

REMEMBER = """
INSERT INTO refused (round, email, name, language, received_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) ON CONFLICT DO NOTHING
"""
TAKE = "DELETE FROM refused WHERE round = $1 RETURNING round, email, name, language, received_at"
INVITE = "INSERT INTO invited (party, round) SELECT party, $2 FROM unnest($1::uuid[]) AS fresh(party)"
_PAST: Final = "(SELECT round FROM rounds WHERE status NOT IN ('announced', 'open'))"
FORGET = f"DELETE FROM refused WHERE round IN {_PAST}"  # noqa: S608 -- no value of anybody's
TAKE_INVITED = f"DELETE FROM invited WHERE round IN {_PAST} RETURNING party::text"  # noqa: S608


@dataclass(frozen=True, slots=True)
class RefusedContact:
    """Whom to notify if the close is moved."""

    round: str
    email: str
    name: str
    language: str
    received_at: datetime
    """Programme time."""


async def remember(connection: Connection, late: Sequence[RefusedContact]) -> None:
    """Stores each address once, in order, so that two groups never deadlock. Call it under the round's lock, so that an
    extension either finds or admits each."""
    first = {(each.round, each.email): each for each in reversed(late)}
    rows = [first[key] for key in sorted(first)]
    await connection.execute(
        REMEMBER,
        [each.round for each in rows],
        [each.email for each in rows],
        [each.name for each in rows],
        [each.language for each in rows],
        [each.received_at for each in rows],
    )


async def take(connection: Connection, round_id: str) -> list[RefusedContact]:
    """Removes and returns all of the round: for an extension, under the round's exclusive lock."""
    rows = [RefusedContact(**dict(row)) for row in await connection.fetch(TAKE, round_id)]
    return sorted(rows, key=lambda each: (each.received_at, each.email))


async def invite(connection: Connection, round_id: str, parties: Sequence[str]) -> None:
    """Notes the parties under which contacts were invited, to be erased in time."""
    await connection.execute(INVITE, parties, round_id)


async def forget(connection: Connection) -> list[str]:
    """Deletes contacts that no extension can invite, of rounds that accept nothing more.

    Returns the invited parties, each once, to be erased everywhere.
    """
    await connection.execute(FORGET)
    return [row["party"] for row in await connection.fetch(TAKE_INVITED)]

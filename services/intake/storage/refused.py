"""Contacts of those refused after the close, kept until an extension or the freeze: nothing else is kept of them."""

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
    round: str
    email: str
    name: str
    language: str
    received_at: datetime
    """Programme time."""


async def remember(connection: Connection, late: Sequence[RefusedContact]) -> None:
    """Once for each address, in order of addresses: two groups never wait for each other. To be called under the
    round's lock, so that an extension finds all of them or admits them."""
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
    """All of the round, which are then forgotten: for an extension, under the round's exclusive lock."""
    rows = [RefusedContact(**dict(row)) for row in await connection.fetch(TAKE, round_id)]
    return sorted(rows, key=lambda each: (each.received_at, each.email))


async def invite(connection: Connection, round_id: str, parties: Sequence[str]) -> None:
    await connection.execute(INVITE, parties, round_id)


async def forget(connection: Connection) -> list[str]:
    """Of rounds that take nothing more: forgets whom no extension can bring back; returns the parties that were
    invited, each once, to be erased everywhere."""
    await connection.execute(FORGET)
    return [row["party"] for row in await connection.fetch(TAKE_INVITED)]

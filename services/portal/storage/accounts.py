"""Who is signed in: accounts, mailed links, sessions. Links and sessions are stored hashed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.portal.domain.signing_in import Asked
from shared.service.postgres import Connection, rows_changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that was mailed. `back`: where it leads; `carried`: a draft that was begun without an account."""

    email: str
    back: str
    expires_at: datetime
    used_at: datetime | None
    carried: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in, or was until `expires_at`."""

    account: str
    email: str
    form_token: str
    expires_at: datetime


async def asked_before(connection: Connection, email: str, network: str | None, since: datetime) -> Asked:
    """When links were asked for since then: for this address, and from this network."""
    rows = await connection.fetch(
        "SELECT created_at FROM links WHERE lower(email) = lower($1) AND created_at > $2 ORDER BY created_at",
        email,
        since,
    )
    there = await connection.fetch(
        "SELECT created_at FROM links WHERE network = $1 AND created_at > $2 ORDER BY created_at", network, since
    )
    return Asked([row["created_at"] for row in rows], [row["created_at"] for row in there])


async def lock_address(connection: Connection, email: str) -> None:
    """One request for a link to an address at a time, until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('link ' || lower($1), 0))", email)


async def add_link(
    connection: Connection, link_hash: bytes, link: Link, network: str | None, created_at: datetime
) -> None:
    """Keeps a link."""
    await connection.execute(
        "INSERT INTO links (link_hash, email, network, back, carried, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        link_hash,
        link.email,
        network,
        link.back,
        link.carried,
        created_at,
        link.expires_at,
    )


async def remove_link(connection: Connection, link_hash: bytes) -> None:
    """Forgets a link that could not be mailed."""
    await connection.execute("DELETE FROM links WHERE link_hash = $1", link_hash)


async def link(connection: Connection, link_hash: bytes) -> Link | None:
    """The link, used or not."""
    row = await connection.fetchrow(
        "SELECT email, back, expires_at, used_at, carried FROM links WHERE link_hash = $1", link_hash
    )
    return Link(**row) if row else None


async def use_link(connection: Connection, link_hash: bytes, now: datetime) -> bool:
    """Uses it up; False if somebody has, or it has expired."""
    used = await rows_changed(
        connection,
        "UPDATE links SET used_at = $2 WHERE link_hash = $1 AND used_at IS NULL AND expires_at > $2",
        link_hash,
        now,
    )
    return used == 1


async def account_of(connection: Connection, email: str, new: str, now: datetime) -> str:
    """The account of the address; a new one of that id if it has none."""
    found = await connection.fetchval(
        "WITH added AS (INSERT INTO accounts (account, email, created_at) VALUES ($2, $1, $3)"
        " ON CONFLICT ((lower(email))) DO NOTHING RETURNING account)"
        " SELECT account FROM added UNION ALL SELECT account FROM accounts WHERE lower(email) = lower($1) LIMIT 1",
        email,
        new,
        now,
    )
    return str(found)


async def add_session(
    connection: Connection, session_hash: bytes, account: str, form_token: str, now: datetime, expires_at: datetime
) -> None:
    """Keeps a session."""
    await connection.execute(
        "INSERT INTO sessions (session_hash, account, form_token, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        session_hash,
        account,
        form_token,
        now,
        expires_at,
    )


async def session(connection: Connection, session_hash: bytes) -> Session | None:
    """The session, also one that has expired."""
    row = await connection.fetchrow(
        "SELECT account::text, email, form_token, expires_at FROM sessions JOIN accounts USING (account)"
        " WHERE session_hash = $1",
        session_hash,
    )
    return Session(**row) if row else None


async def prolong(connection: Connection, session_hash: bytes, expires_at: datetime) -> None:
    """Moves the end of a session."""
    await connection.execute("UPDATE sessions SET expires_at = $2 WHERE session_hash = $1", session_hash, expires_at)


async def end_session(connection: Connection, session_hash: bytes) -> None:
    """Ends a session for good."""
    await connection.execute("DELETE FROM sessions WHERE session_hash = $1", session_hash)


async def erase(connection: Connection, account: str, email: str) -> None:
    """Deletes an account with all that is its own, and what is known of its address."""
    await connection.execute("DELETE FROM accounts WHERE account = $1", account)
    await connection.execute("DELETE FROM links WHERE lower(email) = lower($1)", email)


async def forget(connection: Connection, before: datetime) -> None:
    """Deletes links and sessions that ended before then."""
    await connection.execute("DELETE FROM links WHERE expires_at < $1", before)
    await connection.execute("DELETE FROM sessions WHERE expires_at < $1", before)

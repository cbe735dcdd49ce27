"""The pool of connections, and what tells a database that is away from a statement that is wrong."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
import asyncpg.pool

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_JSONB_VERSION: Final = b"\x01"
_PREFETCH: Final = 2000


class DatabaseAwayError(ConnectionError):
    """No connection to the database can be had now."""


DATABASE_AWAY: Final = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""The database can't be reached or is shutting down: wait for it, the batch is not to blame.

Not asyncpg's InterfaceError: that is also what it says of an argument that no statement can take (its DataError).
"""

CONTENDED: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
"""Another transaction was in the way: the same statement may succeed at once."""


def _encode_jsonb(value: Any) -> bytes:
    return _JSONB_VERSION + json.dumps(value, ensure_ascii=False).encode()


def _decode_jsonb(data: bytes) -> Any:
    return json.loads(data[1:])


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )


@asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool. Whatever keeps one from being had is the database being away."""
    try:
        connection = await pool.acquire(timeout=15)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise DatabaseAwayError(f"{type(error).__name__}: {error}") from error
    try:
        yield connection
    except asyncpg.InterfaceError as error:
        if connection.is_closed():
            raise DatabaseAwayError(f"{type(error).__name__}: {error}") from error
        raise
    finally:
        await pool.release(connection)


@asynccontextmanager
async def session_of(pool: Pool) -> AsyncIterator[Connection]:
    """A connection for locks of a session: the block gives them back, or they end with the connection."""
    async with connected(pool) as connection:
        try:
            yield connection
        except BaseException:
            connection.terminate()
            raise


async def _left_clean(_: Connection) -> None:
    """Instead of asyncpg's four statements after every use: an open transaction it ends itself, settings are a
    transaction's alone, and who locks for a session has `session_of`."""


async def rows_changed(connection: Connection, statement: str, *arguments: Any) -> int:
    """Runs a statement; the rows it changed, from its tag, such as `INSERT 0 3`."""
    return int((await connection.execute(statement, *arguments)).rpartition(" ")[2])


async def streamed(connection: Connection, query: str, *arguments: Any) -> AsyncIterator[asyncpg.Record]:
    """Row by row through a server-side cursor: a round may have a million."""
    async with connection.transaction():
        async for row in connection.cursor(query, *arguments, prefetch=_PREFETCH):
            yield row


async def open_pool(url: str, connections: int, application: str) -> Pool:
    """A pool whose sessions say who they are and bound how long a statement or an idle transaction may last."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=connections,
        init=_prepare,
        reset=_left_clean,
        command_timeout=60,
        server_settings={
            "application_name": application,
            "timezone": "UTC",
            "statement_timeout": "60s",
            "idle_in_transaction_session_timeout": "60s",
            "lock_timeout": "30s",
        },
    )

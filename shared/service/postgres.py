"""The connection pool, and the errors that tell an unavailable database from a wrong statement.

Code that holds a connection must not take a second one of the same pool: otherwise all connections could be held by
tasks that wait for another. It is refused wherever it is tried, so that tests find it, not a rush of requests.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import asyncpg
import asyncpg.pool

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

TIMEOUTS: Final = {
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "30s",
}
"""Of each session. A pooler may ignore them: then the database's role must have them (docs/operators.md)."""
_JSONB_VERSION: Final = b"\x01"
_PREFETCH: Final = 2000


class DatabaseAwayError(ConnectionError):
    """No connection to the database is available now."""

    code = "database-away"


class NestedConnectionError(RuntimeError):
    """Our fault: code that holds a connection asked for another one of the same pool."""

    code = "nested-connection"


REFUSED_LOGIN: Final = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)
Address: TypeAlias = str | Callable[[], str]
"""Of a database, with its password; or what tells the newest, if that may change while the service runs."""


class _Door:
    """Opens connections at the newest address. The one that was let in last is tried where the newest is refused: a
    password may be in its file some moments before PostgreSQL has it."""

    def __init__(self, address: Address) -> None:
        self._newest = address if callable(address) else lambda: address
        self._let_in: str | None = None

    async def open(self, *_: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
        url = self._newest()
        try:
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, **options)
        except REFUSED_LOGIN:
            if self._let_in in {None, url}:
                raise
            return await asyncpg.connect(self._let_in, **options)
        self._let_in = url
        return connection


class Pool(asyncpg.Pool):
    """A service's pool. It bounds the wait for a connection, and can open one outside the pool."""

    __slots__ = ("_door", "_session_options", "wait_seconds")

    def __init__(self, address: Address, connections: int, wait_seconds: float, options: dict[str, Any]) -> None:
        self._door = _Door(address)
        super().__init__(
            None,
            connect=self._door.open,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            min_size=1,
            max_size=connections,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            init=_prepare,
            reset=_left_clean,
            **options,
        )
        self.wait_seconds = wait_seconds
        self._session_options = options

    async def session(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection outside the pool, for long-lived use."""
        connection = await self._door.open(**self._session_options)
        await _prepare(connection)
        return connection


DATABASE_AWAY: Final = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,
)
"""Errors of a database that can't be reached or is shutting down: wait for it, the batch is not to blame. The last of
them asyncpg raises where a connection broke in the middle of an operation.

Without asyncpg's InterfaceError, which it also raises for invalid arguments (DataError).
"""

CONTENDED: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
"""Errors of conflicts with another transaction: the same statement may succeed at once."""


def _encode_jsonb(value: Any) -> bytes:
    return _JSONB_VERSION + json.dumps(value, ensure_ascii=False).encode()


def _decode_jsonb(data: bytes) -> Any:
    return json.loads(data[1:])


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )


@dataclass(slots=True)
class _Held:
    """A held connection. Tasks inherit this mark from the task that starts them, and may outlive it."""

    pool: Pool
    still: bool = True


_held: ContextVar[tuple[_Held, ...]] = ContextVar("connections held", default=())


@asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool. Raises DatabaseAwayError if none can be had for any reason.

    Raises NestedConnectionError if the caller, or a task that awaits it, holds one of this pool already.
    """
    before = _held.get()
    if any(each.still and each.pool is pool for each in before):
        raise NestedConnectionError("a connection of this pool is held: pass it on, or give it back first")
    try:
        connection = await pool.acquire(timeout=pool.wait_seconds)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise DatabaseAwayError(f"{type(error).__name__}: {error}") from error
    held = _Held(pool)
    token = _held.set((*(each for each in before if each.still), held))
    try:
        yield connection
    except asyncpg.InterfaceError as error:
        if connection.is_closed():
            raise DatabaseAwayError(f"{type(error).__name__}: {error}") from error
        raise
    finally:
        held.still = False
        with suppress(ValueError):  # a generator that another task closes
            _held.reset(token)
        await pool.release(connection)


@asynccontextmanager
async def session_of(pool: Pool) -> AsyncIterator[Connection]:
    """A connection outside the pool for session locks, held while work is done on others. The block releases the locks,
    or they end with the connection."""
    try:
        connection = await pool.session()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise DatabaseAwayError(f"{type(error).__name__}: {error}") from error
    try:
        yield connection
    except BaseException:
        connection.terminate()
        raise
    else:
        await connection.close(timeout=10)


async def _left_clean(_: Connection) -> None:
    """Replaces asyncpg's reset of four statements after every use: asyncpg itself ends open transactions, our settings
    are local to transactions, and session locks use `session_of`."""


async def rows_changed(connection: Connection, statement: str, *arguments: Any) -> int:
    """Runs a statement; returns the number of changed rows, from its tag such as `INSERT 0 3`."""
    return int((await connection.execute(statement, *arguments)).rpartition(" ")[2])


def columns(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """One array per name of the rows, in the order of the names: the arguments of `unnest($1::…[], $2::…[], …)`.

    No rows give no arrays, so a caller skips the statement then. Raises ValueError if rows have different names.
    """
    names = [tuple(row) for row in rows]
    if any(each != names[0] for each in names):
        raise ValueError("rows with different names")
    return list(zip(*(row.values() for row in rows), strict=True))


async def streamed(connection: Connection, query: str, *arguments: Any) -> AsyncIterator[asyncpg.Record]:
    """Rows one by one through a server-side cursor, since a round may have a million."""
    async with connection.transaction():
        async for row in connection.cursor(query, *arguments, prefetch=_PREFETCH):
            yield row


async def open_pool(address: Address, connections: int, application: str, wait_seconds: float = 5.0) -> Pool:
    """A pool whose sessions have an application name, and timeouts for statements, idle transactions and locks."""
    options = {
        "command_timeout": 60,
        "server_settings": {"application_name": application, "timezone": "UTC", **TIMEOUTS},
    }
    pool = Pool(address, connections, wait_seconds, options)
    await pool
    return pool

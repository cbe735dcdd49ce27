"""Databases on a PostgreSQL server: made, copied, dropped."""

import asyncio
import re
from urllib.parse import urlsplit, urlunsplit

import asyncpg


class PostgresFailedError(Exception):
    code = "postgres-failed"


async def version_of(url: str, timeout: float = 10.0) -> str:
    try:
        connection = await asyncpg.connect(url, timeout=timeout)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        where = urlsplit(url).netloc.rpartition("@")[2]
        raise PostgresFailedError(
            f"PostgreSQL at {where} does not let us in: {error or type(error).__name__}"
        ) from error
    try:
        return str(await connection.fetchval("SHOW server_version")).split()[0]
    finally:
        await connection.close()


async def lets_in(url: str) -> bool:
    """Whether a server answers there now, and takes that login."""
    try:
        await version_of(url, timeout=2.0)
    except PostgresFailedError:
        return False
    return True


def with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, parts.fragment))


async def create_database(admin_url: str, name: str, template: str | None = None) -> str:
    """Its address. A database that is there already is left as it is. A template must have no open connection."""
    connection = await asyncpg.connect(admin_url)
    try:
        source = f" TEMPLATE {identifier(template)}" if template else " TEMPLATE template0 ENCODING 'UTF8'"
        for _ in range(50):
            try:
                await connection.execute(f"CREATE DATABASE {identifier(name)}{source}")
            except asyncpg.DuplicateDatabaseError:
                break
            except asyncpg.ObjectInUseError:  # the template's last connection is still going
                await asyncio.sleep(0.1)
                continue
            break
        else:
            raise PostgresFailedError(f"database {template} is in use and cannot be copied")
    finally:
        await connection.close()
    return with_database(admin_url, name)


async def drop_database(admin_url: str, name: str) -> None:
    """Ends the connections that are open to it."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")
    finally:
        await connection.close()


def identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"not a database name of ours: {name!r}")
    return f'"{name}"'

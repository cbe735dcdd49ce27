"""A PostgreSQL and its synchronous standby, which takes over when the first is killed."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from deploy.local.databases import PostgresFailedError, lets_in
from deploy.local.kept import Kept, silent
from deploy.local.ports import free_port
from deploy.local.postgres_embedded import embedded, server_command, server_environment, usable_binaries
from deploy.local.state import State, lesser_account

NAME = "standby"
SYNCHRONOUS = {"synchronous_commit": "on", "synchronous_standby_names": NAME}


@dataclass(frozen=True, slots=True)
class Pair:
    primary: Kept
    standby: Kept
    administrator: str
    """The address of both, for whoever writes: `host:port,host:port`, and the one that takes writes."""
    standby_url: str

    async def fail_over(self) -> None:
        """SIGKILL for the primary, which stays down; the standby takes over and waits for no standby of its own."""
        await self.primary.kill(stay_down=True)
        connection = await asyncpg.connect(self.standby_url)
        try:
            assert await connection.fetchval("SELECT pg_promote()")
        finally:
            await connection.close()


@asynccontextmanager
async def synchronous_pair(state: State) -> AsyncIterator[Pair]:
    """What the primary has confirmed is on the disk of both."""
    async with AsyncExitStack() as held:
        primary_url, primary = await held.enter_async_context(
            embedded(state, fresh=True, report=silent, settings=SYNCHRONOUS)
        )
        port = free_port()
        parts = urlsplit(primary_url)
        standby_url = primary_url.replace(f":{parts.port}/", f":{port}/")
        data = state.place("postgres", passable=True) / NAME
        binaries = usable_binaries(state.cache, lesser_account())
        await asyncio.to_thread(_copy, binaries, primary_url, data)
        command = server_command(binaries, data, port, state.place("standby"), {"hot_standby": "on"})
        standby = Kept(NAME, command, state.records, partial(lets_in, standby_url), report=silent)
        held.push_async_callback(standby.stop)
        await standby.start()
        await _synchronous(primary_url)
        both = primary_url.replace(f":{parts.port}/", f":{parts.port},{parts.hostname}:{port}/")
        yield Pair(primary, standby, f"{both}?target_session_attrs=read-write", standby_url)


def _copy(binaries: Path, primary_url: str, data: Path) -> None:
    parts, account = urlsplit(primary_url), lesser_account()
    data.mkdir(mode=0o700)
    if account is not None:
        os.chown(data, account.uid, account.gid)
    told = f"host={parts.hostname} port={parts.port} user={parts.username} application_name={NAME}"
    argv = [str(binaries / "bin" / "pg_basebackup"), "-d", told, "-D", str(data), "-R", "-X", "stream"]
    argv += ["-c", "fast", "-C", "-S", NAME, "--no-sync"]
    done = subprocess.run(
        argv,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd=data.parent,
        env=server_environment() | {"PGPASSWORD": str(parts.password)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PostgresFailedError(f"pg_basebackup: {done.stderr.strip()}")


async def _synchronous(primary_url: str) -> None:
    connection = await asyncpg.connect(primary_url)
    try:
        async with asyncio.timeout(30):
            while "sync" not in await connection.fetchval(
                "SELECT coalesce(string_agg(sync_state, ','), '') FROM pg_stat_replication"
            ):
                await asyncio.sleep(0.1)
    finally:
        await connection.close()

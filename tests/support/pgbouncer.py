"""A PgBouncer in front of a database: this machine's, or Debian's."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.ports import accepts, free_port
from deploy.local.state import lesser_account
from tests.support.debian import NoPackageError, ran, unpacked

_PACKAGES = ("pgbouncer", "libc-ares2", "libevent-2.1-7")
KEEPALIVES = "tcp_keepalives_idle, tcp_keepalives_interval, tcp_keepalives_count"
_SETTINGS = """
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = plain
auth_file = {users}
pool_mode = {mode}
default_pool_size = {pool}
max_client_conn = 200
ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout, lock_timeout, {keepalives}
logfile = {log}
"""


def find(cache: Path, environment: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """The program, and the variables it needs. Raises NoPackageError, which says what was tried."""
    if found := shutil.which("pgbouncer", path=f"{environment.get('PATH', '')}:/usr/sbin"):
        return Path(found), {}
    program, *libraries = (unpacked(cache, package) for package in _PACKAGES)
    folders = [str(folder) for library in libraries for folder in library.glob("usr/lib/*-linux-gnu")]
    own = {"LD_LIBRARY_PATH": ":".join(folders)}
    ran(program, "env", *(f"{name}={value}" for name, value in own.items()), "usr/sbin/pgbouncer", "--version")
    return program / "usr/sbin/pgbouncer", own


@asynccontextmanager
async def pooled(program: tuple[Path, dict[str, str]], url: str, mode: str) -> AsyncIterator[str]:
    """The database's address through a PgBouncer in that mode, for the block."""
    with tempfile.TemporaryDirectory(prefix="firstbuy-pgbouncer-") as folder:  # pytest's own is closed to others
        async with _running(program, Path(folder), url, mode) as through:
            yield through


@asynccontextmanager
async def _running(program: tuple[Path, dict[str, str]], folder: Path, url: str, mode: str) -> AsyncIterator[str]:
    parts, port = urlsplit(url), free_port()
    pool = 100 if mode == "session" else 1
    users, settings, log = folder / "users.txt", folder / f"{mode}.ini", folder / f"{mode}.log"
    users.write_text(f'"{parts.username}" "{parts.password}"\n')
    settings.write_text(
        _SETTINGS.format(
            keepalives=KEEPALIVES,
            host=parts.hostname,
            server_port=parts.port,
            port=port,
            users=users,
            mode=mode,
            pool=pool,
            log=log,
        )
    )
    account = lesser_account()  # it refuses to run as root, as PostgreSQL does
    for path in (folder, users, settings):
        path.chmod(0o755 if path.is_dir() else 0o644)
        if account is not None:
            os.chown(path, account.uid, account.gid)
    executable, own = program
    running = await asyncio.create_subprocess_exec(
        str(executable),
        str(settings),
        env={**os.environ, **own},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    try:
        async with asyncio.timeout(20):
            while not await accepts(f"127.0.0.1:{port}"):
                if running.returncode is not None:
                    said = log.read_text()[-500:] if log.exists() else "see its error output"
                    raise NoPackageError(f"pgbouncer ended with {running.returncode}: {said}")
                await asyncio.sleep(0.05)
        yield url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()

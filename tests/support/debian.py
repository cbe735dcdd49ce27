"""Programs out of Debian's packages: fetched once by apt-get and unpacked, without root; nothing is installed."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.local.state import cached

APT_TIMEOUT: Final = 300.0


class NoPackageError(Exception):
    code = "no-package"


def unpacked(cache: Path, package: str) -> Path:
    """The folder with the package's files. Raises NoPackageError, which says what was tried."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NoPackageError(f"no {package} is here, nor apt-get to fetch it")
    return cached(cache, f"{package}-debian", lambda folder: _fetch(folder, package))


def _fetch(folder: Path, package: str) -> None:
    """With lists of its own, so that this machine's are left as they are and nobody need be root."""
    lists, kept = folder / "apt/lists/partial", folder / "apt/cache/archives/partial"
    for each in (lists, kept):
        each.mkdir(parents=True)
    options = (
        "-qq",
        *("-o", f"Dir::State::Lists={lists.parent}"),
        *("-o", f"Dir::Cache={kept.parents[1]}"),
        *("-o", "APT::Sandbox::User="),
        *("-o", "Acquire::Languages=none"),
    )
    ran(folder, "apt-get", *options, "update")
    ran(folder, "apt-get", *options, "download", package)
    (found,) = folder.glob(f"{package}_*.deb")
    ran(folder, "dpkg-deb", "-x", str(found), str(folder))
    found.unlink()
    shutil.rmtree(folder / "apt")


def ran(folder: Path, *argv: str) -> None:
    """Runs a command. Raises NoPackageError if it fails."""
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=APT_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPackageError(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise NoPackageError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")

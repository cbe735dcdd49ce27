"""An nginx for the test of `deploy/proxy`: this machine's, or Debian's, fetched once and unpacked, not installed."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.state import cached

APT_TIMEOUT = 300.0


class NoNginxError(Exception):
    code = "no-nginx"


def find(cache: Path, environment: Mapping[str, str]) -> Path:
    """Raises NoNginxError, which says what was tried."""
    if found := shutil.which("nginx", path=f"{environment.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        return Path(found)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NoNginxError("no nginx is here, nor apt-get to fetch it")
    program = cached(cache, "nginx-debian", _fetch) / "usr/sbin/nginx"
    try:
        _ran(program.parent, str(program), "-v")
    except NoNginxError as error:
        raise NoNginxError(f"Debian's nginx does not run here: {error}") from error
    return program


def _fetch(folder: Path) -> None:
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
    _ran(folder, "apt-get", *options, "update")
    _ran(folder, "apt-get", *options, "download", "nginx")
    (package,) = folder.glob("nginx_*.deb")
    _ran(folder, "dpkg-deb", "-x", str(package), str(folder))
    package.unlink()
    shutil.rmtree(folder / "apt")


def _ran(folder: Path, *argv: str) -> None:
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=APT_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoNginxError(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise NoNginxError(f"{' '.join(argv[:1])} ended with {done.returncode}: {done.stderr.strip()[-500:]}")

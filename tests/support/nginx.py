"""An nginx for the test of `deploy/proxy`: this machine's, or Debian's."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.debian import NoPackageError, ran, unpacked


def find(cache: Path, environment: Mapping[str, str]) -> Path:
    """Raises NoPackageError, which says what was tried."""
    if found := shutil.which("nginx", path=f"{environment.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        return Path(found)
    program = unpacked(cache, "nginx") / "usr/sbin/nginx"
    try:
        ran(program.parent, str(program), "-v")
    except NoPackageError as error:
        raise NoPackageError(f"Debian's nginx does not run here: {error}") from error
    return program

"""The release before this code, out of git's history, run beside this code's services."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from deploy.local.state import PROJECT

VERSION: Final = "0.1.0"
COMMIT: Final = "8a7c1fa2c31a64d68f98ce5433740b0f701b9dd9"
"""Of the release before: `docs/releases.md` says when it moves."""
_RUN: Final = """
import runpy, sys
tree, module = open(sys.argv[1]).read(), sys.argv[2]
sys.path[0] = tree
sys.argv = [module, *sys.argv[3:]]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class NoHistoryError(Exception):
    """The clone lacks the release: it is shallow, or no clone."""

    code = "no-history"


def unpacked(folder: Path) -> Path:
    """The release's tree. Raises NoHistoryError."""
    done = subprocess.run(["git", "archive", COMMIT], cwd=PROJECT, capture_output=True, check=False)
    if done.returncode:
        raise NoHistoryError(f"git has no {VERSION} ({COMMIT[:7]}): {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@dataclass(frozen=True, slots=True)
class Switched:
    """Which code each service runs at its next start: that of a tree, which a file names."""

    folder: Path
    trees: Mapping[str, Path]
    """By name: `before` and `this`."""

    def command(self, service: str) -> Sequence[str]:
        """For `start_stack`; before, until it is switched."""
        file = self._file(service)
        if not file.exists():
            self.to(service, "before")
        return (sys.executable, "-c", _RUN, str(file), f"services.{service}")

    def to(self, service: str, tree: str) -> None:
        self._file(service).write_text(os.fspath(self.trees[tree]))

    def _file(self, service: str) -> Path:
        return self.folder / f"tree-of-{service}"

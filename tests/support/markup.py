"""The W3C's checker of HTML (Nu, vnu.jar), out of an npm package, run by Java."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

from deploy.local.state import cached

PACKAGE: Final = "vnu-jar@26.9.27"
INTEGRITY: Final = "TkQd5DFfOaWC9ebtvozTsrH2Vaod3jYg+vrOeREzIXxBexLz9+rS2DNtjn7+RPUiZhgli0SghgBX6RJRNea0KA=="
"""SHA-512 of what npm fetches."""
_JAR: Final = "package/build/dist/vnu.jar"
_SECONDS: Final = 300.0


class NoCheckerError(Exception):
    """It can't be had here; the text says why."""

    code = "no-checker"


def checker(cache: Path) -> Path:
    """The jar. Raises NoCheckerError."""
    if shutil.which("java") is None:
        raise NoCheckerError("no Java here")
    npm = shutil.which("npm")

    def fill(folder: Path) -> None:
        if npm is None:
            raise NoCheckerError(f"no npm here to fetch {PACKAGE} with")
        argv = [npm, "pack", "--silent", PACKAGE]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode != 0:
            raise NoCheckerError(f"npm cannot fetch {PACKAGE}: {done.stderr.strip()[-300:]}")
        archive = folder / done.stdout.split()[-1]
        if b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != INTEGRITY:
            raise NoCheckerError(f"what npm fetched is not {PACKAGE} as it was when it was chosen")
        with tarfile.open(archive) as package:
            jar = package.extractfile(_JAR)
            if jar is None:
                raise NoCheckerError(f"{PACKAGE} has no {_JAR}")
            (folder / "vnu.jar").write_bytes(jar.read())
        archive.unlink()

    return cached(cache, PACKAGE.replace("@", "-"), fill) / "vnu.jar"


def faults_of(jar: Path, files: list[Path]) -> list[str]:
    """What it says of these pages: warnings too, but for what only informs."""
    argv = ["java", "-Xss4m", "-jar", str(jar), "--format", "json", *map(str, files)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_SECONDS, check=False, env={**os.environ})
    said = done.stdout + done.stderr  # Java may say something before it
    told: list[dict[str, Any]] = json.loads(said[said.index("{") :])["messages"]
    return [
        f"{each['url'].rpartition('/')[2]}:{each.get('lastLine')}: {each['message']}"
        for each in told
        if each["type"] == "error" or each.get("subType") == "warning"
    ]

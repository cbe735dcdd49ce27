"""The official validator of OCDS data, libcoveocds. Its licence is the AGPL, so it is run, never imported.

It needs fifty packages that nothing else here does, and so has an environment of its own, built once from
`ocds-validator.lock` by the project's uv. It reads the standard, code lists too, from an archive that lies beside the
project, by its own option for that, and is given no network: looking anything up ends in an error.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.local.state import PROJECT, cached

ARCHIVE: Final = PROJECT.parent / "shared" / "ocds" / "standard-1__1__5.zip"
LOCK: Final = Path(__file__).parents[1] / "ocds-validator.lock"
NOWHERE: Final = "http://127.0.0.1:9"
"""A proxy that nobody keeps."""


@dataclass(frozen=True, slots=True)
class Findings:
    """`wrong`: each breach of the schema and of a closed code list, each unknown, deprecated or empty field; `codes`:
    those of open lists that the standard does not have, which is allowed."""

    wrong: tuple[str, ...]
    codes: frozenset[str]
    releases: int


@dataclass(frozen=True, slots=True)
class Validator:
    python: Path
    archive: Path

    def examine(self, file: Path) -> Findings:
        argv: list[str | Path] = [
            self.python,
            "-m",
            "libcoveocds",
            "--schema-version",
            "1.1",
            "--standard-zip",
            self.archive,
            file,
        ]
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE)
        done = subprocess.run(argv, capture_output=True, text=True, env=proxies, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the validator ended with {done.returncode}: {done.stderr[-2000:]}")
        return _findings(json.loads(done.stdout))


def _findings(told: dict[str, Any]) -> Findings:
    wrong = [f"{error['path']}: {error['description']}" for error in told["validation_errors"]]
    for path, found in told["additional_closed_codelist_values"].items():
        wrong.append(f"{path}: {', '.join(found['values'])} not in {found['codelist']}")
    wrong += [
        f"{field['path']}/{field['field_name']}: no field of the standard" for field in told["all_additional_fields"]
    ]
    wrong += [f"{field['field']}: deprecated" for field in told["deprecated_fields"]]
    wrong += [f"{one['json_location']}: empty" for found in told["additional_checks"].values() for one in found]
    wrong += [f"{kind}: {found}" for kind, found in told.get("conformance_errors", {}).items()]
    codes = {code for found in told["additional_open_codelist_values"].values() for code in found["values"]}
    return Findings(tuple(wrong), frozenset(codes), told["count"])


def installed(cache: Path) -> Path:
    """The Python of its environment."""
    version = ".".join(map(str, sys.version_info[:2]))
    name = f"ocds-validator-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}-py{version}"
    return cached(cache, name, _install) / "bin" / "python"


def _install(folder: Path) -> None:
    """What comes without a wheel is built with what the lock names."""
    uv = PROJECT / ".venv-uv" / "bin" / "uv"
    settings = {"UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": str(folder)}
    made = ("venv", "--allow-existing", "--relocatable", "--python", sys.executable, folder)
    filled = ("pip", "sync", "--require-hashes", "--build-constraints", LOCK, LOCK)
    for arguments in (made, filled):
        subprocess.run([uv, "--quiet", *arguments], env=os.environ | settings, timeout=600, check=True)

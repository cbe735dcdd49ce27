"""Known vulnerabilities of what is locked: `make audit` asks pip-audit, and claims nothing where it could not look.

Ends with 0 if every locked package was looked at and none is known to be vulnerable, with 1 if one is, with 2 if any
could not be looked at: `pip-audit --strict` ends at the first of those, this names them all.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LOCKS: Final = ("requirements.lock", "requirements-dev.lock")
_ROOT: Final = Path(__file__).parents[1]
_SECONDS: Final = 600


class NoAnswerError(Exception):
    """pip-audit said nothing that can be read; the text is its last line."""

    code = "no-answer"


@dataclass(frozen=True, slots=True)
class Audited:
    clear: int
    vulnerable: Sequence[str]
    unseen: Sequence[str]

    @property
    def code(self) -> int:
        """What the command ends with."""
        if self.vulnerable:
            return 1
        return 2 if self.unseen or not self.clear else 0


def read(report: Mapping[str, Any]) -> Audited:
    """A report of `pip-audit --format json`."""
    clear, vulnerable, unseen = 0, [], []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            unseen.append(package["name"])
            continue
        clear += not package["vulns"]
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            vulnerable.append(f"{package['name']} {package['version']}: {found['id']}; fixed in {fixed}")
    return Audited(clear, vulnerable, unseen)


def ask(lock: str) -> Audited:
    """Raises NoAnswerError if the service of advisories can't be reached at all."""
    argv = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    argv += ["--format", "json", "--requirement", lock]
    done = subprocess.run(argv, cwd=_ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)
    try:
        return read(json.loads(done.stdout))
    except json.JSONDecodeError:
        raise NoAnswerError((done.stderr.strip().splitlines() or ["no output"])[-1]) from None


def main() -> int:
    codes = []
    for lock in LOCKS:
        try:
            audited = ask(lock)
        except NoAnswerError as error:
            print(f"{lock}: no claim: {error}")
            codes.append(2)
            continue
        for line in audited.vulnerable:
            print(f"{lock}: {line}")
        if audited.unseen:
            print(f"{lock}: no claim: {len(audited.unseen)} could not be looked at: {', '.join(audited.unseen)}")
        else:
            print(f"{lock}: {audited.clear} looked at and clear, {len(audited.vulnerable)} vulnerabilities")
        codes.append(audited.code)
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())

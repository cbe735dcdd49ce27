"""The units of `deploy/systemd`, as systemd itself reads them; and that their hardening is what it says."""

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.state import PROJECT, State

UNITS = PROJECT / "deploy" / "systemd"
MOST_EXPOSED = "20"
"""Of 100; `systemd-analyze security` calls up to 20 safe enough not to be named."""


@pytest.fixture
def units(parts: State, tmp_path: Path) -> Path:
    """The units, with a program that is there in place of the installed one, and an instance of each template."""
    if shutil.which("systemd-analyze") is None:
        pytest.fail("missing here: systemd-analyze")
    for path in UNITS.glob("firstbuy*"):
        text = path.read_text().replace("/opt/firstbuy/bin/python", "/bin/true")
        (tmp_path / path.name).write_text(text)
        if "@." in path.name:
            (tmp_path / path.name.replace("@.", "@0.")).write_text(text)
    return tmp_path


def verified(units: Path) -> str:
    named = sorted(str(path) for path in units.iterdir() if "@." not in path.name)
    done = subprocess.run(["systemd-analyze", "verify", *named], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr + (f"ended with {done.returncode}" if done.returncode else "")


def test_systemd_finds_nothing_wrong(units: Path) -> None:
    assert verified(units) == ""


def test_it_would_find_what_is_wrong(units: Path) -> None:
    unit = units / "firstbuy-notify@0.service"
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystems=strict"))
    assert "ProtectSystems" in verified(units)


def test_every_unit_is_hardened(units: Path) -> None:
    for unit in sorted(units.glob("*.service")):
        if "@." in unit.name:
            continue
        asked = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{unit.name}: {done.stdout.splitlines()[-1:]}"

"""How a test run treats a machine without a browser: run as a test run of its own."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.state import PROJECT

TESTS = """
async def test_that_needs_one(browser):
    pass

async def test_that_does_not():
    pass
"""


def run(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    test = tmp_path / "test_inner.py"
    test.write_text(TESTS, encoding="utf-8")
    programs = tmp_path / "bin"  # neither a Chromium nor npm
    programs.mkdir()
    path = os.pathsep.join([str(PROJECT), *filter(None, sys.path)])
    given = {"PATH": str(programs), "HOME": str(tmp_path), "PYTHONPATH": path}
    given |= {"FIRSTBUY_STATE": str(tmp_path / "state"), **environment}
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest"]
    argv += ["-c", str(PROJECT / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:cacheprovider", str(test)]
    return subprocess.run(argv, capture_output=True, text=True, env=given, cwd=tmp_path, check=False)


def test_without_a_browser_its_tests_are_listed_as_not_run(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    listed = done.stdout.partition("not run: they need a browser")[2]
    assert "test_that_needs_one: no Chromium here" in listed


def test_where_a_browser_is_required_its_absence_fails(tmp_path: Path) -> None:
    done = run(tmp_path, FIRSTBUY_REQUIRE="apache-kafka,browser")
    assert done.returncode == 1
    assert "NoBrowserError" in done.stdout

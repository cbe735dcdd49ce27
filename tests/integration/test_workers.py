"""How a run shares its tests among workers: run as a test run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.state import PROJECT

TESTS = """
import os, pathlib, time
import pytest
from deploy.local import ports
from tests.support.told import Section, tell

NOTES = pathlib.Path(os.environ["NOTES"])

def noted(what):
    with NOTES.open("a") as notes:
        notes.write(f"{time.monotonic_ns()} {what} {os.environ['PYTEST_XDIST_WORKER']}\\n")

@pytest.mark.alone("for this test of it")
@pytest.mark.parametrize("number", range(3))
def test_alone(number):
    noted("alone begins")
    time.sleep(0.1)
    noted("alone ends")

@pytest.mark.parametrize("number", range(8))
def test_beside_others(number, request):
    noted("shared begins")
    time.sleep(0.3)
    port = ports.free_port()
    tell(request.config, Section.BROWSER, f"{os.environ['PYTEST_XDIST_WORKER']} {port < 26000}")
    noted("shared ends")
"""


def run(tmp_path: Path, tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    test = tmp_path / "test_inner.py"
    test.write_text(tests, encoding="utf-8")
    path = os.pathsep.join([str(PROJECT), *filter(None, sys.path)])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    given = kept | {"PYTHONPATH": path, "NOTES": str(tmp_path / "notes")}
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(PROJECT / "pyproject.toml")]
    argv += [f"--rootdir={tmp_path}", "-p", "no:cacheprovider", *arguments, str(test)]
    return subprocess.run(argv, capture_output=True, text=True, env=given, cwd=tmp_path, check=False)


def test_tests_marked_alone_run_when_all_workers_but_theirs_have_ended(tmp_path: Path) -> None:
    done = run(tmp_path, TESTS, "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    notes = sorted(line.split() for line in (tmp_path / "notes").read_text().splitlines())
    said = [(what, happened) for _, what, happened, _ in notes]
    assert said[-6:] == [("alone", "begins"), ("alone", "ends")] * 3
    assert {worker for _, what, _, worker in notes if what == "shared"} == {"gw0", "gw1"}, "the others share the work"
    assert len({worker for _, what, _, worker in notes if what == "alone"}) == 1
    told = done.stdout.partition("= browser =")[2]
    assert {"gw0 True", "gw1 False"} <= set(told.splitlines()), "each worker tells, and has ports of its own"


def test_a_mark_without_a_reason_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "import pytest\n@pytest.mark.alone\ndef test_it(): pass\n")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "says why it can't share the machine" in done.stdout + done.stderr

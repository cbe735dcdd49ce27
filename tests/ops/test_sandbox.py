"""What an engine leaves behind in a sandbox ends with it, also when the run is killed."""

import subprocess
import sys
import time
from pathlib import Path

from deploy.local.state import PROJECT, State
from tests.ops import kubernetes_programs

ALL = 6
"""unshare, tini, what it runs, an orphan, nsenter and the server."""
OPENS_ONE = """
import os, sys, time
from pathlib import Path
from tests.ops import sandbox
with sandbox.opened(Path(sys.argv[1]), Path(sys.argv[2]), os.environ) as held:
    held.run("mount", "-t", "tmpfs", "none", sys.argv[1])
    held.run("sh", "-c", "nohup setsid sleep 600 > /dev/null 2>&1 &")
    held.start("server", "sleep", "601")
    print(held.first, flush=True)
    time.sleep(600)
"""


def children(pid: int) -> set[int]:
    """Of a process, and theirs."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    found = {int(each) for each in listed.read_text().split()} if listed.exists() else set()
    return found.union(*map(children, found))


def test_a_killed_run_leaves_no_process_and_no_mount(parts: State, tmp_path: Path) -> None:
    tini = kubernetes_programs.containers(parts.cache) / "usr/bin/tini"
    argv = [sys.executable, "-c", OPENS_ONE, str(tmp_path), str(tini)]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            run.stdout.readline()
            soon = time.monotonic() + 30
            while len(ours := children(run.pid)) < ALL:
                assert time.monotonic() < soon, f"of {ALL} there are {ours}"
                time.sleep(0.05)
        finally:
            run.kill()
    end = time.monotonic() + 30
    while left := {pid for pid in ours if Path(f"/proc/{pid}/stat").exists()}:
        assert time.monotonic() < end, f"still there: {left}"
        time.sleep(0.1)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()

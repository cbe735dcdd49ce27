"""Namespaces of processes, mounts and network for engines that leave things behind: whatever ran or was mounted in them
ends with their first process, which the kernel ends with ours, also by kill -9. What they write to the machine's own
folders for it is on memory.
"""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ADDRESS: Final = "10.77.0.1"
"""Of the sandbox itself, on a bridge that pods are on too."""
BRIDGE: Final = "firstbuy0"
COVERED: Final = ("/run", "/var/lib", "/var/log")
"""Folders of the machine that engines write to: inside they are empty, and on memory."""


class SandboxFailedError(Exception):
    """Something in the sandbox ended or never answered; the message has the end of its log."""

    code = "sandbox-failed"


@dataclass
class Sandbox:
    """Its first process, by its id outside, and the folder that is inside and outside."""

    first: int
    folder: Path
    environment: Mapping[str, str]
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def inside(self, *argv: str) -> list[str]:
        return [
            *("nsenter", f"--target={self.first}", "--net", "--pid", "--mount"),
            *("env", f"--chdir={self.folder}", *argv),
        ]

    def run(self, *argv: str, given: str | None = None, timeout: float = 300, check: bool = True) -> str:
        """What a command prints. Raises SandboxFailedError."""
        done = self.tried(*argv, given=given, timeout=timeout)
        if check and done.returncode:
            raise SandboxFailedError(
                f"{' '.join(argv[:8])}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
            )
        return done.stdout.strip()

    def tried(self, *argv: str, given: str | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.inside(*argv),
            input=given, env=dict(self.environment), capture_output=True, text=True, timeout=timeout,
            check=False,
        )  # fmt: skip

    def start(self, name: str, *argv: str, environment: Mapping[str, str] | None = None) -> None:
        """A server, until the sandbox ends. Its log is `name.log`."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen(
                self.inside(*argv),
                env={**self.environment, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log,
            )  # fmt: skip

    def wait_for(self, what: Sequence[str], wanted: str, patience: float = 120) -> None:
        """Until a command prints what is wanted. A server that has ended meanwhile is told with its log."""
        end = time.monotonic() + patience
        while wanted not in self.tried(*what).stdout:
            for name, server in self.started.items():
                if server.poll() is not None:
                    raise SandboxFailedError(f"{name} ended with {server.returncode}:\n{self.log(name)}")
            if time.monotonic() > end:
                logs = "\n".join(f"{name}: {self.log(name, 600)}" for name in self.started)
                raise SandboxFailedError(f"no «{wanted}» from {' '.join(what[:6])} in {patience:.0f} s\n{logs}")
            time.sleep(0.3)

    def log(self, name: str, end: int = 3000) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-end:]


@contextmanager
def opened(folder: Path, tini: Path, environment: Mapping[str, str]) -> Iterator[Sandbox]:
    """A sandbox for the block."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "--pid", "--mount", "--mount-proc", "--fork"]
    holder = subprocess.Popen([*argv, "--kill-child=KILL", str(tini), "--", "sleep", "infinity"])
    try:
        sandbox = Sandbox(_first(holder), folder, environment)
        for place in COVERED:
            sandbox.run("mount", "-t", "tmpfs", "none", place)
        for words in (
            (
                "mount",
                "--make-rshared",
                "/",
            ),  # of the sandbox's own mounts alone: those of the kubelet reach containers
            ("ip", "link", "set", "lo", "up"),
            ("ip", "link", "add", BRIDGE, "type", "bridge"),
            ("ip", "address", "add", f"{ADDRESS}/24", "dev", BRIDGE),
            ("ip", "link", "set", BRIDGE, "up"),
        ):
            sandbox.run(*words)
        yield sandbox
    finally:
        holder.kill()
        holder.wait(60)


def _first(holder: subprocess.Popen[bytes]) -> int:
    """The child that is the first process inside."""
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
    for _ in range(200):
        if holder.poll() is not None:
            raise SandboxFailedError(f"no namespaces here: unshare ended with {holder.returncode}")
        found = children.read_text().split()
        if found and Path(f"/proc/{found[0]}/comm").read_text().strip() == "tini":
            return int(found[0])
        time.sleep(0.02)
    raise SandboxFailedError("no first process in 4 s")

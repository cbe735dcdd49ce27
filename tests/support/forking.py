"""The parent of a test run's services: it has imported what they are made of, and forks one for each command it gets.

A start by `python -m services.<name>` spends most of its time on imports. A fork of this process has them, and goes on
as that command would: the same module run as `__main__`, the command's words, environment, folder and log, and nothing
else; no loop and no thread exists before the fork.

`python -m tests.support.forking DESCRIPTOR`, of a socket that takes requests and gives answers (`preloaded.py`).
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

from deploy.local.process import leash
from shared.contracts.access import SERVICES

PRELOADED: Final = (
    *(f"services.{name}.app" for name in (*SERVICES, "portal")),
    "deploy.local.smtp",
    "deploy.local.registries.server",
    "shared.service.entrypoint",
    "shared.service.http",
    # What these import when they are used, not before.
    "anyio._backends._asyncio",
    "encodings.idna",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
)
LARGEST_MESSAGE: Final = 1 << 17


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    for name in PRELOADED:
        importlib.import_module(name)
    threads = list(Path("/proc/self/task").iterdir())
    if len(threads) != 1:
        raise RuntimeError(f"an import started {len(threads) - 1} threads: a fork would be without them")
    gc.collect()
    gc.freeze()  # what is shared with every fork is not written to by its collector
    wanted = until_one_is_ours(requests)
    if wanted is not None:
        become(wanted)


def until_one_is_ours(requests: socket.socket) -> dict[str, Any] | None:
    """Forks a process for each request and tells of each that ended. Returns in a fork what it is to run; in the parent
    None, when nobody asks any more."""
    ended, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waited: list[int] = [requests.fileno(), ended]
    while True:
        readable, _, _ = select.select(waited, [], [])
        if ended in readable:
            os.read(ended, LARGEST_MESSAGE)
            tell_of_the_ended(requests)
        if requests.fileno() in readable:
            message = requests.recv(LARGEST_MESSAGE)
            if not message:
                return None
            wanted: dict[str, Any] = json.loads(message)
            if forked(requests, wanted):
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for descriptor in (ended, wakes):
                    os.close(descriptor)
                requests.close()
                return wanted


def forked(requests: socket.socket, wanted: dict[str, Any]) -> bool:
    """True in the fork. The parent answers when that leads a group of its own and is on the leash."""
    on_leash = leash(signal.Signals(wanted["orphan_signal"]))
    standing, stands = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(standing)
        os.setsid()
        if on_leash is not None:
            on_leash()
        os.close(stands)
        return True
    os.close(stands)
    os.read(standing, 1)
    os.close(standing)
    requests.send(json.dumps({"started": pid}).encode())
    return False


def tell_of_the_ended(requests: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        requests.send(json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


def become(wanted: dict[str, Any]) -> None:
    """Goes on as `python -m MODULE WORDS` would."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for source, standard in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, standard)
    os.close(nothing)
    os.close(log)
    if wanted["environment"] is not None:
        os.environ.clear()
        os.environ.update(wanted["environment"])
    if wanted["folder"] is not None:
        os.chdir(wanted["folder"])
    sys.path[0] = str(Path.cwd())
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=unbuffered)  # type: ignore[union-attr]
    sys.argv = ["", *wanted["words"]]
    runpy.run_module(wanted["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""The local stack: `up`, `down`, `status`, `logs`."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from deploy.local.description import described
from deploy.local.ports import says_ready
from deploy.local.process import last_lines
from deploy.local.replicas import SERVICES
from deploy.local.state import PROJECT, State, StateInUseError, StateUnusableError
from firstbuy.commands.foreground import run_until_stopped
from firstbuy.commands.screen import console, fail, print_json

DETACHED_TIMEOUT = 300.0
STOP_TIMEOUT = 90.0
WITH_PASSWORDS = ("databases", "kafka_operator")


def up(
    replicas: Annotated[list[str] | None, typer.Option(help="SERVICE=N; may be given again, or N,… by commas.")] = None,
    detach: Annotated[bool, typer.Option(help="Leave it running and return once everything is ready.")] = False,
    fresh: Annotated[bool, typer.Option(help="Forget what an earlier stack stored.")] = False,
) -> None:
    """Start PostgreSQL, Kafka, a mail server, the four services and the portal; Ctrl-C stops them."""
    state, wanted = _state(), wanted_replicas(replicas or [])
    if described(state) is not None:
        fail(f"a stack runs already on {state.folder} (firstbuy status, firstbuy down)")
    if detach:
        _detach(state, wanted, fresh=fresh)
        return
    raise typer.Exit(run_until_stopped(state, wanted, fresh=fresh))


def down() -> None:
    """Stop the stack that runs, and end what a killed one left."""
    state = _state()
    running = described(state)
    if running is not None:
        supervisor = int(running["supervisor"]["pid"])
        console.print(f"stopping (process {supervisor})")
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    while True:
        try:
            with state.locked():
                state.description.unlink(missing_ok=True)
        except StateInUseError:
            if time.monotonic() > deadline:
                fail(f"it did not stop in {STOP_TIMEOUT:.0f} s; its logs are in {state.logs}")
            time.sleep(0.1)
        else:
            break
    console.print("stopped" if running else "nothing runs")


def status(as_json: bool) -> None:
    """What runs, and whether it is ready. Exit code 3 when nothing runs, 1 when something is not ready."""
    running = described(_state())
    if running is None:
        if as_json:
            print_json({"running": False})
        else:
            console.print("no stack runs (firstbuy up)")
        raise typer.Exit(3)
    ready = asyncio.run(_readiness(running))
    for ones in running["services"].values():
        for process in ones:
            process["ready"] = ready[process["url"]]
    if as_json:
        shown = {key: value for key, value in running.items() if key not in WITH_PASSWORDS}
        print_json({"running": True, **shown})
    else:
        console.print(status_table(running))
    if not all(ready.values()):
        raise typer.Exit(1)


def logs(
    service: Annotated[str | None, typer.Argument(help="intake, eligibility-1, kafka, postgres, mail, …")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Last lines of each log.")] = 50,
) -> None:
    """Show the logs of one process, of a service's replicas, or of all."""
    folder = _state().logs
    chosen = [log for log in sorted(folder.glob("*.log")) if service in {None, log.stem, log.stem.rpartition("-")[0]}]
    if not chosen:
        known = ", ".join(log.stem for log in sorted(folder.glob("*.log"))) or "none yet"
        fail(f"no log of {service or 'anything'} in {folder}; there are: {known}")
    ends = {log: log.stat().st_size for log in chosen}
    for log in chosen:
        _print_log(log, last_lines(log, lines).splitlines(), named=len(chosen) > 1)
    try:
        while follow:
            time.sleep(0.2)
            for log in chosen:
                ends[log] = _print_since(log, ends[log], named=len(chosen) > 1)
    except KeyboardInterrupt:
        return


def _print_since(log: Path, end: int, *, named: bool) -> int:
    """Whole lines only; where to go on."""
    size = log.stat().st_size
    with log.open("rb") as file:
        file.seek(end if end <= size else 0)
        new = file.read()
    whole = new[: new.rfind(b"\n") + 1]
    _print_log(log, whole.decode("utf-8", "replace").splitlines(), named=named)
    return (end if end <= size else 0) + len(whole)


def _print_log(log: Path, lines: list[str], *, named: bool) -> None:
    for line in lines:
        typer.echo(f"{log.stem}: {line}" if named else line)


def status_table(running: dict[str, Any]) -> Table:
    """Each replica with its state, restarts and address."""
    table = Table(title="Firstbuy")
    for heading in ("process", "address", "state", "restarts", "id"):
        table.add_column(heading)
    kafka, postgres = running["kafka"], running["postgres"]
    table.add_row("PostgreSQL", postgres["address"], f"{postgres['kind']} {postgres['version']}", "", "")
    table.add_row("Kafka", kafka["bootstrap_servers"], f"{kafka['kind']} {kafka['version']}", "", "")
    table.add_row("mail", running["mail_folder"], "", "", "")
    for ones in running["services"].values():
        for process in ones:
            state = Text("ready", "green") if process["ready"] else Text(f"not ready ({process['status']})", "red")
            table.add_row(
                process["name"],
                process["url"],
                state,
                str(process["restarts"]),
                str(process["pid"] or ""),
            )
    return table


async def _readiness(running: dict[str, Any]) -> dict[str, bool]:
    urls = [str(process["url"]) for ones in running["services"].values() for process in ones]
    answers = await asyncio.gather(*(says_ready(int(url.rpartition(":")[2])) for url in urls))
    return dict(zip(urls, answers, strict=True))


def _state() -> State:
    try:
        return State.opened()
    except StateUnusableError as error:
        fail(str(error))


def wanted_replicas(given: list[str]) -> dict[str, int]:
    """`SERVICE=N` as given, by service."""
    wanted: dict[str, int] = {}
    for part in ",".join(given).split(","):
        service, _, count = part.strip().partition("=")
        if not part.strip():
            continue
        if service not in SERVICES or not count.isdecimal() or not 1 <= int(count) <= 10:
            fail(f"--replicas {part}: write SERVICE=N, N from 1 to 10, SERVICE one of {', '.join(SERVICES)}", 2)
        wanted[service] = int(count)
    return wanted


def _detach(state: State, replicas: dict[str, int], *, fresh: bool) -> None:
    argv = [sys.executable, "-m", "firstbuy.cli", "up", *(["--fresh"] if fresh else [])]
    argv += [part for service, count in replicas.items() for part in ("--replicas", f"{service}={count}")]
    log = state.logs / "up.log"
    with log.open("wb") as file:
        supervisor = subprocess.Popen(  # noqa: S603
            argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True, cwd=PROJECT
        )
    deadline = time.monotonic() + DETACHED_TIMEOUT
    with console.status("starting"):
        while (running := described(state)) is None:
            if supervisor.poll() is not None or time.monotonic() > deadline:
                supervisor.terminate()
                fail(f"it did not start; {log} ends with:\n{last_lines(log, 30)}")
            time.sleep(0.1)
    for ones in running["services"].values():
        for process in ones:
            process["ready"] = True
    console.print(status_table(running))
    console.print("It runs in the background: firstbuy status, firstbuy logs, firstbuy down")

"""`firstbuy up` in the foreground: progress while it starts, links when it is up, an orderly end on Ctrl-C."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping

from rich.table import Table

from deploy.local.databases import PostgresFailedError
from deploy.local.kafka import KafkaFailedError, KafkaRequiredError
from deploy.local.kept import NeverReadyError
from deploy.local.process import end_leftovers
from deploy.local.replicas import JobFailedError
from deploy.local.stack import Stack
from deploy.local.state import State, StateInUseError
from firstbuy.commands.screen import console, errors
from shared.kafka.access import AccessRefusedError
from shared.kafka.provision import ProvisioningError

EXPECTED = (
    KafkaFailedError,
    KafkaRequiredError,
    NeverReadyError,
    PostgresFailedError,
    JobFailedError,
    ProvisioningError,
    AccessRefusedError,
    StateInUseError,
)


def run_until_stopped(state: State, replicas: Mapping[str, int], *, fresh: bool) -> int:
    """The exit code: 0 after an orderly stop, 1 when the stack could not start."""
    try:
        return asyncio.run(_supervise(state, replicas, fresh=fresh))
    except EXPECTED as fault:
        errors.print(str(fault), style="red")
        return 1


async def _supervise(state: State, replicas: Mapping[str, int], *, fresh: bool) -> int:
    stopping = asyncio.Event()
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    up = False

    def stop() -> None:
        if stopping.is_set():  # the second Ctrl-C: no more grace
            end_leftovers(state.records, grace=0)
        stopping.set()
        if not up and this is not None:
            this.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    spinner = console.status("starting")

    def report(line: str) -> None:
        console.print(line)

    spinner.start()
    try:
        with state.locked():
            _set_old_logs_aside(state)
            async with Stack.started(
                state=state, replicas=replicas, fresh=fresh, prefer_known_ports=True, portals=1, report=report
            ) as stack:
                up = True
                spinner.stop()
                console.print(links(stack))
                console.print(f"Stop with Ctrl-C, or kill {os.getpid()}.")
                await stopping.wait()
                console.print("stopping: services first, then mail, Kafka and PostgreSQL")
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise
    finally:
        spinner.stop()
    console.print("stopped")
    return 0


def _set_old_logs_aside(state: State) -> None:
    """One run back is kept; up.log is being written by a detached run."""
    previous = state.logs / "previous"
    shutil.rmtree(previous, ignore_errors=True)
    previous.mkdir(mode=0o700)
    for log in state.logs.glob("*.log"):
        if log.name != "up.log":
            log.rename(previous / log.name)


def links(stack: Stack) -> Table:
    """Addresses of the services and servers, and the folders of mails and logs."""
    table = Table(title="Firstbuy is up", show_header=False)
    table.add_column()
    table.add_column()
    if stack.portal_url:
        table.add_row("open", stack.portal_url, style="bold")
    for service in stack.services:
        for url in stack.urls(service):
            table.add_row(service, url)
        first = stack.url(service)
        table.add_row("", f"{first}/health/ready  {first}/metrics  {first}/asyncapi", style="dim")
    table.add_row("Kafka", f"{stack.bootstrap_servers} ({stack.kafka.kind} {stack.kafka.version})")
    table.add_row("PostgreSQL", f"{stack.postgres.address} ({stack.postgres.kind} {stack.postgres.version})")
    table.add_row("mail", str(stack.mail_folder))
    table.add_row("logs", str(stack.state.logs))
    table.add_row("operator token", f"in {stack.state.folder / 'secrets' / 'operator-token'}")
    return table

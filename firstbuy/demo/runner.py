"""One run of the demo: plan, stack, month, account, checks, tables, files."""

import asyncio
import json
import logging
import signal
import time
from contextlib import AbstractAsyncContextManager
from typing import Final

from aiokafka.errors import KafkaError
from rich.console import Console

from deploy.local.process import write_atomically
from deploy.local.state import PROJECT
from firstbuy.commands.foreground import EXPECTED
from firstbuy.demo.account import account_of
from firstbuy.demo.audit import audited
from firstbuy.demo.checks import checked
from firstbuy.demo.course import LONGER, Course, Window
from firstbuy.demo.drive import drive
from firstbuy.demo.figures import figures_of
from firstbuy.demo.first_half import Beside, FirstHalf
from firstbuy.demo.generator import make_plan
from firstbuy.demo.office import POLICIES, ROUNDS, load_policy, load_yaml
from firstbuy.demo.progress import Screen
from firstbuy.demo.registries import USES
from firstbuy.demo.report import report
from firstbuy.demo.summary import summary
from firstbuy.demo.tables import differences, links, tables
from firstbuy.demo.target import DemoFailedError, Target, TooSlowError, kept_stack, own_stack
from firstbuy.demo.two_policies import PAGE
from firstbuy.simulate.page import html
from firstbuy.simulate.recorded import NotReadableError

ROUND: Final = "2018-h2"
FIRST_ROUND: Final = "2018-h1"
FOLDER: Final = PROJECT / "var" / "demo"


async def run_demo(
    applications: int, seed: int, *, keep: bool, replicas: dict[str, int], window: float | None, console: Console
) -> int:
    """The exit code: 0 when everything is as the generator expects. `window`: None lets it find one that this machine
    can keep."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # topics so new that a broker has not heard of them yet
    _end_orderly_on(signal.SIGTERM, signal.SIGHUP)
    began = time.monotonic()
    terms, policy = load_yaml(ROUNDS / f"{ROUND}.yaml"), load_yaml(POLICIES / f"{ROUND}.yaml") | {"registries": USES}
    institutions = terms["institutions"]
    pledges = [(institution["institution"], institution["pledge_won"]) for institution in institutions]
    plan = make_plan(seed, applications, ROUND, load_policy(ROUND), pledges)
    first_terms = load_yaml(ROUNDS / f"{FIRST_ROUND}.yaml")
    first_stated = load_yaml(POLICIES / f"{FIRST_ROUND}.yaml")
    beside = Beside(first_terms["round"], first_stated, load_policy(FIRST_ROUND), load_policy(ROUND))
    invited = {ROUND: institutions, FIRST_ROUND: first_terms["institutions"]}

    async def held(window: float | None) -> tuple[Target, Course, FirstHalf, list[tuple[str, float]]]:
        with Screen(console) as screen:
            stack = kept_stack if keep else own_stack
            opened: AbstractAsyncContextManager[Target] = stack(replicas, screen.note)
            async with opened as target:
                screen.phase("stack", f"Kafka {target.kafka['kind']} {target.kafka['version']}")
                course, first = await drive(target, plan, terms["round"], policy, invited, beside, seed, window, screen)
                stopping = time.monotonic()
            screen.note(f"stack {'left running' if keep else 'stopped'} ({time.monotonic() - stopping:.1f} s)")
            return target, course, first, screen.phases

    try:
        target, course, first, phases = await held(window)
    except TooSlowError as fault:
        if window is not None or keep:
            raise
        longer = Window.of(plan.calls, None).seconds * LONGER
        console.print(f"{fault}: that is done now, from the start.", style="yellow", markup=False, soft_wrap=True)
        target, course, first, phases = await held(longer)
    names = {institution["institution"]: institution["name"] for institution in institutions}
    return _conclude(console, target, seed, began, course, first, names, phases)


def _conclude(
    console: Console, target: Target, seed: int, began: float, course: Course, first: FirstHalf, names: dict[str, str],
    phases: list[tuple[str, float]],
) -> int:  # fmt: skip
    account = account_of(course.seen)
    audit = audited(account)
    figures = figures_of(account, names, load_policy(FIRST_ROUND))
    checks = checked(course, first, account, audit, figures)
    for table in tables(course, first, account, audit, figures):
        console.print()
        console.print(table)
    stated = summary(target, seed, time.monotonic() - began, course, first, account, audit, figures, checks, phases)
    _write("summary.json", json.dumps(stated, indent=2, ensure_ascii=False) + "\n")
    _write("report.html", report(stated, first, account, audit, figures, checks))
    _write(PAGE, html(first.results))
    console.print()
    if target.kept:
        console.print(links(target))
        console.print()
    wrong = [check for check in checks if not check.holds]
    if wrong:
        console.print(differences(checks))
        console.print(f"[red]{len(wrong)} of {len(checks)} checks differ.[/] [dim]{stated['wall_seconds']} s[/]")
    else:
        console.print(f"[green]All {len(checks)} checks hold.[/] [dim]{stated['wall_seconds']} s[/]")
    console.print(f"Report  {FOLDER / 'report.html'}  (xdg-open or open it in a browser)", soft_wrap=True)
    console.print(f"Figures {FOLDER / 'summary.json'}  (jq . or any editor)", soft_wrap=True)
    return 1 if wrong else 0


def _end_orderly_on(*numbers: signal.Signals) -> None:
    """As Ctrl-C does: the stack is stopped before we go."""
    this = asyncio.current_task()
    for number in numbers:
        if this is not None:
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)


def _write(name: str, text: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_atomically(FOLDER / name, text)
    (FOLDER / name).chmod(0o644)


def run(
    applications: int,
    seed: int,
    keep: bool,
    replicas: dict[str, int] | None = None,
    window: float | None = None,
    console: Console | None = None,
) -> int:
    """What `firstbuy demo` calls."""
    console = console or Console(highlight=False)
    try:
        return asyncio.run(
            run_demo(applications, seed, keep=keep, replicas=replicas or {}, window=window, console=console)
        )
    except (DemoFailedError, NotReadableError, KafkaError, *EXPECTED) as fault:
        told = f"Kafka: {fault or type(fault).__name__}" if isinstance(fault, KafkaError) else str(fault)
        console.print(told, style="red", markup=False, soft_wrap=True)
        if keep:
            console.print("What was started is left running: firstbuy status, firstbuy logs, firstbuy down")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped")
        return 130

"""`firstbuy top`: the deployment as it is now, redrawn each second."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from firstbuy.commands.replicas import From, replicas
from firstbuy.commands.screen import console
from firstbuy.observing.figures import Figures, figures

REQUESTS = "firstbuy_http_requests_total"


def top(
    metrics: From = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once, and end.")] = False,
) -> None:
    """Services, rounds and notices as they are now, redrawn each second until Ctrl-C. Figures that need a query are
    some seconds old. Exit code 1 with --once where a replica is not ready."""
    asked = replicas(metrics)
    before = asyncio.run(figures(asked))
    if once:
        for table in tables(before, before):
            console.print(table)
        if any(each.missing for each in before):
            raise typer.Exit(1)
        return
    try:
        with Live(Group(*tables(before, before)), console=Console(), screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(1)
                now = asyncio.run(figures(asked))
                live.update(Group(*tables(before, now)), refresh=True)
                before = now
    except KeyboardInterrupt:
        return


def tables(before: Sequence[Figures], now: Sequence[Figures]) -> list[Table]:
    """What is shown; rates are of what was counted in between."""
    return [_services(before, now), _rounds(now), _notices(now)]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def _services(before: Sequence[Figures], now: Sequence[Figures]) -> Table:
    columns = ("service", "at", "state", "requests/s", "5xx", "lag", "seconds", "outbox s", "parked", "connections")
    table = _table("Services", *columns)
    for old, new in zip(before, now, strict=True):
        seconds = max(0.001, new.taken_at - old.taken_at)
        rate = (new.total(REQUESTS) - old.total(REQUESTS)) / seconds if new is not old else 0.0
        failed = sum(count for status, count in new.by("status", REQUESTS).items() if status.startswith("5"))
        used = (new.total("firstbuy_database_connections", state=state) for state in ("used", "most"))
        state = Text("ready", "green") if not new.missing else Text(_reasons(new), "red")
        table.add_row(
            new.service,
            new.url,
            state,
            f"{max(0.0, rate):,.1f}",
            f"{failed:,.0f}",
            f"{new.total('firstbuy_partition_lag_records'):,.0f}",
            f"{new.most('firstbuy_partition_lag_seconds'):,.1f}",
            f"{new.most('firstbuy_outbox_age_seconds'):,.1f}",
            f"{new.most('firstbuy_parked_records'):,.0f}",
            "/".join(f"{count:.0f}" for count in used),
        )
    return table


def _reasons(replica: Figures) -> str:
    return "; ".join(f"{name}: {why}" for name, why in replica.missing.items())


def _rounds(now: Sequence[Figures]) -> Table:
    table = _table(
        "Rounds without a confirmed result",
        *("round", "status", "until the close", "admitted", "judged", "parked", "contested", "differing buckets"),
    )
    status: dict[str, str] = {}
    for each in now:
        for name, labels, value in each.samples:
            if name == "firstbuy_round_status" and value == 1:
                status[labels["round"]] = labels["status"]
    for round_id in sorted(status):
        closes = max(each.most("firstbuy_round_closes_at_seconds", round=round_id) for each in now)
        counts = [
            max(each.most(f"firstbuy_{name}", round=round_id) for each in now)
            for name in ("round_admitted", "round_judged", "round_parked", "round_contested", "bucket_mismatches")
        ]
        left = timedelta(seconds=int(abs(closes - time.time())))
        until = f"{left}" if closes > time.time() else f"{left} ago"
        table.add_row(round_id, status[round_id], until, *(f"{count:,.0f}" for count in counts))
    return table


def _notices(now: Sequence[Figures]) -> Table:
    table = _table("Notices", "channel", "due", "first due for", "sent", "failed", "tried again")
    channels = sorted({name for each in now for name in each.by("channel", "firstbuy_deliveries_due")})
    for channel in channels:
        ends = [
            sum(each.total("firstbuy_deliveries_total", channel=channel, state=state) for each in now)
            for state in ("sent", "failed", "pending")
        ]
        due = max(each.most("firstbuy_deliveries_due", channel=channel) for each in now)
        overdue = max(each.most("firstbuy_delivery_overdue_seconds", channel=channel) for each in now)
        table.add_row(channel, f"{due:,.0f}", f"{overdue:,.0f} s", *(f"{count:,.0f}" for count in ends))
    return table

"""`firstbuy lag`: what each consumer group has not read."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.table import Table

from deploy.local.replicas import SERVICES
from firstbuy.commands.http import AsJson
from firstbuy.commands.operator import carried_out, operator_kafka
from firstbuy.commands.screen import console, fail, print_json
from firstbuy.observing.figures import figures, lag_of
from firstbuy.observing.group_lag import PartitionLag, group_lag

_FROM: Final = "A replica's base URL, whose metrics are read instead of Kafka; may be repeated."


def lag(
    service: Annotated[str | None, typer.Argument(help="One service; else all.")] = None,
    metrics: Annotated[list[str] | None, typer.Option("--from", help=_FROM)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Partitions without a lag too.")] = False,
    as_json: AsJson = False,
) -> None:
    """What each group has not read, by topic and partition, in records and in seconds since the oldest came. Kafka is
    asked, with the operator's settings. Inboxes of institutions have no group: see `firstbuy institution list`."""
    if service is not None and service not in SERVICES:
        fail(f"no such service: {service}; there are {', '.join(SERVICES)}", 2)
    rows = [row for row in _rows(service, metrics or ()) if service in {None, row.service}]
    shown = rows if everything else [row for row in rows if row.records]
    if as_json:
        print_json([asdict(row) for row in shown])
        return
    if not shown:
        console.print(f"nothing is behind, in {len(rows)} partitions")
        return
    table = Table(title="Not read yet")
    for column in ("service", "topic", "partition", "records", "seconds"):
        table.add_column(column)
    for row in sorted(shown, key=lambda each: (-each.records, each.group, each.partition)):
        age = "?" if row.seconds is None else f"{row.seconds:,.1f}"
        table.add_row(row.service, row.topic, str(row.partition), f"{row.records:,}", age)
    console.print(table)


def _rows(service: str | None, metrics: Sequence[str]) -> list[PartitionLag]:
    if metrics:
        return lag_of(asyncio.run(figures([("?", url.rstrip("/")) for url in metrics])))
    found = operator_kafka(None)
    if found is None:
        fail("no local stack runs: start one with `firstbuy up`, or name Kafka by FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS")
    kafka, prefix = found
    return carried_out(group_lag(kafka, prefix, SERVICES if service is None else (service,)))

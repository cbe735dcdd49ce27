"""`firstbuy dlq …`: the records services could not take, until each is taken again or settled."""

from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.table import Table

from deploy.local.replicas import SERVICES
from firstbuy.commands.http import AsJson, Token, Url, ask, operator_token
from firstbuy.commands.screen import console, fail, kst, print_json

app = typer.Typer(help="What services could not take: listed, looked at, taken again, settled.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="intake, eligibility, selection or notify.")]
Topic = Annotated[str, typer.Argument(help="The topic, with its prefix, as listed.")]
Partition = Annotated[int, typer.Argument(min=0)]
Offset = Annotated[int, typer.Argument(min=0)]
SomePartition = Annotated[int | None, typer.Argument(min=0)]
SomeOffset = Annotated[int | None, typer.Argument(min=0)]
Reason = Annotated[str, typer.Option(help="What was done about it; it stands in the service's audit log.")]
PAGE: Final = 1000
"""So many may be refused before the others are left alone: their cause is not mended."""


@app.command(name="list")
def list_parked(
    service: Annotated[str | None, typer.Argument(help="One service; else all of the local stack.")] = None,
    settled: Annotated[bool, typer.Option(help="Those that are settled too.")] = False,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """What is parked and waits for somebody."""
    if service is None and url:
        fail("name the service whose --url this is", 2)
    path = f"/parked?settled={str(settled).lower()}"
    asked = SERVICES if service is None else (_known(service),)
    rows = [
        row
        for service_name in asked
        for row in ask("GET", path, url=url, token=operator_token(token, url), service=service_name)
    ]
    if as_json:
        print_json(rows)
        return
    table = Table(title="Parked records")
    for column in ("service", "topic", "partition", "offset", "error", "attempts", "parked", "settled"):
        table.add_column(column)
    for row in rows:
        place = (row["service"], row["topic"], str(row["partition"]), str(row["offset"]))
        when = (kst(row["parked_at"]), kst(row["settled_at"]) if row["settled_at"] else "")
        table.add_row(*place, row["error"], str(row["attempts"]), *when)
    console.print(table if rows else "nothing is parked")


@app.command()
def show(
    service: Service,
    topic: Topic,
    partition: Partition,
    offset: Offset,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """One record: which event it is, what could not be taken of it, and how often that was tried."""
    row = ask(
        "GET", _path(topic, partition, offset), url=url, token=operator_token(token, url), service=_known(service)
    )
    _print(row[0], as_json)


@app.command()
def redrive(
    service: Service,
    topic: Topic,
    partition: SomePartition = None,
    offset: SomeOffset = None,
    *,
    reason: Reason,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Have the service take a record again, once its cause is mended; without a place all parked ones of the topic,
    oldest first. One that fails still stays on the list."""
    _each("redrive", (service, topic, partition, offset), reason, url, token, as_json=as_json)


@app.command()
def settle(
    service: Service,
    topic: Topic,
    partition: SomePartition = None,
    offset: SomeOffset = None,
    *,
    reason: Reason,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Take a record off the list; without a place all parked ones of the topic. Nothing is read again by it: mend the
    cause first, and see whether `redrive` takes it."""
    _each("settlement", (service, topic, partition, offset), reason, url, token, as_json=as_json)


def _each(
    what: str,
    named: tuple[str, str, int | None, int | None],
    reason: str,
    url: str | None,
    token: str | None,
    *,
    as_json: bool,
) -> None:
    """Does it to the record that is named, or to each of the topic; exit code 1 if any was refused."""
    service, topic, partition, offset = named
    held, body = operator_token(token, url), {"reason": reason}

    def done(place: tuple[int, int]) -> dict[str, Any]:
        answer = ask("POST", f"{_path(topic, *place)}/{what}", url=url, token=held, service=service, body=body)
        row: dict[str, Any] = answer[0]
        return row

    _known(service)
    if partition is not None and offset is not None:
        _print(done((partition, offset)), as_json)
        return
    if partition is not None:
        fail("name the offset too, or neither", 2)
    rows: list[dict[str, Any]] = []
    refused: set[tuple[int, int]] = set()
    parked = f"/parked?topic={quote(topic)}&limit={2 * PAGE}"
    while len(refused) < PAGE and (
        left := [
            place
            for row in ask("GET", parked, url=url, token=held, service=service)
            if (place := (row["partition"], row["offset"])) not in refused
        ]
    ):
        for place in left:
            try:
                rows.append(done(place))
            except typer.Exit:
                refused.add(place)
    if as_json:
        print_json(rows)
    else:
        console.print(f"{len(rows)} done, {len(refused)} refused")
    if refused:
        raise typer.Exit(1)


def _path(topic: str, partition: int, offset: int) -> str:
    return f"/parked/{topic}/{partition}/{offset}"


def _known(service: str) -> str:
    if service not in SERVICES:
        fail(f"no such service: {service}; there are {', '.join(SERVICES)}", 2)
    return service


def _print(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    table = Table(show_header=False)
    table.add_column()
    table.add_column()
    for name, value in row.items():
        table.add_row(name.replace("_", " "), "" if value is None else str(value))
    console.print(table)

"""`firstbuy dlq …`: the records services could not take, until each is settled."""

from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.local.replicas import SERVICES
from firstbuy.commands.http import AsJson, Token, Url, ask, operator_token
from firstbuy.commands.screen import console, fail, kst, print_json

app = typer.Typer(help="What services could not take: listed, looked at, settled.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="intake, eligibility, selection or notify.")]
Topic = Annotated[str, typer.Argument(help="The topic, with its prefix, as listed.")]
Partition = Annotated[int, typer.Argument(min=0)]
Offset = Annotated[int, typer.Argument(min=0)]


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
def settle(
    service: Service,
    topic: Topic,
    partition: Partition,
    offset: Offset,
    reason: Annotated[str, typer.Option(help="What was done about it; it stands in the service's audit log.")],
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Take a record off the list. Nothing is read again by it: mend the cause first."""
    path, held = f"{_path(topic, partition, offset)}/settlement", operator_token(token, url)
    settled = ask("POST", path, url=url, token=held, service=_known(service), body={"reason": reason})
    _print(settled[0], as_json)


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

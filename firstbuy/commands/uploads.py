"""`firstbuy institution show|upload|uploads`: what an institution has, and its requests from a table."""

import secrets
import time
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer
from rich import box
from rich.table import Table

from firstbuy.commands.http import AsJson, Token, Url, ask, content_of, operator_token
from firstbuy.commands.notification_contacts import Code
from firstbuy.commands.screen import console, errors, kst, print_json

app = typer.Typer()
_TYPES: Final = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
RoundId = Annotated[str, typer.Option("--round", help="The round its requests are made to, or a rolling intake.")]


@app.command()
def show(
    code: Code,
    round_id: Annotated[str | None, typer.Option("--round", help="Of this round alone.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Its pledges, its requests, what they were matched with and what was reported of that. With its own token, too."""
    query = f"?{urlencode({'round': round_id, 'limit': 500})}" if round_id else ""
    shown = ask("GET", f"/institutions/{code}{query}", url=url, token=operator_token(token, url))
    if as_json:
        print_json(shown)
        return
    console.print(f"{shown['institution']} {shown['name']}: {shown['status']}")
    for round_ in shown["rounds"]:
        _print_sums(round_)
        _print_requests(round_)
    if shown["more_rounds"]:
        console.print("earlier rounds: name one with --round")


@app.command()
def upload(
    code: Code,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX; see GET /institutions/uploads/template.xlsx.")],
    round_id: RoundId,
    preview: Annotated[bool, typer.Option("--preview", help="Say how it is understood, and send nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Send the same file once more.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the answers.")] = 10,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Send a table's rows to the institution's inbox: all of them, or none where a cell can't be taken."""
    bearer = operator_token(token, url)
    query = urlencode({"round": round_id, "preview": "true" if preview else "false"})
    headers = {"Content-Type": _TYPES.get(file.suffix.lower(), "application/octet-stream")}
    headers |= {"Idempotency-Key": secrets.token_hex(16)} if again else {}
    content = content_of(file)
    path = f"/institutions/{code}/uploads"
    answer = ask("POST", f"{path}?{query}", url=url, token=bearer, content=content, headers=headers)
    if preview:
        _print_preview(answer, as_json=as_json)
        return
    deadline = time.monotonic() + wait
    answered = ask("GET", f"{path}/{answer['upload']}", url=url, token=bearer)
    while "sent" in answered["states"] and time.monotonic() < deadline:
        time.sleep(0.5)
        answered = ask("GET", f"{path}/{answer['upload']}", url=url, token=bearer)
    _print_upload(answered, repeated=answer.get("repeated", False), as_json=as_json)


@app.command()
def uploads(
    code: Code,
    upload_id: Annotated[str | None, typer.Argument(help="One of them, row by row.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """What it uploaded, newest first; or what became of each row of one."""
    bearer = operator_token(token, url)
    if upload_id is not None:
        _print_upload(ask("GET", f"/institutions/{code}/uploads/{upload_id}", url=url, token=bearer), as_json=as_json)
        return
    listed = ask("GET", f"/institutions/{code}/uploads", url=url, token=bearer)
    if as_json:
        print_json(listed)
        return
    for uploaded in listed["uploads"]:
        said = f"{uploaded['upload']} {kst(uploaded['uploaded_at'])} {uploaded['round']} by {uploaded['uploaded_by']}"
        console.print(f"{said}: {_counted(uploaded['states'])}")


def _counted(states: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {state}" for state, number in sorted(states.items()))


def _print_preview(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        for row in answer["rows"]:
            message = row["message"]
            facts = message.get("facts", {name: message[name] for name in message if name not in ("round", "request")})
            said = ", ".join(f"{name} {value}" for name, value in facts.items())
            console.print(f"{row['row']:>5} {row['type']} {message.get('request', '?')}: {said}")
            for reading in row.get("read_as", ()):
                console.print(f"      {reading['cell']} {reading['said']!r} is read as {reading['read']}")
            _print_warnings(row)
        _print_passed_over(answer.get("file", {}))
        console.print(f"{len(answer['rows']):,} rows, {answer['errors_total']:,} errors; nothing was sent")
        _print_errors(answer["errors"])
    if not answer["sendable"]:
        raise typer.Exit(1)


def _print_passed_over(file: dict[str, Any]) -> None:
    for what in ("sheets", "hidden rows", "hidden columns"):
        if named := file.get(f"{what.replace(' ', '_')}_passed_over"):
            console.print(f"not read: {what} {', '.join(named)}")


def _print_upload(answer: dict[str, Any], *, repeated: bool = False, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    before = "sent before as" if repeated else "upload"
    console.print(f"{before} {answer['upload']}: {_counted(answer['states'])}")
    for row in answer["answers"]:
        if row["state"] not in ("accepted", "sent") or row.get("warnings"):
            console.print(f"{row['row']:>5} {row['request']}: {row['state']}")
            _print_errors(row["errors"])
            _print_warnings(row)
    if "sent" in answer["states"]:
        follow = f"firstbuy institution uploads {answer['institution']} {answer['upload']}"
        console.print(f"not answered yet: look again with `{follow}`")


def _print_warnings(row: dict[str, Any]) -> None:
    for warning in row.get("warnings", ()):
        where = warning["cell"] or warning["pointer"]
        console.print(f"      warning: {where} {warning['value']!r}: {warning['detail']}", style="yellow")
        console.print(f"        → {warning['fix']}", style="dim")


def _print_errors(reasons: list[dict[str, Any]]) -> None:
    for reason in reasons:
        where = reason["cell"] or reason["pointer"] or "/"
        named = f" ({reason['header']})" if reason.get("header") else ""
        errors.print(f"  {where}{named} {reason['value']!r}: {reason['detail']}")
        errors.print(f"    → {reason['fix']}", style="dim")


def _print_sums(upload: dict[str, Any]) -> None:
    table = Table(title=f"{upload['round']} {upload['title']}: {upload['status']}, in won", box=box.SIMPLE)
    names = ("pledge", "asked", "matched", "contracted", "left")
    for name in names:
        table.add_column(name, justify="right")
    sums = (upload[f"{name}_won"] for name in names)
    table.add_row(*("-" if won is None else f"{won:,}" for won in sums))
    console.print(table)


def _print_requests(upload: dict[str, Any]) -> None:
    for request in upload["requests"]:
        facts = request["facts"]
        wanted = f", {facts['quantity']:,} of {facts['class_code']} for {facts['budget_won']:,} won" if facts else ""
        line = f"{request['request']} (version {request['version']}): {request['state']}{wanted}"
        console.print(line)
        for award in request["awards"]:
            due = f", to be reported on by {award['due_on']}" if award["state"] in ("open", "overdue") else ""
            line = f"  {award['product']}: {award['quantity']:,} for {award['amount_won']:,} won, {award['state']}{due}"
            console.print(line)
    if upload["next"]:
        more = "GET " + upload["next"]
        console.print(f"{upload['requests_total']:,} requests in all; more: --round {upload['round']}, or {more}")

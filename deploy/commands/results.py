"""`firstbuy round pack`: what a confirmed result comes to, for those who use it. --url names selection here."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.table import Table

from deploy.commands import rounds
from deploy.commands.http import AsJson, Token, Url, ask, download, operator_token
from deploy.commands.rounds import Round
from deploy.commands.screen import console, print_json
from shared.contracts.events import Language

app = rounds.app
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Where to; else the name it is sent with.")]


@app.command()
def pack(
    round_id: Round,
    application: Annotated[str, typer.Argument(help="The application of the selected product.")],
    output: Output = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="As a PDF, with the JSON attached.")] = False,
    language: Annotated[Language, typer.Option(help="Of the PDF.")] = Language.KO,
    epoch: Annotated[int | None, typer.Option(help="Of an earlier result; else the newest.")] = None,
    key: Annotated[str | None, typer.Option(help="Of the link an award was told with; else by the token.")] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """What the purchasing officer files of a selected product: findings, position, proofs, the note on immunity."""
    asked = {"format": "pdf" if pdf else "json", "language": language.value, "epoch": epoch, "key": key}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    bearer = None if key else operator_token(token, url)
    name = f"{round_id}-{application}.pack.{'pdf' if pdf else 'json'}"
    path = f"/rounds/{round_id}/packs/{application}?{query}"
    target, size = download(path, output, name, url=url, token=bearer)
    check = "pack.json is attached to it" if pdf else f"check it with `firstbuy verify pack {target}`"
    console.print(f"{target}: {size:,} bytes; {check}", soft_wrap=True)


def pledges(round_id: Round, url: Url = None, as_json: AsJson = False) -> None:
    """What each institution pledged, what is awarded against it and contracted. --url names selection here."""
    rows = ask("GET", f"/rounds/{round_id}/pledges", url=url, service="selection")
    if as_json:
        print_json(rows)
        return
    table = Table("institution", "pledged (won)", "awarded (won)", "used", "awards", "contracted (won)")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        used = f"{row['awarded_won'] / row['pledge_won']:.0%}" if row["pledge_won"] else "–"
        amounts = f"{row['pledge_won']:,}", f"{row['awarded_won']:,}"
        table.add_row(row["institution"], *amounts, used, str(row["awards"]), f"{row['contracted_won']:,}")
    console.print(table)


def purchases(
    round_id: Round,
    table_to: Annotated[
        Path | None, typer.Option("--csv", help="Write all of it to this file, for a spreadsheet.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Every award and what became of it: contracted, not purchased and why, open, or overdue. --url names selection."""
    path = f"/rounds/{round_id}/purchases"
    if table_to is not None:
        target, size = download(path, table_to, table_to.name, url=url, token=None, accept="text/csv")
        console.print(f"{target}: {size:,} bytes", soft_wrap=True)
        return
    shown = ask("GET", path, url=url, service="selection")
    if as_json:
        print_json(shown)
        return
    table = Table("institution", "product", "awarded (won)", "state", "due on", "contracted (won)", "reason")
    for one in shown["purchases"]:
        contracted = "–" if one["contracted_won"] is None else f"{one['contracted_won']:,}"
        cells = f"{one['awarded_won']:,}", one["state"], one["due_on"] or "–", contracted, one["reason"] or ""
        table.add_row(one["institution"], one["product"], *cells)
    console.print(table)

"""`firstbuy score …`: the panel's marks, imported from a file, looked at, and closed by two officers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from firstbuy.commands.acts import propose
from firstbuy.commands.http import AsJson, Token, Url, ask, content_of
from firstbuy.commands.rounds import Reason, Round
from firstbuy.commands.screen import console, fail, print_json

app = typer.Typer(help="The panel's marks: import, list, close.", no_args_is_help=True)


@app.command("import")
def import_scores(
    round_id: Round,
    file: Annotated[Path, typer.Argument(help="CSV: application,reviewer,points,conflict_of_interest (yes or no).")],
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Take a file of marks; all of it, or none and every line that is wrong. The same file again changes nothing."""
    kind = {"Content-Type": "text/csv"}
    taken = ask("POST", f"/rounds/{round_id}/scores", url=url, token=token, content=content_of(file), headers=kind)
    if as_json:
        print_json(taken)
    else:
        console.print(f"{taken['taken']} marks taken, {taken['unchanged']} stood already")


@app.command("list")
def list_scores(round_id: Round, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Every application of the frozen set with its marks; ! marks a reviewer who stands apart from the others."""
    shown = ask("GET", f"/rounds/{round_id}/scores", url=url, token=token)
    if as_json:
        print_json(shown)
        return
    table = Table("application", "eligible", f"mean of {shown['panel_points']}", "marks")
    for application in shown["applications"]:
        marks = ", ".join(
            f"{mark['reviewer']} {'conflict' if mark['conflict_of_interest'] else mark['points']}"
            + ("!" if mark["reviewer"] in application["apart"] else "")
            for mark in application["marks"]
        )
        mean = "–" if application["mean"] is None else str(application["mean"])
        table.add_row(application["application"], "yes" if application["eligible"] else "no", mean, marks or "–")
    console.print(table)
    if shown["closing"]:
        without = shown["closing"]["without_marks"]
        console.print(f"{shown['closing']['marks']} marks; eligible without one that counts: {without}")
    else:
        console.print(shown["waits_for"])


@app.command()
def close(round_id: Round, reason: Reason, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Propose to close the marks as they stand, by number and root. Another officer approves it; then all that decides
    is committed."""
    shown = ask("GET", f"/rounds/{round_id}/scores", url=url, token=token)
    if shown["closing"] is None:
        fail(shown["waits_for"])
    propose(round_id, "close-scores", shown["closing"], reason, url, token, as_json)
    if not as_json:
        told = (
            f"{shown['closing']['marks']} marks, {shown['closing']['without_marks']} eligible without one that counts"
        )
        console.print(f"{told}; root {shown['closing']['marks_root']}")

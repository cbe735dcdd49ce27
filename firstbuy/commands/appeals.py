"""`firstbuy appeal …`: filed by the applicant with its token, listed and decided by officers."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from firstbuy.commands.acts import propose
from firstbuy.commands.http import AsJson, Token, Url, ask, read_json
from firstbuy.commands.receipts import ApplicationId, ReceiptFile, held
from firstbuy.commands.rounds import Round
from firstbuy.commands.screen import console, fail, kst, print_json

app = typer.Typer(help="Appeals: file, list, decide.", no_args_is_help=True)


@app.command()
def file(
    grounds: Annotated[str, typer.Option(help="Why the result is wrong.")],
    application: ApplicationId = None,
    receipt: ReceiptFile = None,
    amended: Annotated[
        Path | None, typer.Option(help="The facts as they should have been judged, as JSON: same firm, same product.")
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Appeal against a published result, within 30 days of being told it."""
    opened = held(application, receipt, token)
    body: dict[str, Any] = {"grounds": grounds}
    if amended is not None:
        body["amended"] = {name: value for name, value in read_json(amended).items() if name != "contact"}
    filed = ask("POST", f"/applications/{opened.application}/appeal", url=url, token=opened.token, body=body)
    if as_json:
        print_json(filed)
    else:
        console.print(f"filed: {filed['appeal']}; to be answered by {filed['answer_due']}")


@app.command("list")
def list_appeals(round_id: Round, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """The appeals of a round, with the days they are to be answered by."""
    appeals = ask("GET", f"/rounds/{round_id}/appeals", url=url, token=token)
    if as_json:
        print_json(appeals)
        return
    table = Table("appeal", "application", "filed (KST)", "answer due", "decided", "grounds")
    for appeal in appeals:
        decided = "–" if appeal["upheld"] is None else "upheld" if appeal["upheld"] else "dismissed"
        row = (
            appeal["appeal"],
            appeal["application"],
            kst(appeal["filed_at"]),
            appeal["answer_due"],
            decided,
            appeal["grounds"],
        )
        table.add_row(*row)
    console.print(table)


@app.command()
def decide(
    round_id: Round,
    appeal: Annotated[str, typer.Argument(help="The appeal's id.")],
    reason: Annotated[str, typer.Option(help="The reason, which the applicant is told.")],
    uphold: Annotated[
        bool | None, typer.Option("--uphold/--dismiss", help="Upheld, it is judged again in a new epoch.")
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose a decision. Another officer approves it with `firstbuy round approve`."""
    if uphold is None:
        fail("say --uphold or --dismiss")
    shown = ask("GET", f"/rounds/{round_id}", url=url)
    listed = ask("GET", f"/rounds/{round_id}/appeals", url=url, token=token)
    found = next((filed for filed in listed if filed["appeal"] == appeal), None)
    if found is None:
        fail(f"no appeal {appeal} in {round_id} (firstbuy appeal list {round_id})")
    terms = {"epoch": shown["epoch"], "applications_root": shown["applications_root"]}
    terms |= {"appeal": appeal, "upheld": uphold, "amended_hash": found["amended_hash"]}
    propose(round_id, "decide-appeal", terms, reason, url, token, as_json)

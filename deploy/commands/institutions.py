"""`firstbuy institution …`: who buys, and what they pledge."""

from typing import Annotated, Any

import typer

from deploy.commands.http import AsJson, Token, Url, ask, operator_token
from deploy.commands.screen import console, fail, print_json

app = typer.Typer(help="Institutions.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group even while it has one command."""


@app.command()
def onboard(
    code: Annotated[str, typer.Argument(help="A short lower-case code; its topics are named by it.")],
    name: Annotated[str, typer.Option(help="The institution's full name.")],
    pledge: Annotated[list[str] | None, typer.Option(help="ROUND=WON; may be given again.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Register an institution, or change it: it has two topics from then on, and needs nothing else."""
    body: dict[str, Any] = {"name": name, "pledges": [_pledge(one) for one in pledge or []]}
    path = f"/institutions/{code}"
    answer = ask("PUT", path, url=url, token=operator_token(token, url), body=body)
    if as_json:
        print_json(answer)
        return
    console.print(f"{code} writes to {answer['inbox']}", soft_wrap=True)
    console.print(f"{code} reads {answer['outbox']}", soft_wrap=True)


def _pledge(given: str) -> dict[str, Any]:
    round_id, _, won = given.partition("=")
    digits = won.replace(",", "").replace("_", "")
    if not round_id or not digits.isdecimal():
        fail(f"--pledge {given}: write ROUND=WON, such as 2018-h2=500000000", 2)
    return {"round": round_id, "won": int(digits)}

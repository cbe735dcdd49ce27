"""`firstbuy token …`: bearer tokens of officers, auditors, operators and institutions."""

from typing import Annotated

import typer
from rich.table import Table

from firstbuy.commands.http import AsJson, Token, Url, ask, operator_token
from firstbuy.commands.screen import console, kst, print_json

app = typer.Typer(help="Bearer tokens.", no_args_is_help=True)


@app.command()
def create(
    role: Annotated[str, typer.Option(help="officer, auditor, operator or institution.")],
    name: Annotated[str, typer.Option(help="Who holds it; acts are logged under this name.")],
    institution: Annotated[str | None, typer.Option(help="For the role institution: its code.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown this once; only its hash is stored."""
    body = {"role": role, "name": name, **({"institution": institution} if institution else {})}
    made = ask("POST", "/tokens", url=url, token=operator_token(token, url), body=body)
    if as_json:
        print_json(made)
    else:
        console.print(made["token"])


@app.command("list")
def list_tokens(url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Who holds one, in which role and since when; no token is shown. That of the first operator is a setting."""
    listed = ask("GET", "/tokens", url=url, token=operator_token(token, url))
    if as_json:
        print_json(listed)
        return
    table = Table("name", "role", "institution", "made (KST)", "revoked (KST)")
    for token_of in listed:
        revoked = kst(token_of["revoked_at"]) if token_of["revoked_at"] else "–"
        table.add_row(
            token_of["name"], token_of["role"], token_of["institution"] or "–", kst(token_of["created_at"]), revoked
        )
    console.print(table if listed else "none was made")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The name it was made for.")],
    url: Url = None,
    token: Token = None,
) -> None:
    """End a token from now on."""
    ask("DELETE", f"/tokens/{name}", url=url, token=operator_token(token, url))
    console.print(f"revoked: {name}")

"""`firstbuy contact …`: what is kept to reach people."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from firstbuy.commands.http import AsJson, Token, Url, ask, operator_token
from firstbuy.commands.screen import console, fail, print_json

app = typer.Typer(help="Contacts of applicants.", no_args_is_help=True)


@app.command()
def erase(
    application: Annotated[str | None, typer.Argument(help="Id of an application.")] = None,
    email: Annotated[str | None, typer.Option(help="Instead: every contact with this address.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person's contact everywhere: in both databases that have it, and by a tombstone on its topic. What was
    decided stays. With an application's own token, or an officer's or operator's."""
    if (application is None) == (email is None):
        fail("name an application, or --email ADDRESS")
    if application is not None:
        done = ask("DELETE", f"/applications/{application}/contact", url=url, token=token)
    else:
        body = {"email": email}
        done = ask("POST", "/contacts/erasure", url=url, token=operator_token(token, url), body=body)
    if as_json:
        print_json(done)
    else:
        console.print(f"erased: {done['erased']}")


@app.command()
def disowned(
    round_id: Annotated[str | None, typer.Option("--round", help="Of this round alone.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Applications whose contact says: this was not me. They stand; an officer looks into each, and settles it."""
    query = f"?{urlencode({'round': round_id})}" if round_id else ""
    rows = ask("GET", f"/contacts/disowned{query}", url=url, token=operator_token(token, url))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        console.print(f"{row['application']}  {row['round']}  {row['disowned_at']}", highlight=False)
    console.print(f"disowned: {len(rows)}")


@app.command()
def settle(
    application: Annotated[str, typer.Argument(help="Id of an application of `contact disowned`.")],
    reason: Annotated[str, typer.Option(help="What was found; it stands in the audit log.")],
    url: Url = None,
    token: Token = None,
) -> None:
    """Take a disowned contact off the list, as an officer. No mail goes to that address even so."""
    path = f"/applications/{application}/contact/disowned/settlement"
    ask("POST", path, url=url, token=token, body={"reason": reason})
    console.print("settled")

"""`firstbuy contact …`: what is kept to reach people."""

from typing import Annotated

import typer

from deploy.commands.http import AsJson, Token, Url, ask, operator_token
from deploy.commands.screen import console, fail, print_json

app = typer.Typer(help="Contacts of applicants.", no_args_is_help=True)


@app.callback()
def _contacts() -> None:
    """A group, though it has one command."""


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

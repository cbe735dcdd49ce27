"""`firstbuy identity`, `firstbuy lost-token`: a firm shows that it is the firm, and gets back into its application."""

from typing import Annotated

import typer

from firstbuy.commands.apply import open_round
from firstbuy.commands.http import AsJson, Url, ask
from firstbuy.commands.screen import console, fail, kst, print_json

Number = Annotated[str, typer.Option("--business-number", help="사업자등록번호, as 220-81-62517.")]


def identity(
    number: Number,
    started_on: Annotated[str, typer.Option(help="개업일자, the day of opening, as 2015-03-02.")],
    representative: Annotated[str, typer.Option(help="대표자 성명, as registered. It is kept nowhere.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have the tax service confirm a firm. Give what is printed to `firstbuy apply` or `change` as --identity."""
    body = {"business_number": number, "started_on": started_on, "representative": representative}
    told = ask("POST", "/identity", url=url, body=body)
    if as_json:
        print_json(told)
        return
    console.print(f"confirmed ({told['level']}), good until {kst(told['holds_until'])} KST:")
    typer.echo(told["identity"])


def lost_token(
    application: Annotated[str | None, typer.Argument(help="The application's id, as its mails have it.")] = None,
    number: Annotated[str | None, typer.Option("--business-number", help="Without an id: the firm's number.")] = None,
    email: Annotated[str | None, typer.Option(help="And the mail address that its entry has.")] = None,
    round_id: Annotated[
        str | None, typer.Option("--round", help="The round; without it: the one that is open.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have a new token mailed to an entry's own address. The old one ends when the new one is first used."""
    if application is not None:
        told = ask("POST", f"/applications/{application}/lost-token", url=url)
    elif number is None or email is None:
        fail("name the application by its id, or give --business-number and --email", 2)
    else:
        path = f"/rounds/{round_id or open_round(url)}/lost-tokens"
        told = ask("POST", path, url=url, body={"business_number": number, "email": email})
    if as_json:
        print_json(told)
    else:
        console.print(told["told"])

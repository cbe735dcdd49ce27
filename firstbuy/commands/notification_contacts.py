"""`firstbuy institution contacts|webhook`: whom notices reach at an institution beside its outbox."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer
from pydantic import TypeAdapter

from firstbuy.commands.http import AsJson, Token, Url, ask, operator_token
from firstbuy.commands.screen import console, fail, print_json
from firstbuy.onboarding.listed import Listed, Person, person
from shared.contracts.events import Language
from shared.contracts.values import InstitutionCode
from shared.reading.json_read import UnreadableJsonError, read_value

_CODE: Final = TypeAdapter(InstitutionCode)


def code_of(stated: str | None) -> str | None:
    """As it is kept; ends the command where it is none, before anybody is asked anything."""
    try:
        return None if stated is None else str(read_value(_CODE, stated, "/code"))
    except UnreadableJsonError:
        fail(
            f"CODE {stated!r} is no institution's code: write 2 to 31 small letters, digits and hyphens, "
            "a letter first, such as kepco",
            2,
        )


Code = Annotated[str, typer.Argument(help="Its short lower-case code.", callback=code_of)]
Contacts = Annotated[
    list[str] | None, typer.Option("--contact", help="Who is mailed: 'Name <address>'; may be given again.")
]
ContactLanguage = Annotated[Language, typer.Option("--language", help="Of its mails: Korean or English.")]
Webhook = Annotated[str | None, typer.Option(help="https:// address that gets its notices too.")]


def contacts(
    code: Code,
    contact: Contacts = None,
    language: ContactLanguage = Language.KO,
    nobody: Annotated[bool, typer.Option("--nobody", help="Nobody any more: whoever was there is forgotten.")] = False,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Who at the institution is mailed what concerns it; with --contact: these, and nobody else any more."""
    if contact and nobody:
        fail("--contact or --nobody: one of them", 2)
    held = operator_token(token, url)
    if nobody:
        told = set_contacts(code, (), url, held)
    elif contact:
        told = set_contacts(code, people(contact, language), url, held)
    else:
        told = ask("GET", f"/institutions/{code}/contacts", url=url, token=held)
    if as_json:
        print_json(told)
        return
    for listed in told["contacts"]:
        console.print(f"{listed['name']} <{listed['email']}> {listed['language']}")
    if not told["contacts"]:
        console.print("nobody")


def webhook(
    code: Code,
    target: Annotated[str | None, typer.Argument(help="https:// address; without it: where it goes now.")] = None,
    rotate: Annotated[bool, typer.Option(help="Another secret; the one before signs too for a day.")] = False,
    remove: Annotated[bool, typer.Option(help="No webhook any more.")] = False,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Where an institution's webhooks go. A secret is shown once, when it is made."""
    held, path = operator_token(token, url), f"/institutions/{code}/webhook"
    if sum((target is not None, rotate, remove)) > 1:
        fail("an address, --rotate or --remove: one of them", 2)
    if remove:
        ask("DELETE", path, url=url, token=held)
        told: Any = {"institution": code, "url": None}
    elif rotate:
        told = ask("POST", f"{path}/rotation", url=url, token=held)
    elif target is not None:
        told = ask("PUT", path, url=url, token=held, body={"url": target})
    else:
        told = ask("GET", path, url=url, token=held)
    if as_json:
        print_json(told)
        return
    console.print(told["url"] or "no webhook")
    if told.get("secret"):
        console.print(f"Its secret is here, this once: {told['secret']}")


def people(contact: Sequence[str], language: Language) -> tuple[Person, ...]:
    try:
        return tuple(person(stated, language.value) for stated in contact)
    except ValueError as error:
        fail(f"--contact {error}", 2)


def set_contacts(code: str, stated: Sequence[Person], url: str | None, token: str | None) -> Any:
    body = {"contacts": [asdict(person) for person in stated]}
    return ask("PUT", f"/institutions/{code}/contacts", url=url, token=token, body=body)


def set_listed(listed: Listed, url: str | None, token: str | None) -> str | None:
    """What a list states of its contacts and webhook; the webhook's secret, where it is new."""
    if listed.contacts:
        set_contacts(listed.code, listed.contacts, url, token)
    if listed.webhook is None:
        return None
    told = ask("PUT", f"/institutions/{listed.code}/webhook", url=url, token=token, body={"url": listed.webhook})
    secret: str | None = told.get("secret")
    return secret

"""`firstbuy notify …`: who is told what, how it reads, what could not be delivered."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer
from rich.table import Table

from firstbuy.commands.http import AsJson, Token, Url, ask, operator_token
from firstbuy.commands.screen import console, fail, kst, print_json
from services.notify.usecases.preview import UnknownKindError, kinds, table
from services.notify.usecases.preview import preview as previewed
from shared.contracts.events import Language

app = typer.Typer(help="Notices: how they read, what could not be delivered, what came back.", no_args_is_help=True)
PAGE: Final = 100
WHY: Final = {
    "unreadable": "it could not be read",
    "unproven": "it did not come back to the address that its mail was sent from",
    "unknown-notice": "it names a notice that is not known",
    "contradicted": "status and words do not agree, so the address stands",
    "unclear": "its words do not say why, so the address stands",
    "elsewhere": "it is about another address than the one that was mailed",
}
"""Why a returned mail waits for a person, by code."""
RoundId = Annotated[str | None, typer.Option("--round", help="Of this round alone.")]
After = Annotated[str | None, typer.Option(help="Those behind this delivery, the last of a page.")]
Email = Annotated[str, typer.Argument(help="The address.")]


@app.command()
def preview(
    kind: Annotated[str | None, typer.Argument(help="The kind of notice; without it: who is told what.")] = None,
    language: Annotated[Language, typer.Option(help="Korean or English.")] = Language.KO,
    title: Annotated[str | None, typer.Option(help="The round's title in it.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder: the mail as .eml, .txt and .html; without a kind, of every kind.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A notice as it would be sent, of an invented firm. Nothing is sent, and nothing has to run."""
    if out is not None:
        names = [_write(out, name, language, title) for name in ([kind] if kind else kinds())]
        console.print(f"{len(names)} notices in {out}")
        return
    if kind is None:
        _show_table(as_json)
        return
    try:
        found = previewed(kind, language, title)
    except UnknownKindError as error:
        fail(str(error), 2)
    if as_json:
        print_json({"kind": kind, "subject": found.subject, "text": found.text, "html": found.html})
        return
    console.print(found.subject, style="bold")
    console.print(f"\n{found.text}", end="")


def _show_table(as_json: bool) -> None:
    rows = table()
    if as_json:
        print_json([{"kind": r.kind, "of": r.happening, "to": r.role, "channels": list(r.channels)} for r in rows])
        return
    shown = Table(title="Who is told what")
    for column in ("when", "who", "notice", "channels"):
        shown.add_column(column)
    for row in rows:
        shown.add_row(row.happening, row.role, row.kind, ", ".join(row.channels))
    console.print(shown)


def _write(folder: Path, kind: str, language: Language, title: str | None) -> str:
    try:
        found = previewed(kind, language, title)
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in (("eml", found.content), ("txt", found.text.encode()), ("html", found.html.encode())):
            (folder / f"{kind}.{language.value}.{suffix}").write_bytes(content)
    except UnknownKindError as error:
        fail(str(error), 2)
    except OSError as error:
        fail(f"{folder}: {error.strerror}", 2)
    return kind


@app.command("failed")
def list_failed(
    round_id: RoundId = None, after: After = None, url: Url = None, token: Token = None, as_json: AsJson = False
) -> None:
    """What was given up for good, newest first; `firstbuy notify retry` tries one again."""
    _print_deliveries("failed", round_id, after, url, token, as_json=as_json)


@app.command("doubtful")
def list_doubtful(
    round_id: RoundId = None, after: After = None, url: Url = None, token: Token = None, as_json: AsJson = False
) -> None:
    """What may have arrived twice, under one id: an attempt's outcome was never heard."""
    _print_deliveries("doubtful", round_id, after, url, token, as_json=as_json)


def _print_deliveries(
    which: str, round_id: str | None, after: str | None, url: str | None, token: str | None, *, as_json: bool
) -> None:
    asked = {"limit": str(PAGE)} | {name: said for name, said in (("round", round_id), ("after", after)) if said}
    path = f"/deliveries/{which}?{urlencode(asked)}"
    rows = ask("GET", path, url=url, token=operator_token(token, url), service="notify")
    if as_json:
        print_json(rows)
        return
    shown = Table(title=f"{which.capitalize()} deliveries")
    for column in ("delivery", "round", "notice", "channel", "recipient", "state", "error", "attempts", "since"):
        shown.add_column(column)
    for row in rows:
        facts = (row["delivery"], row["round"] or "", row["kind"], row["channel"], row["recipient"], row["state"])
        shown.add_row(*facts, row["error"] or "", str(row["attempts"]), kst(row["created_at"]))
    console.print(shown if rows else f"nothing is {which}")
    if len(rows) == PAGE:
        console.print(f"there may be more: --after {rows[-1]['delivery']}")


@app.command()
def retry(
    delivery: Annotated[str, typer.Argument(help="Its id, as listed.")],
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Try a failed delivery again."""
    _done(_post(f"/deliveries/{delivery}/retry", None, url, token), "it is due again", as_json=as_json)


@app.command()
def bounce(
    file: Annotated[
        Path, typer.Argument(help="The returned mail, whole; - for standard input, as mail servers pipe it.")
    ],
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Take in a mail that came back: its notice has failed, and an address that is surely no more gets no other. What
    can't be read, or is in doubt, is kept for a person: `firstbuy notify bounces`."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)
    headers, held = {"Content-Type": "message/rfc822"}, operator_token(token, url)
    told = ask("POST", "/bounces", url=url, token=held, service="notify", content=content, headers=headers)
    text = (f"{told['status']}: " if told["status"] else "") + ("the notice has failed" if told["failed"] else "noted")
    text += ", its address is suppressed" if told["suppressed"] else ""
    text += f"; {WHY[told['why']]}: firstbuy notify bounces {told['listed']}" if told["listed"] else ""
    _done(told, text, as_json=as_json)


@app.command()
def bounces(
    returned: Annotated[str | None, typer.Argument(help="The id of one, to read it whole; without it: all.")] = None,
    done: Annotated[bool, typer.Option("--done", help="It has been seen to: take it off the list.")] = False,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Returned mails that a person has to see: they could not be read, or are in doubt."""
    held = operator_token(token, url)
    if returned is None:
        if done:
            fail("--done is of one: name it", 2)
        _print_returned(ask("GET", f"/bounces?limit={PAGE}", url=url, token=held, service="notify"), as_json=as_json)
        return
    path = f"/bounces/{returned}"
    if done:
        told = ask("DELETE", path, url=url, token=held, service="notify")
        _done(told, "it is listed no more", as_json=as_json)
        return
    mail = ask("GET", path, url=url, token=held, service="notify")
    console.print(_harmless(mail), highlight=False)


def _harmless(text: str) -> str:
    """Anybody may have written it: nothing in it steers the terminal."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text.replace("\r\n", "\n"))


def _print_returned(rows: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    for row in rows:
        about = f" (notice {row['delivery']})" if row["delivery"] else ""
        code, _, detail = row["why"].partition(": ")
        console.print(f"{row['id']}  {kst(row['arrived_at'])}{about}")
        console.print(f"    {detail or WHY[code]}")
        if row["words"]:
            console.print(f"    {_harmless(' '.join(row['words'].split()))}")
    if not rows:
        console.print("none")


@app.command()
def suppressed(url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Addresses no mail goes to, by hash, and whose contacts they are."""
    rows = ask("GET", "/suppressions", url=url, token=operator_token(token, url), service="notify")
    if as_json:
        print_json(rows)
        return
    for row in rows:
        line = f"{row['address']} {row['reason']:<24} {kst(row['suppressed_at'])} {row['party'] or ''}"
        console.print(line)
    if not rows:
        console.print("none")


@app.command()
def suppress(
    email: Email,
    reason: Annotated[str, typer.Option(help="Why.")] = "by the office",
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Let no mail go to an address any more."""
    told = _post("/suppressions", {"email": email, "reason": reason}, url, token)
    _done(told, "suppressed" if told["suppressed"] else "it was before", as_json=as_json)


@app.command()
def release(email: Email, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Let mail go to an address again."""
    told = _post("/suppressions/release", {"email": email}, url, token)
    _done(told, "released" if told["released"] else "it was not suppressed", as_json=as_json)


def _post(path: str, body: Any, url: str | None, token: str | None) -> Any:
    return ask("POST", path, url=url, token=operator_token(token, url), service="notify", body=body)


def _done(told: Any, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        console.print(text)

"""`firstbuy status|change|withdraw|proof`: what a firm does with its application, by its receipt or by id and token."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from firstbuy.commands import local
from firstbuy.commands.http import AsJson, Identity, Token, Url, application_of, ask
from firstbuy.commands.receipts import ApplicationId, Held, ReceiptFile, held, keep_newer
from firstbuy.commands.screen import console, fail, kst, print_json, print_receipt


def status(
    application: ApplicationId = None,
    receipt: ReceiptFile = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Where an application stands; without one, what of the local stack runs, and whether it is ready.

    Of the stack: exit code 3 when nothing runs, 1 when something is not ready."""
    if application is None and receipt is None:
        local.status(as_json)
        return
    opened = held(application, receipt, token)
    shown = ask("GET", f"/applications/{opened.application}/status", url=url, token=opened.token)
    if as_json:
        print_json(shown)
        return
    for line in _standing(shown):
        console.print(line)


def _standing(shown: Mapping[str, Any]) -> list[str]:
    withdrawn = ", withdrawn" if shown["withdrawn"] else ""
    lines = [
        f"{shown['application']}, version {shown['version']}{withdrawn}",
        f"round {shown['round']}: {shown['round_status']}",
    ]
    if shown.get("identity", "none") != "none":
        lines.append(f"the firm is confirmed: {shown['identity']}")
    if shown.get("contested"):
        lines.append("contested: another party entered this product of the firm; one at the most can stand")
    verdict, result = shown["verdict"], shown["result"] or {}
    if verdict:
        lines.append(f"verdict: {verdict['outcome']}, as of {verdict['as_of']}")
    elif not shown["withdrawn"]:
        lines.append("verdict: none yet")
    if shown["result_type"]:
        place = f", place {result['reserve_position']} of the reserve" if result.get("reserve_position") else ""
        reason = f": {result['reason']}" if result.get("reason") else ""
        lines.append(f"result: {shown['result_type']}{place}{reason}")
    lines += [
        f"  {award['quantity']:,} for {award['amount_won']:,} won by {award['institution']}"
        for award in result.get("awards") or ()
    ]
    if shown["left"]:
        lines.append(
            f"left: {shown['left']['cause']}, {kst(shown['left']['at'])} KST {shown['left']['reason']}".strip()
        )
    if shown["status_ended_at"]:
        lines.append(f"its status ended {kst(shown['status_ended_at'])} KST")
    if shown["appeal"]["may_file_until"]:
        lines.append(f"an appeal may be filed until {shown['appeal']['may_file_until']}")
    for appeal in shown["appeal"]["filed"]:
        decided = "not decided yet" if appeal["upheld"] is None else "upheld" if appeal["upheld"] else "dismissed"
        lines.append(f"appeal {appeal['appeal']}: {decided}, to be answered by {appeal['answer_due']}")
    if shown["contact_disowned_at"]:
        lines.append(f"its contact said 'this was not me', {kst(shown['contact_disowned_at'])} KST")
    return lines


def change(
    file: Annotated[Path, typer.Argument(help="The whole application as it is to be, as JSON; - for standard input.")],
    application: ApplicationId = None,
    receipt: ReceiptFile = None,
    identity: Identity = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Put another version in place of the newest one. The file given as --receipt then holds that version's receipt."""
    opened, content = held(application, receipt, token), application_of(file, identity)
    headers = {"If-Match": f'"{_version(opened, url)}"'}
    path = f"/applications/{opened.application}"
    answer = ask("PUT", path, url=url, token=opened.token, content=content, headers=headers)
    keep_newer(receipt, answer)
    if as_json:
        print_json(answer)
    else:
        print_receipt(answer)


def _version(opened: Held, url: str | None) -> int:
    if opened.version is not None:
        return opened.version
    newest: int = ask("GET", f"/applications/{opened.application}", url=url, token=opened.token)["version"]
    return newest


def withdraw(
    application: ApplicationId = None,
    receipt: ReceiptFile = None,
    reason: Annotated[str, typer.Option(help="Why; it need not be said.")] = "",
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Take an application back while its round is open; once the result is published, give up its place."""
    opened = held(application, receipt, token)
    path, body = f"/applications/{opened.application}/withdrawal", {"reason": reason}
    answer = ask("POST", path, url=url, token=opened.token, body=body)
    keep_newer(receipt, answer)
    if as_json:
        print_json(answer)
    elif "given_up_at" in answer:
        console.print(f"its place is given up, {kst(answer['given_up_at'])} KST; this takes effect with the next batch")
    else:
        console.print(f"withdrawn: {answer['application']}, version {answer['version']}")


def proof(
    application: ApplicationId = None,
    receipt: ReceiptFile = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("proof.json"),
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Keep the proof that an application is in the frozen set, for `firstbuy verify proof`. With --json: print it."""
    opened = held(application, receipt, token)
    proven = ask("GET", f"/applications/{opened.application}/proof", url=url, token=opened.token)
    if as_json:
        print_json(proven)
        return
    try:
        output.write_text(f"{json.dumps(proven, indent=2)}\n", encoding="utf-8")
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    with_receipt = f" --receipt {receipt}" if receipt else ""
    console.print(f"{output}: check it with `firstbuy verify proof {output}{with_receipt}`")

"""`firstbuy audit …`: checks that a service's log of decisions and acts is whole."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from firstbuy.commands.http import AsJson, Token, Url, ask
from firstbuy.commands.screen import console, fail, print_json
from firstbuy.verifying.receipts import published_key
from shared.contracts.events import AuditHeadPublished
from shared.service.audit import AuditRow, faults
from shared.service.audit_heads import head_verified

app = typer.Typer(help="The audit log.", no_args_is_help=True)
_AT_ONCE: Final = 5000
KEYS: Final = "/.well-known/firstbuy-keys"


@app.callback()
def audit() -> None:
    """The audit log."""


@app.command()
def verify(
    heads: Annotated[
        Path | None,
        typer.Option(help="Published heads, a JSON object a line, as read from audit-heads.v1 or kept by you."),
    ] = None,
    service: Annotated[
        str, typer.Option(help="intake (its log takes a token), eligibility, selection or notify.")
    ] = "intake",
    keys: Annotated[
        Path | None, typer.Option(help="File of the service's /.well-known/firstbuy-keys, kept by you; else asked for.")
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a service's chain of hashes and name what was changed, removed, inserted or (with --heads) cut off;
    signatures of heads are checked with the service's published keys."""
    rows: list[AuditRow] = []
    while True:
        after = rows[-1].sequence if rows else 0
        page = ask("GET", f"/audit?after={after}&limit={_AT_ONCE}", url=url, token=token, service=service)["rows"]
        rows += [AuditRow.of_json(row) for row in page]
        if len(page) < _AT_ONCE:
            break
    kept = _read_heads(heads, service) if heads else []
    signed = [head for head in kept if head.get("signature") is not None]
    known = (_read_keys(keys) if keys else ask("GET", KEYS, url=url, service=service)) if signed else []
    found = faults(rows, map(AuditHeadPublished.model_validate, kept)) + signature_faults(signed, known)
    told = {
        "rows": len(rows),
        "heads": len(kept),
        "signed_heads": len(signed),
        "head": rows[-1].hash if rows else None,
        "faults": found,
    }
    if as_json:
        print_json(told)
    else:
        console.print(f"{len(rows)} rows, head {told['head']}")
        console.print("\n".join(found) or f"the chain is whole; {_compared(heads, kept, signed)}")
    if found:
        raise typer.Exit(1)


@app.command("heads")
def keep_heads(
    service: Annotated[str, typer.Option(help="intake, eligibility, selection or notify.")] = "intake",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else they are printed.")] = None,
    url: Url = None,
) -> None:
    """Keep the signed heads of a service's log, to hold the log against them later (`audit verify --heads`)."""
    heads = ask("GET", "/audit/heads", url=url, service=service)
    if output is None:
        typer.echo(heads, nl=False)
        return
    try:
        output.write_text(heads, encoding="utf-8")
    except OSError as error:
        fail(f"{output}: {error.strerror}")
    console.print(f"{len(heads.splitlines())} signed heads of {service} are in {output}")


def signature_faults(signed: Sequence[Mapping[str, Any]], keys: Sequence[Mapping[str, Any]]) -> list[str]:
    """Signed heads that no published key signed as they stand."""
    found = []
    for head in signed:
        public = published_key(str(head.get("key_id")), keys)
        if public is None:
            found.append(f"head {head['count']}: no published key has the id {head.get('key_id')}")
        elif not head_verified(head, public.public):
            found.append(f"head {head['count']}: key {public.key_id} did not sign it as it stands here")
    return found


def _compared(heads: Path | None, kept: Sequence[Any], signed: Sequence[Any]) -> str:
    if heads is None:
        return "no --heads given: a cut-off end is not seen, and no signature was checked"
    told = f"{len(kept)} published heads are in it"
    if not signed:
        return f"{told}; none of them is signed"
    return f"{told}; {len(signed)} of them are signed, each by a published key"


def _read_heads(path: Path, service: str) -> list[dict[str, Any]]:
    """The service's heads, word for word: what was signed is their JSON. One from an institution's outbox names the
    institution too, which is no part of it."""
    try:
        lines: list[Any] = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        for line in lines:
            AuditHeadPublished.model_validate(line)
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}; it takes one JSON object a line")
    return [
        {name: value for name, value in line.items() if name != "institution"}
        for line in lines
        if line["service"] == service
    ]


def _read_keys(path: Path) -> list[dict[str, Any]]:
    try:
        keys = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        fail(f"{path} is no JSON list of keys: see GET {KEYS}")
    return keys

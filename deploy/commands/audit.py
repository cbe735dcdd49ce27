"""`firstbuy audit …`: is a service's log of decisions and acts whole?"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.commands.http import AsJson, Token, Url, ask
from deploy.commands.screen import console, fail, print_json
from shared.audit import AuditRow, faults
from shared.contracts.events import AuditHeadPublished

app = typer.Typer(help="The audit log.", no_args_is_help=True)
_AT_ONCE = 5000


@app.callback()
def audit() -> None:
    """The audit log."""


@app.command()
def verify(
    heads: Annotated[
        Path | None,
        typer.Option(help="Published heads, a JSON object a line, as read from audit-heads.v1 or kept by you."),
    ] = None,
    service: Annotated[str, typer.Option(help="intake (its log takes a token), eligibility or selection.")] = "intake",
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a service's chain of hashes and name what was changed, removed, inserted or (with --heads) cut off."""
    rows: list[AuditRow] = []
    while True:
        after = rows[-1].sequence if rows else 0
        page = ask("GET", f"/audit?after={after}&limit={_AT_ONCE}", url=url, token=token, service=service)["rows"]
        rows += [AuditRow.of_json(row) for row in page]
        if len(page) < _AT_ONCE:
            break
    published = _read_heads(heads, service) if heads else []
    found = faults(rows, published)
    told = {"rows": len(rows), "heads": len(published), "head": rows[-1].hash if rows else None, "faults": found}
    if as_json:
        print_json(told)
    else:
        console.print(f"{len(rows)} rows, head {told['head']}", soft_wrap=True)
        compared = (
            f"{len(published)} published heads are in it" if heads else "no --heads given: a cut-off end is not seen"
        )
        console.print("\n".join(found) or f"the chain is whole; {compared}")
    if found:
        raise typer.Exit(1)


def _read_heads(path: Path, service: str) -> list[AuditHeadPublished]:
    try:
        lines: list[Any] = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}; it takes one JSON object a line")
    heads = [AuditHeadPublished.model_validate(line) for line in lines]
    return [head for head in heads if head.service == service]

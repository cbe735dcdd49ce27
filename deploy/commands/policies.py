"""`firstbuy policy …`: what is wrong with a policy, before a round is opened under it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from deploy.commands.http import AsJson, read_yaml
from deploy.commands.screen import console, print_json
from services.eligibility.domain.check import check_policy
from services.selection.domain.check import check_selection
from shared.canonical import json_hash
from shared.contracts.policy import Policy
from shared.http import reasons_of

app = typer.Typer(help="Policies.", no_args_is_help=True)
_POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)


@app.callback()
def _group() -> None:
    """A group even while it has one command."""


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A policy of deploy/policies/.")], as_json: AsJson = False) -> None:
    """Everything that is wrong with it, by field and with the fix. Exit code 1 when there is anything."""
    stated = read_yaml(file)
    problems, policy_hash = examined(stated)
    if as_json:
        print_json({"file": str(file), "policy_hash": policy_hash, "errors": problems})
    elif problems:
        table = Table("where", "what", "fix")
        for problem in problems:
            table.add_row(problem["pointer"] or "/", problem["detail"], problem["fix"])
        console.print(table)
    else:
        console.print(f"{file} is sound; policy hash {policy_hash}", markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)


def examined(stated: Any) -> tuple[list[dict[str, str]], str | None]:
    """Problems, and the hash it would be opened under where it can be read at all."""
    try:
        policy = _POLICY.validate_python(stated, extra="forbid")
    except ValidationError as error:
        reasons = reasons_of(error.errors(include_url=False, include_input=False))
        return [reason.model_dump() for reason in reasons], None
    problems = [asdict(problem) for problem in check_policy(policy)]
    problems += [asdict(problem) for problem in check_selection(policy)]
    return problems, json_hash(_POLICY.dump_python(policy, mode="json", exclude_none=True))

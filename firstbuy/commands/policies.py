"""`firstbuy policy …`: what is wrong with a policy, before a round is opened under it; what one changes of another."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from firstbuy.commands.http import AsJson
from firstbuy.commands.screen import console, fail, print_json
from firstbuy.policy_review import differing
from firstbuy.policy_review.checking import Examined, Located, examine
from firstbuy.yaml_file import UnreadableYamlError, text_of
from shared.contracts.policy import Policy
from shared.programme.periods import months_after
from shared.wording.in_korean import said

app = typer.Typer(help="Policies.", no_args_is_help=True)
_CUTS_SHOWN = 4


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A policy of deploy/policies/.")], as_json: AsJson = False) -> None:
    """Everything that is wrong with it, by line and field, with the fix. Exit code 1 when there is anything.

    What can be run but is probably not meant is remarked on, and is no error."""
    found = examine(read_text(file))
    if as_json:
        print_json({"file": str(file), "policy_hash": found.policy_hash, **problems_json(found.errors, found.remarks)})
    else:
        _print(file, found)
    if found.errors:
        raise typer.Exit(1)


def read_text(file: Path) -> str:
    try:
        return text_of(file)
    except UnreadableYamlError as error:
        fail(str(error))


def told(problems: Sequence[Located]) -> list[Located]:
    """In the language of who asks. Their codes and pointers are the same in every language."""
    return [replace(problem, detail=said(problem.detail), fix=said(problem.fix)) for problem in problems]


def problems_json(errors: Sequence[Located], remarks: Sequence[Located]) -> dict[str, Any]:
    return {
        "errors": [asdict(problem) for problem in told(errors)],
        "remarks": [asdict(problem) for problem in told(remarks)],
    }


def print_problems(file: Path, problems: Sequence[Located], colour: str) -> None:
    for problem in told(problems):
        where = f"{file}:{problem.line}: {problem.pointer or '/'}: "
        console.print(where, style="dim", end="")
        console.print(problem.detail, style=colour)
        console.print(f"    → {problem.fix}")


def _print(file: Path, found: Examined) -> None:
    print_problems(file, found.errors or found.remarks, "red" if found.errors else "yellow")
    if found.errors:
        return
    if found.remarks:
        console.print(said(f"{file} is sound, {len(found.remarks)} to consider; policy hash {found.policy_hash}"))
    else:
        console.print(said(f"{file} is sound; policy hash {found.policy_hash}"))
    if found.policy and found.policy.rolling:
        first, months = found.policy.as_of, found.policy.rolling.every_months
        cuts = ", ".join(months_after(first, months * number).isoformat() for number in range(_CUTS_SHOWN))
        console.print(said(f"cuts: {cuts}, …"))


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The policy there was.")],
    new: Annotated[Path, typer.Argument(help="The policy there would be.")],
    as_json: AsJson = False,
) -> None:
    """What the second changes of the first, for whom, and whether it is laxer or stricter."""
    before, after = sound(old), sound(new)
    found = differing.changes(before, after)
    if as_json:
        print_json(differing.as_json(before, after, found))
    else:
        console.print(differing.as_text(before, after, found))


def sound(file: Path) -> Policy:
    """The policy of a file; ends the command with its problems where it has any."""
    found = examine(read_text(file))
    if found.policy is None or found.errors:
        _print(file, found)
        raise typer.Exit(1)
    return found.policy

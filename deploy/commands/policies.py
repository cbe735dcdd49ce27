"""`firstbuy policy …`: what is wrong with a policy, before a round is opened under it; what one changes of another."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.http import AsJson
from deploy.commands.screen import console, fail, print_json
from deploy.policy_review import differing
from deploy.policy_review.checking import Examined, Located, examine
from deploy.yaml_file import UnreadableYamlError, text_of
from shared.contracts.policy import Policy
from shared.periods import months_after

app = typer.Typer(help="Policies.", no_args_is_help=True)
_CUTS_SHOWN = 4


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A policy of deploy/policies/.")], as_json: AsJson = False) -> None:
    """Everything that is wrong with it, by line and field, with the fix. Exit code 1 when there is anything.

    What can be run but is probably not meant is remarked on, and is no error."""
    found = examine(read_text(file))
    if as_json:
        lists = {"errors": found.errors, "remarks": found.remarks}
        shown = {name: [asdict(each) for each in each_of] for name, each_of in lists.items()}
        print_json({"file": str(file), "policy_hash": found.policy_hash, **shown})
    else:
        _print(file, found)
    if found.errors:
        raise typer.Exit(1)


def read_text(file: Path) -> str:
    try:
        return text_of(file)
    except UnreadableYamlError as error:
        fail(str(error))


def print_problems(file: Path, problems: Sequence[Located], colour: str) -> None:
    for problem in problems:
        where = f"{file}:{problem.line}: {problem.pointer or '/'}: "
        console.print(where, style="dim", end="")
        console.print(problem.detail, style=colour)
        console.print(f"    → {problem.fix}")


def _print(file: Path, found: Examined) -> None:
    print_problems(file, found.errors or found.remarks, "red" if found.errors else "yellow")
    if found.errors:
        return
    remarked = f", {len(found.remarks)} to consider" if found.remarks else ""
    console.print(f"{file} is sound{remarked}; policy hash {found.policy_hash}")
    if found.policy and found.policy.rolling:
        first, months = found.policy.as_of, found.policy.rolling.every_months
        cuts = ", ".join(months_after(first, months * number).isoformat() for number in range(_CUTS_SHOWN))
        console.print(f"cuts: {cuts}, …")


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

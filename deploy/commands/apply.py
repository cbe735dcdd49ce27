"""`firstbuy apply FILE`: enter a product into a round, as any firm would, or ask beforehand how it would be judged."""

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.commands.http import AsJson, Url, ask
from deploy.commands.screen import console, fail, print_json, print_receipt


def apply(
    file: Annotated[Path, typer.Argument(help="The application as JSON.")],
    round_id: Annotated[str, typer.Option("--round", help="The round to enter.")] = "2018-h2",
    key: Annotated[str | None, typer.Option(help="Idempotency-Key; the same again gets the same receipt.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only ask eligibility how it would be judged; nothing is stored.")
    ] = False,
    language: Annotated[str, typer.Option(help="Of the explanation: ko or en.")] = "ko",
    eligibility: Annotated[
        str | None, typer.Option(envvar="FIRSTBUY_ELIGIBILITY_URL", help="Eligibility, for --check.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Enter a product. Keep the receipt: its token opens the application afterwards."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    if check:
        _check(round_id, content, language, eligibility, as_json)
        return
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    receipt = ask("POST", f"/rounds/{round_id}/applications", url=url, content=content, headers=headers)
    if as_json:
        print_json(receipt)
        return
    print_receipt(receipt)


def _check(round_id: str, content: bytes, language: str, url: str | None, as_json: bool) -> None:
    """Exit code 1 when it would not be eligible."""
    told = ask("POST", f"/rounds/{round_id}/check", url=url, service="eligibility", content=content)
    if as_json:
        print_json(told)
    else:
        if language not in told["explanation"]:
            fail(f"no explanation in {language!r}: {', '.join(told['explanation'])}")
        _print_explained(told, told["explanation"][language])
    if told["outcome"] != "eligible":
        raise typer.Exit(1)


def _print_explained(told: dict[str, Any], explained: dict[str, Any]) -> None:
    console.print(f"{told['round']}: {told['outcome']} (as of {told['as_of']}; a check, not a decision)")
    if explained["against"]:
        table = Table("condition", "outcome", "seen", "needed", "how far off", "legal source")
        for one in explained["against"]:
            table.add_row(*(one[name] for name in ("rule", "outcome", "seen", "needed", "gap", "legal_source")))
        console.print(table)
    if explained["would_help"]:
        console.print("would be eligible with:")
        for line in explained["would_help"]:
            console.print(f"  {line}", markup=False)

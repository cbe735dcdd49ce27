"""`firstbuy apply FILE`: enter a product into a round, as any firm would."""

import uuid
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.http import AsJson, Url, ask
from deploy.commands.screen import fail, print_json, print_receipt


def apply(
    file: Annotated[Path, typer.Argument(help="The application as JSON.")],
    round_id: Annotated[str, typer.Option("--round", help="The round to enter.")] = "2018-h2",
    key: Annotated[str | None, typer.Option(help="Idempotency-Key; the same again gets the same receipt.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Enter a product. Keep the receipt: its token opens the application afterwards."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    receipt = ask("POST", f"/rounds/{round_id}/applications", url=url, content=content, headers=headers)
    if as_json:
        print_json(receipt)
        return
    print_receipt(receipt)

"""`firstbuy demo`: a whole round on the local stack."""

import importlib
from typing import Annotated

import typer

from firstbuy.commands.local import wanted_replicas
from firstbuy.commands.screen import fail


def demo(
    applications: Annotated[int, typer.Option(help="How many firms apply.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the generator; the same seed, the same selection.")] = 2018,
    keep: Annotated[bool, typer.Option(help="Leave the stack running afterwards.")] = False,
    replicas: Annotated[list[str] | None, typer.Option(help="SERVICE=N, as of `firstbuy up`.")] = None,
    window: Annotated[
        float | None, typer.Option(help="Real seconds the month takes; else by the applications.")
    ] = None,
) -> None:
    """Run the second round of 2018 from the announcement to the notices, and report."""
    try:
        run = importlib.import_module("firstbuy.demo").run
    except ModuleNotFoundError as missing:
        if missing.name != "firstbuy.demo":
            raise
        fail("the demo is not part of this installation")
    raise typer.Exit(run(applications, seed, keep, wanted_replicas(replicas or []), window))

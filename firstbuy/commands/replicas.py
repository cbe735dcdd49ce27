"""Which replicas a command looks at: those that are named, else those of the local stack that runs."""

from typing import Annotated, Any

import typer

from deploy.local.description import described
from deploy.local.state import State, StateUnusableError
from firstbuy.commands.screen import fail

From = Annotated[
    list[str] | None,
    typer.Option("--from", help="A replica's base URL; may be repeated. Else those of the local stack that runs."),
]


def local_stack() -> dict[str, Any] | None:
    """The description of the local stack that runs."""
    try:
        return described(State.opened())
    except StateUnusableError as error:
        fail(str(error))


def replicas(named: list[str] | None) -> list[tuple[str, str]]:
    """(service, URL) of each; of one that is named, the service is told by its metrics."""
    if named:
        return [("?", url.rstrip("/")) for url in named]
    running = local_stack()
    if running is None:
        fail("no local stack runs: start one with `firstbuy up`, or name replicas with --from")
    return [(service, replica["url"]) for service, replicas in running["services"].items() for replica in replicas]

"""A receipt as a firm keeps it: the file that names its application and opens it."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from firstbuy.commands.http import read_json
from firstbuy.commands.screen import fail

ApplicationId = Annotated[
    str | None, typer.Argument(help="The application's id, which its token opens; or give its --receipt.", metavar="ID")
]
ReceiptFile = Annotated[
    Path | None, typer.Option("--receipt", help="The receipt that `firstbuy apply -o` kept: id and token are in it.")
]


@dataclass(frozen=True, slots=True)
class Held:
    """What opens an application. `version`: the newest that its receipt is of, None where no receipt was given."""

    application: str
    token: str | None
    version: int | None = None


def held(application: str | None, receipt: Path | None, token: str | None) -> Held:
    """By the id and the token given, or by the receipt, whose own token goes before any other."""
    if (application is None) == (receipt is None):
        fail("name an application by its id, or give its --receipt", 2)
    if application is not None:
        return Held(application, token)
    stated = _read(receipt)
    return Held(stated["application"], stated.get("token") or token, stated["version"])


def must_be_new(path: Path | None) -> None:
    """Before a token is made, which is shown once: whether it can be kept there, where no other one is."""
    if path is None:
        return
    if path.exists():
        fail(f"{path} is there already, and may hold the only copy of a token: name another file", 2)
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        fail(f"{path}: {error.strerror}; nothing was sent", 2)


def keep(path: Path, receipt: Mapping[str, Any] | Sequence[Any]) -> None:
    """As it was answered, to be read by its owner alone: the whole of it, or what was there before. Where it can't be
    kept it is printed, since its token is told this once."""
    text = json.dumps(receipt, ensure_ascii=False, indent=2) + "\n"
    try:
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink()
            raise
    except OSError as error:
        typer.echo(text)
        fail(f"{path}: {error.strerror}; keep the receipt that stands here")


def keep_newer(path: Path | None, answer: Mapping[str, Any]) -> None:
    """In place of the receipt of the version before, whose token still opens it; behind those before, where the file
    has them all. What gives up a place is answered without a receipt."""
    if path is None or "signature" not in answer:
        return
    before = read_json(path)
    if isinstance(before, list):
        keep(path, [*before, answer])
    else:
        keep(path, {**answer, "token": before["token"]} if "token" in before else answer)


def _read(path: Path | None) -> dict[str, Any]:
    """The newest of them where there are several, as `GET …/receipt` answers."""
    stated = read_json(path) if path else None
    newest = stated[-1] if isinstance(stated, list) and stated else stated
    if not isinstance(newest, dict) or not isinstance(newest.get("version"), int) or "application" not in newest:
        fail(f"{path} is no receipt: it lacks application or version", 2)
    return newest

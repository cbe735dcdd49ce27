"""Printing: people get rich text on the terminal, programs get JSON on standard output."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

_KST = timezone(timedelta(hours=9))


def kst(moment: str) -> str:
    """A moment as people in Korea read it, to the minute."""
    return datetime.fromisoformat(moment).astimezone(_KST).strftime("%Y-%m-%d %H:%M")


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def fail(message: str, code: int = 1) -> NoReturn:
    errors.print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)


def print_receipt(receipt: Mapping[str, Any]) -> None:
    table = Table(title="Receipt", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name in ("round", "application", "version", "received_at", "payload_hash", "nonce", "token"):
        table.add_row(name.replace("_", " "), str(receipt[name]))
    console.print(table)

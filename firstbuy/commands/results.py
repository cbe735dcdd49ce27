"""What a result comes to, for those who use it: `firstbuy round pack|results`, `pledges`, `purchases`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlencode

import typer
from rich import box
from rich.table import Table

from firstbuy.commands.http import AsJson, Token, Url, ask, download, operator_token
from firstbuy.commands.rounds import Round
from firstbuy.commands.screen import console, fail, print_json
from shared.contracts.events import Language

app = typer.Typer()
_FORMATS: Final = ("csv", "xlsx", "json")
_TO: Final = "File to write, FILE.csv or FILE.xlsx for a spreadsheet."
Output = Annotated[Path | None, typer.Option("--output", "-o", help=_TO)]
Heads = Annotated[Language | None, typer.Option(help="Heads the columns in it; else by their names.")]
_KOREAN: Final[Mapping[str, str]] = {
    "Pledges, in won": "구매 약정, 단위 원",
    "institution": "기관 코드",
    "product": "제품명",
    "pledged": "약정액",
    "awarded": "배정액",
    "contracted": "계약액",
    "left": "약정 잔액",
    "overdue": "보고 기한 경과",
    "awarded (won)": "배정 금액(원)",
    "contracted (won)": "계약 금액(원)",
    "state": "상태",
    "due on": "보고 기한",
    "reason": "미구매 사유",
}
_STATES: Final[Mapping[str, str]] = {
    "open": "보고 대기",
    "contracted": "계약",
    "not-purchased": "미구매",
    "overdue": "보고 기한 경과",
}
"""Of awards, in Korean."""


@app.command()
def pack(
    round_id: Round,
    application: Annotated[str, typer.Argument(help="The application of the selected product.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="As a PDF, with the JSON attached.")] = False,
    language: Annotated[Language, typer.Option(help="Of the PDF.")] = Language.KO,
    epoch: Annotated[int | None, typer.Option(help="Of an earlier result; else the newest.")] = None,
    key: Annotated[str | None, typer.Option(help="Of the link an award was told with; else by the token.")] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """What the purchasing officer files of a selected product: findings, position, proofs, the note on immunity."""
    asked = {"format": "pdf" if pdf else "json", "language": language.value, "epoch": epoch, "key": key}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    bearer = None if key else operator_token(token, url)
    name = f"{round_id}-{application}.pack.{'pdf' if pdf else 'json'}"
    path = f"/rounds/{round_id}/packs/{application}?{query}"
    target, size = download(path, output, name, url=url, token=bearer)
    check = "pack.json is attached to it" if pdf else f"check it with `firstbuy verify pack {target}`"
    console.print(f"{target}: {size:,} bytes; {check}")


@app.command("results")
def list_results(
    round_id: Round,
    output: Annotated[Path, typer.Option("--output", "-o", help=_TO)],
    epoch: Annotated[int | None, typer.Option(help="Of an earlier result; else the newest.")] = None,
    language: Heads = None,
    url: Url = None,
) -> None:
    """Every application of a confirmed result, as a table: names of the selected alone."""
    _write(f"/rounds/{round_id}/results", output, language, url, epoch=epoch)


def pledges(
    round_id: Round, output: Output = None, language: Heads = None, url: Url = None, as_json: AsJson = False
) -> None:
    """What each institution pledged; what is awarded, contracted, left and overdue. --url names selection here."""
    path = f"/rounds/{round_id}/pledges"
    if output is not None:
        _write(path, output, language, url)
        return
    rows = ask("GET", path, url=url, service="selection")
    if as_json:
        print_json(rows)
        return
    heads = _said(language, "institution", "pledged", "awarded", "contracted", "left", "overdue")
    table = Table(heads[0], title=_said(language, "Pledges, in won")[0], box=box.SIMPLE)
    for head in heads[1:]:
        table.add_column(head, justify="right")
    for row in rows:
        amounts = [f"{row[f'{name}_won']:,}" for name in ("pledge", "awarded", "contracted", "left")]
        if row["pledge_won"]:
            amounts[1] += f" ({row['awarded_won'] / row['pledge_won']:.0%})"
        overdue = f"{row['overdue']}: {row['overdue_won']:,}" if row["overdue"] else "–"
        table.add_row(row["institution"], *amounts, overdue)
    console.print(table)


def purchases(
    round_id: Round, output: Output = None, language: Heads = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Every award and what became of it: contracted, not purchased and why, open, or overdue. --url names selection."""
    path = f"/rounds/{round_id}/purchases"
    if output is not None:
        _write(path, output, language, url)
        return
    shown = ask("GET", path, url=url, service="selection")
    if as_json:
        print_json(shown)
        return
    heads = "institution", "product", "awarded (won)", "state", "due on", "contracted (won)", "reason"
    table = Table(*_said(language, *heads))
    for purchase in shown["purchases"]:
        contracted = "–" if purchase["contracted_won"] is None else f"{purchase['contracted_won']:,}"
        state = _STATES.get(purchase["state"], purchase["state"]) if language is Language.KO else purchase["state"]
        cells = f"{purchase['awarded_won']:,}", state, purchase["due_on"] or "–", contracted, purchase["reason"] or ""
        table.add_row(purchase["institution"], purchase["product"], *cells)
    console.print(table)


def _said(language: Language | None, *words: str) -> list[str]:
    return [_KOREAN[word] if language is Language.KO else word for word in words]


def _write(path: str, output: Path, language: Language | None, url: str | None, **asked: int | None) -> None:
    """As the file's name ends."""
    kind = output.suffix.removeprefix(".").lower()
    if kind not in _FORMATS:
        fail(f"{output}: end its name in .csv or .xlsx (or .json)", 2)
    query = {"format": kind, "language": language.value if language else None, **asked}
    stated = urlencode({name: value for name, value in query.items() if value is not None})
    target, size = download(f"{path}?{stated}", output, output.name, url=url, token=None)
    console.print(f"{target}: {size:,} bytes")

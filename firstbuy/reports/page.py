"""The bones of a page: one file with its style inside, sections, tables, moments in Korean time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from html import escape
from pathlib import Path
from typing import Any, Final

_KST: Final = timezone(timedelta(hours=9))
_STYLE: Final = Path(__file__).with_name("report.css")


def page(title: str, body: str) -> str:
    style = _STYLE.read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="ko"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def section(ko: str, en: str, body: str, css: str = "") -> str:
    return f'<section class="{css}"><h2>{escape(ko)} <small>{escape(en)}</small></h2>{body}</section>'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, sums: int = 0, css: str = "") -> str:
    """Cells are text; the last `sums` rows are set apart."""
    listed = list(rows)
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr{' class=sum' if number >= len(listed) - sums else ''}>"
        + "".join(f"<td>{escape(f'{cell:,}' if isinstance(cell, int) else str(cell))}</td>" for cell in row)
        + "</tr>"
        for number, row in enumerate(listed)
    )
    top = f"<thead><tr>{heads}</tr></thead>" if head else ""
    named = ", ".join(cell for cell in head if cell) or "표 · table"
    return scrolling(f'<table class="{css}">{top}<tbody>{body}</tbody></table>', named)


def scrolling(wide: str, name: str) -> str:
    """Scrolls within itself on a narrow screen, with the keyboard too."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(name)}">{wide}</div>'


def kst(moment: str, *, seconds: bool = False) -> str:
    shown = datetime.fromisoformat(moment).astimezone(_KST)
    return shown.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")

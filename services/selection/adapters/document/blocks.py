"""The blocks of a document, which `pack.typ` lays out."""

from collections.abc import Sequence
from typing import Any

Cell = str | dict[str, str]
Block = dict[str, Any]


def mono(text: str) -> Cell:
    """Fixed-width text that may break at any character."""
    return {"mono": text}


def facts(rows: Sequence[tuple[str, Cell]]) -> Block:
    """Rows of label and value."""
    return {"kind": "facts", "rows": [list(row) for row in rows]}


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    widths: Sequence[int],
    right: Sequence[int] = (),
    total: bool = False,
) -> Block:
    """A table. `widths`: relative; `right`: columns aligned right; `total`: the last row is a total."""
    return {
        "kind": "table",
        "heads": list(heads),
        "rows": [list(row) for row in rows],
        "widths": list(widths),
        "right": list(right),
        "total": total,
    }


def paragraphs(*texts: str, strong: bool = False) -> Block:
    return {"kind": "paragraphs", "texts": list(texts), "strong": strong}


def items(texts: Sequence[str]) -> Block:
    return {"kind": "items", "texts": list(texts)}


def quote(text: str, source: str) -> Block:
    return {"kind": "quote", "text": text, "source": source}


def step(words: str, *lines: str) -> Block:
    """An instruction and its commands."""
    return {"kind": "step", "words": words, "lines": list(lines)}

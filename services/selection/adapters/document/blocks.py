"""What a document is laid out of; `pack.typ` knows how each is set."""

from collections.abc import Sequence
from typing import Any

Cell = str | dict[str, str]
Block = dict[str, Any]


def mono(text: str) -> Cell:
    """In a fixed width, broken wherever its line ends."""
    return {"mono": text}


def facts(rows: Sequence[tuple[str, Cell]]) -> Block:
    return {"kind": "facts", "rows": [list(row) for row in rows]}


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    widths: Sequence[int],
    right: Sequence[int] = (),
    total: bool = False,
) -> Block:
    """`widths` in proportion; `right`: columns of numbers; `total`: the last row is one."""
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
    """What to do, and the commands that do it."""
    return {"kind": "step", "words": words, "lines": list(lines)}

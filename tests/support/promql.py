"""Which series and labels a PromQL expression names. promtool says whether it is one; this says what it needs."""

import re
from dataclasses import dataclass
from typing import Final

_TOKENS: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d[\w.]*)|(?P<name>[A-Za-z_:][\w:]*)|(?P<mark>[^\s\w])"""
)
_GROUPING: Final = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS: Final = {"and", "or", "unless", "bool", "offset", "Inf", "inf", "NaN"}


@dataclass(frozen=True, slots=True)
class Named:
    """What an expression names: series with the labels matched on them, labels grouped by, functions."""

    series: tuple[tuple[str, tuple[str, ...]], ...]
    grouped: frozenset[str]
    functions: frozenset[str]


def named(expression: str) -> Named:
    """Reads one expression."""
    tokens = [(str(found.lastgroup), found.group()) for found in _TOKENS.finditer(expression)]
    marks = [text if kind == "mark" else "" for kind, text in tokens] + [""]
    series: list[tuple[str, tuple[str, ...]]] = []
    grouped: set[str] = set()
    functions: set[str] = set()
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        after = marks[at + 1]
        at += 1
        if text == "[":
            at = marks.index("]", at) + 1
        elif kind != "name" or text in _WORDS:
            continue
        elif text in _GROUPING and after == "(":
            ends = marks.index(")", at)
            grouped |= {name for of, name in tokens[at:ends] if of == "name"}
            at = ends
        elif after == "(" or (at < len(tokens) and tokens[at][1] in _GROUPING):  # sum(…), sum by (…) (…)
            functions.add(text)
        elif after == "{":
            ends = marks.index("}", at)
            series.append((text, tuple(name for of, name in tokens[at:ends] if of == "name")))
            at = ends
        elif text not in _GROUPING:
            series.append((text, ()))
    functions -= _GROUPING
    return Named(tuple(series), frozenset(grouped), frozenset(functions))

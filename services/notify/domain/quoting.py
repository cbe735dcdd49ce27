"""Quotes other people's text in our mails: short, on one line, and without anything a mail program turns into a link.

Anybody can enter any address with any text, so every value of a template is quoted unless it is marked as `Ours`. The
template adds the quotation marks; quoted text has none that would end them.

Links are broken where mail programs look for them; all other text stays as it is:

- the dot before two letters or more, since no top-level domain has fewer: `v2.0`, `3.5` and `A.I.` stand. Before Hangul
  only where that is a top-level domain, since many write no space after a full stop;
- the last dot of four numbers, `://`, the colon of schemes that need no slashes, and an @ inside a word.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

LONGEST: Final = 100
LONGEST_NAME: Final = 40
LONGEST_REASON: Final = 10_000
"""For reasons by officers, who may quote an applicant: whoever is decided against reads all of it."""

_DOT: Final = "[.\u2024\u3002\uff0e\uff61]"
"""IDNA (RFC 3490) accepts more characters than the full stop as a dot."""
_LINKS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), broken)
    for pattern, broken in (
        (rf"(?<=\S)(?<!{_DOT})({_DOT})(?=[^\W\d_가-힣]{{2}}|한국|닷컴|닷넷|삼성)", r"[\1]"),
        (rf"(?<=www)({_DOT})", r"[\1]"),
        (rf"(\d{_DOT}\d+{_DOT}\d+)({_DOT})(?=\d)", r"\1[\2]"),
        (r"[:：](?=[/／\\])", "[:]"),
        (r"\b(mailto|tel|sms|callto|skype|data|file|javascript|vbscript)[:：](?=\S)", r"\1[:]"),
        (r"(?<=\S)([@＠])(?=\S)", r"[\1]"),
    )
)
_SUSPECT: Final = re.compile(rf"{_DOT}|[:：@＠\"“”„‟「」『』]")
"""Text without one of these has neither link nor quotation mark: a fast path, since most text has none."""
_MARKS: Final = str.maketrans(dict.fromkeys('"“”„‟「」『』', "'"))
_UNSEEN: Final = frozenset({"Cf", "Cs", "Co", "Cn"})
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})


class Ours(str):
    """Text written by us or the round's officers, or already quoted."""

    __slots__ = ()


def quoted(text: str, longest: int = LONGEST) -> Ours:
    """At most `longest` characters, safe between quotation marks."""
    line = " ".join((text if text.isprintable() else _seen(text)).split())
    if _SUSPECT.search(line):
        line = line.translate(_MARKS)
        for link, broken in _LINKS:
            line = link.sub(broken, line)
    return Ours(line if len(line) <= longest else line[: longest - 1].rstrip() + "…")


def _seen(text: str) -> str:
    """The text without invisible characters, such as those that change the reading direction."""
    return "".join(
        " " if category in _BREAKS else character
        for character in text
        if (category := unicodedata.category(character)) not in _UNSEEN
    )


def shown(value: Any) -> Any:
    """The value for a template, with every text in it quoted that is not `Ours`."""
    match value:
        case Ours() | Enum():
            return value
        case str():
            return quoted(value)
        case Mapping():
            return {name: shown(item) for name, item in value.items()}
        case list() | tuple():
            return [shown(item) for item in value]
        case _:
            return value

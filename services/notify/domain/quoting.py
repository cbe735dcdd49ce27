"""Text of others in mails of ours: short, on one line, and nothing that a mail program makes a link of.

Anybody can enter any address with any text, so whatever a template is given is quoted unless it is marked as ours. The
quotation marks are the template's; the text has none that would end them.

A link is broken where mail programs look for one, and all other text stays as it is:

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
"""Of officers, who may quote an applicant: whoever is decided against reads all of it."""

_DOT: Final = "[.\u2024\u3002\uff0e\uff61]"
"""IDNA (RFC 3490) takes more than the full stop for one."""
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
"""Without one of these there is neither a link nor a mark: most text has none, and a rush has much of it."""
_MARKS: Final = str.maketrans(dict.fromkeys('"“”„‟「」『』', "'"))
_UNSEEN: Final = frozenset({"Cf", "Cs", "Co", "Cn"})
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})


class Ours(str):
    """Text that we, or the round's officers, wrote for mails; or that was quoted."""

    __slots__ = ()


def quoted(text: str, longest: int = LONGEST) -> Ours:
    """At most `longest` characters of it, to be set between quotation marks."""
    line = " ".join((text if text.isprintable() else _seen(text)).split())
    if _SUSPECT.search(line):
        line = line.translate(_MARKS)
        for link, broken in _LINKS:
            line = link.sub(broken, line)
    return Ours(line if len(line) <= longest else line[: longest - 1].rstrip() + "…")


def _seen(text: str) -> str:
    """Without what is not seen: what turns the reading direction, or hides between letters."""
    return "".join(
        " " if category in _BREAKS else character
        for character in text
        if (category := unicodedata.category(character)) not in _UNSEEN
    )


def shown(value: Any) -> Any:
    """What a template may be given, with every text in it that is not ours quoted."""
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

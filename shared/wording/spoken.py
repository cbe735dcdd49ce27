"""The language of a request (RFC 9110 §12.5.4): read once, and known wherever its answer is made.

Messages are raised in English and translated where they are shown (`shared.wording.in_korean`).
"""

from collections.abc import Iterable
from contextvars import ContextVar
from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.contracts.events import Language

_HEADER: Final = b"accept-language"
_LONGEST: Final = 1000
_ANY: Final = "*"
_current: ContextVar[Language] = ContextVar("language", default=Language.EN)


def current() -> Language:
    """The language of the current request; English by default."""
    return _current.get()


def speak(language: Language) -> None:
    """Sets the language for this task and the tasks it starts."""
    _current.set(language)


class Spoken:
    """ASGI middleware that sets the language of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            speak(language_of(scope["headers"]))
        await self._app(scope, receive, send)


def language_of(headers: Iterable[tuple[bytes, bytes]]) -> Language:
    """The language of a request, by its headers with lower-case names."""
    header = b",".join(value for name, value in headers if name == _HEADER)
    return accepted(header.decode("latin-1")) if 0 < len(header) <= _LONGEST else Language.EN


@lru_cache(maxsize=256)
def accepted(header: str) -> Language:
    """The supported language that `Accept-Language` prefers; the first of equals. English if it names none or is
    unreadable."""
    weights: dict[str, float] = {}
    for option in header.split(","):
        if not option.strip():
            continue
        wanted, _, weight = option.partition(";")
        tag, quality = wanted.strip().lower(), _quality(weight)
        if quality is None or not _is_range(tag):
            return Language.EN
        primary = tag.partition("-")[0]
        weights[primary] = max(quality, weights.get(primary, 0.0))
    others = weights.get(_ANY, 0.0)
    order = [*(Language(tag) for tag in weights if tag in set(Language)), Language.EN, Language.KO]
    best = max(order, key=lambda language: weights.get(language.value, others))
    return best if weights.get(best.value, others) > 0 else Language.EN


def _is_range(tag: str) -> bool:
    subtags = tag.split("-")
    return tag == _ANY or (
        subtags[0].isalpha() and all(subtag.isascii() and subtag.isalnum() and len(subtag) <= 8 for subtag in subtags)
    )


def _quality(weight: str) -> float | None:
    """The weight of `q=0.8`; 1 if empty, None if malformed."""
    if not weight.strip():
        return 1.0
    name, _, value = weight.partition("=")
    whole, _, decimals = value.strip().partition(".")
    if name.strip().lower() != "q" or whole not in ("0", "1") or len(decimals) > 3:
        return None
    if decimals and not (decimals.isascii() and decimals.isdecimal()):
        return None
    quality = float(f"{whole}.{decimals or 0}")
    return quality if quality <= 1 else None

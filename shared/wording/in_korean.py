"""Translates messages into Korean, by the English sentence in the code.

The tables in `shared/wording/korean` have a line per sentence, with places in braces, and its Korean sentence with the
same places. `{round}` is a value, `{status~}` is a value that is itself translated, and `{:은/는}` is the particle that
follows the text before it. Sentences without a line stay English; `tests/unit/test_korean_messages.py` finds every
sentence that the code can produce. Matching takes time linear in the message's length.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Final

from shared.contracts.events import Language, Reason
from shared.wording.particles import particle
from shared.wording.spoken import current

TABLES: Final = Path(__file__).parent / "korean"
_DEEPEST: Final = 3
_LOOKED_UP: Final = "~"
_SAYS_LITTLE: Final = 6
"""A template with at most this many letters of its own matches only values without blanks: `{name} is {value}` would
match too much."""


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence as `pieces` with values between them: one piece more than there are `places`."""

    pieces: tuple[str, ...]
    places: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Template":
        """Parses a sentence with places in braces."""
        pieces, places = [""], []
        for literal, name, _, _ in Formatter().parse(text):
            pieces[-1] += literal
            if name is not None:
                places.append(name)
                pieces.append("")
        return cls(tuple(pieces), tuple(places))

    @property
    def weight(self) -> int:
        """The number of characters that are not values."""
        return sum(map(len, self.pieces))

    def values_in(self, text: str) -> list[str] | None:
        """The values in the text, each as short as possible except the last; None if the text does not match."""
        first, last = self.pieces[0], self.pieces[-1]
        end = len(text) - len(last)
        if len(first) > end or not text.startswith(first) or not text.endswith(last):
            return None
        values, at = [], len(first)
        for piece in self.pieces[1:-1]:
            index = text.find(piece, at, end)
            if index < 0:
                return None
            values.append(text[at:index])
            at = index + len(piece)
        values.append(text[at:end])
        if self.weight <= _SAYS_LITTLE and any(
            " " in value for place, value in zip(self.places, values, strict=True) if not place.endswith(_LOOKED_UP)
        ):
            return None
        return values


@dataclass(frozen=True, slots=True)
class _Korean:
    parts: tuple[tuple[str, str | None, str], ...]

    def said(self, values: Mapping[str, str]) -> str:
        text = ""
        for literal, place, particles in self.parts:
            text += literal
            if place:
                text += values[place]
            elif place is not None:
                text += particle(text, particles)
        return text


@dataclass(frozen=True, slots=True)
class _Tables:
    whole: Mapping[str, str]
    """Sentences without places."""
    templates: tuple[tuple[Template, _Korean], ...]
    """Ordered by weight, the heaviest first."""


@cache
def lines() -> Mapping[str, str]:
    """All lines of the tables. Raises ValueError if a sentence is in two tables."""
    translated: dict[str, str] = {}
    for path in sorted(TABLES.glob("*.toml")):
        for english, korean in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if english in translated:
                raise ValueError(f"{path.name}: '{english}' stands in another table too")
            translated[english] = korean
    return translated


@cache
def _tables() -> _Tables:
    whole: dict[str, str] = {}
    templates = []
    for english, korean in lines().items():
        template = Template.of(english)
        translation = _Korean(
            tuple((literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(korean))
        )
        if template.places:
            templates.append((template, translation))
        else:
            whole[template.pieces[0]] = translation.said({})
    return _Tables(whole, tuple(sorted(templates, key=lambda entry: -entry[0].weight)))


def in_korean(english: str) -> str:
    """The Korean sentence; the English one if no line has it."""
    return _found(english, 0).text


@dataclass(frozen=True, slots=True)
class _Found:
    """A translation. `weight`: how many English characters are ours, not values."""

    text: str
    weight: int


def _found(english: str, depth: int) -> _Found:
    """The translation by the matching line with the greatest weight, translated values included."""
    tables = _tables()
    if english in tables.whole:
        return _Found(tables.whole[english], len(english))
    best = _Found(english, 0)
    for template, korean in tables.templates:
        values = template.values_in(english)
        if values is not None:
            filled = _filled(template, korean, values, depth)
            best = filled if filled.weight > best.weight else best
    return best


def _filled(template: Template, korean: _Korean, values: Sequence[str], depth: int) -> _Found:
    weight, shown = template.weight, {}
    for place, value in zip(template.places, values, strict=True):
        inner = _found(value, depth + 1) if place.endswith(_LOOKED_UP) and depth < _DEEPEST else _Found(value, 0)
        shown[place] = inner.text
        weight += inner.weight
    return _Found(korean.said(shown), weight)


def said(english: str, language: Language | None = None) -> str:
    """The message in the language; by default in the request's."""
    return in_korean(english) if (language or current()) is Language.KO else english


def told(reasons: Iterable[Reason], language: Language | None = None) -> list[dict[str, Any]]:
    """Reasons for an answer, translated. Codes and pointers are the same in every language."""
    return [told_again(reason.model_dump(), language) for reason in reasons]


def told_again(reason: Mapping[str, Any], language: Language | None = None) -> dict[str, Any]:
    """A stored reason for an answer, translated."""
    return {**reason, "detail": said(reason["detail"], language), "fix": said(reason["fix"], language)}

"""The texts of the document in one language, with places for values."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.contracts.events import Language

_FOLDER: Final = Path(__file__).parent


class Words:
    """Looks up texts by `section.name`."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = texts(language)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The text of `section.name` with its places filled. Raises KeyError for an unknown text."""
        return self._texts[key].format(**values)


@cache
def texts(language: Language) -> dict[str, str]:
    """Every text by `section.name`."""
    sections = tomllib.loads((_FOLDER / f"words.{language.value}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": text for section, named in sections.items() for name, text in named.items()}

"""Every text of the pages, one table per language; a test holds both to the same keys and the same places."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from shared.contracts.events import Language
from shared.programme.working_days import KST
from shared.wording.written import day, stated_day, won

_FOLDER: Final = Path(__file__).parents[1] / "texts"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language, by dotted key."""

    language: Language
    table: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> str:
        """The text, with `{name}` filled in. Raises KeyError for an unknown key or a missing value."""
        return self.table[key].format(**values) if values else self.table[key]

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.table

    def money(self, amount: int) -> str:
        """An amount as people say it: in Korean in 억 and 만, where it has such."""
        if self.language is not Language.KO or amount < _MAN:
            return won(amount, self.language)
        return f"{reading(amount)}원"

    def day(self, when: date | datetime | str) -> str:
        """A day; a text is `YYYY-MM-DD`."""
        return stated_day(when, self.language) if isinstance(when, str) else day(when, self.language)

    def minute(self, when: datetime) -> str:
        """A moment to the minute, with the zone."""
        there = when.astimezone(KST)
        return f"{day(there, self.language)} {there:%H:%M} {self('zone')}"

    def second(self, when: datetime) -> str:
        """A moment to the second, with the zone."""
        there = when.astimezone(KST)
        return f"{day(there, self.language)} {there:%H:%M:%S} {self('zone')}"


_MAN: Final = 10_000
_EOK: Final = 100_000_000


def reading(amount: int) -> str:
    """A number in 억 and 만: 1억 2,000만."""
    eok, rest = divmod(amount, _EOK)
    man, ones = divmod(rest, _MAN)
    parts = [f"{eok:,}억"] if eok else []
    parts += [f"{man:,}만"] if man else []
    parts += [f"{ones:,}"] if ones or not parts else []
    return " ".join(parts)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        found |= _flat(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return found


TEXTS: Final = {
    language: Texts(language, _flat(tomllib.loads((_FOLDER / f"{language.value}.toml").read_text(encoding="utf-8"))))
    for language in Language
}

"""Templates in, texts out: a notice's subject and body in the language of its addressee. Compiled once, at the start.

`templates/<kind>/{subject.<language>.txt, body.<language>.txt, body.<language>.html}`; what several kinds share is
under `templates/shared/`. HTML is escaped; a value a template names and nobody gives is an error, not an empty place.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from services.notify.domain.notices import MAILED
from shared.contracts.events import Language
from shared.working_days import KST, korean_date

TEMPLATES: Final = Path(__file__).parent / "templates"
NOTICE_NAMES: Final = ("appeal", "contact")
"""Names of a policy's `notices` that templates use, as `notices.<name>`; empty where the policy says nothing of it."""
_TURNING_TEXT: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Templates:
    subject: Template
    text: Template
    html: Template


class Renderer:
    def __init__(self, kinds: Iterable[str] = MAILED, folder: Path = TEMPLATES) -> None:
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        environment.filters |= {"won": won, "moment": moment, "day": day, "date": stated_day}
        self._templates = {
            (kind, language): _Templates(
                *(
                    environment.get_template(f"{kind}/{part}")
                    for part in (f"subject.{language}.txt", f"body.{language}.txt", f"body.{language}.html")
                )
            )
            for kind in kinds
            for language in Language
        }

    def render(self, kind: str, language: Language, values: Mapping[str, Any]) -> Rendered:
        templates = self._templates[kind, language]
        return Rendered(
            one_line(templates.subject.render(values)),
            templates.text.render(values).strip() + "\n",
            templates.html.render(values),
        )


def one_line(text: str) -> str:
    """For a header: no control character, no line end of any alphabet, nothing that turns the reading direction."""
    kept = "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in text
        if character not in _TURNING_TEXT
    )
    return " ".join(kept.split())


def won(amount: int, language: Language) -> str:
    return f"{amount:,}원" if language is Language.KO else f"KRW {amount:,}"


def moment(stated: str | datetime, language: Language) -> str:
    """To the second, in Korean time, which has no summer time."""
    when = (datetime.fromisoformat(stated) if isinstance(stated, str) else stated).astimezone(KST)
    if language is Language.KO:
        return f"{when.year}년 {when.month}월 {when.day}일 {when:%H:%M:%S} (한국시간)"
    return f"{when.day} {when:%B %Y, %H:%M:%S} (Korean time)"


def stated_day(stated: str, language: Language) -> str:
    """A day that an event states."""
    return day(date.fromisoformat(stated), language)


def day(when: date | datetime, language: Language) -> str:
    """A day, or the day of a moment in Korea."""
    if isinstance(when, datetime):
        when = korean_date(when)
    return f"{when.year}년 {when.month}월 {when.day}일" if language is Language.KO else f"{when.day} {when:%B %Y}"

"""Templates in, texts out: a notice's subject and body in the language of its addressee. Compiled once, at the start.

`templates/<name>/{subject.<language>.txt, body.<language>.txt, body.<language>.html}`; what several kinds share is
under `templates/shared/`. HTML is escaped; a value a template names and nobody gives is an error, not an empty place.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from services.notify.domain import notices
from services.notify.domain.quoting import shown
from shared.contracts.events import Language
from shared.wording.particles import particle
from shared.wording.written import day, moment, one_line, stated_day, won

_EMPTY_LINES: Final = re.compile(r"\n{3,}")
TEMPLATES: Final = Path(__file__).parent / "templates"
NOTICE_NAMES: Final = ("appeal", "contact")
"""Names of a policy's `notices` that templates use, as `notices.<name>`; empty where the policy says nothing of it."""

SUBJECT_NAMES: Final = ("kind", "round_title", "reference", "version", "reserve_position", "count")
"""All that a subject may name: nothing that an applicant wrote, since it goes to whatever address was entered."""


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
    def __init__(self, names: Iterable[str] = (*dict.fromkeys(notices.TEMPLATES.values()), notices.GATHERED)) -> None:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        environment.filters |= {"won": won, "moment": moment, "day": day, "date": stated_day, "particle": particle}
        self._templates = {
            (name, language): _Templates(
                *(
                    environment.get_template(f"{name}/{part}")
                    for part in (f"subject.{language}.txt", f"body.{language}.txt", f"body.{language}.html")
                )
            )
            for name in names
            for language in Language
        }

    def render(self, name: str, language: Language, values: Mapping[str, Any]) -> Rendered:
        """What is not marked as ours is quoted here, whatever the template does; a subject has no such text at all."""
        return self._rendered(name, language, shown(values))

    def subject(self, name: str, language: Language, values: Mapping[str, Any]) -> str:
        return self._subject(self._templates[name, language], shown(values))

    def render_gathered(
        self, language: Language, values: Mapping[str, Any], notices_said: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> Rendered:
        """One mail of the subjects and contents of several, each its template's name and values."""
        parts = [self._part(name, language, shown(own)) for name, own in notices_said]
        return self._rendered(notices.GATHERED, language, shown(values) | {"said": parts})

    def _rendered(self, name: str, language: Language, values: Mapping[str, Any]) -> Rendered:
        templates = self._templates[name, language]
        return Rendered(
            self._subject(templates, values),
            _spaced(templates.text.render(values)) + "\n",
            templates.html.render(values),
        )

    def _part(self, name: str, language: Language, values: Mapping[str, Any]) -> dict[str, Any]:
        templates = self._templates[name, language]
        return {
            "subject": self._subject(templates, values),
            "text": _spaced(_content(templates.text, values)),
            "html": _content(templates.html, values),
            "application": values["application"],
        }

    def _subject(self, templates: _Templates, values: Mapping[str, Any]) -> str:
        return one_line(templates.subject.render({name: values[name] for name in SUBJECT_NAMES if name in values}))


def _spaced(text: str) -> str:
    """With one empty line at most between its paragraphs, whatever of them the template leaves out."""
    return _EMPTY_LINES.sub("\n\n", text).strip()


def _content(template: Template, values: Mapping[str, Any]) -> str:
    """What it says, without what is around it in a mail of its own."""
    return "".join(template.blocks["content"](template.new_context(dict(values))))

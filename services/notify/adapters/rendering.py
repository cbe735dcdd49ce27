"""Renders a notice's subject and bodies in the language of its addressee. Templates are compiled once, at the start.

Files: `templates/<name>/{subject.<language>.txt, body.<language>.txt, body.<language>.html}`; what several kinds share
is in `templates/shared/`. HTML is escaped; a missing value is an error, not an empty place.
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
"""The policy's own `notices` that templates use, as `notices.<name>`; empty if the policy does not have one."""

SUBJECT_NAMES: Final = ("kind", "round_title", "reference", "version", "reserve_position", "count")
"""All that a subject may name. Nothing an applicant wrote: the mail goes to whatever address was entered."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered notice."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Templates:
    subject: Template
    text: Template
    html: Template


class Renderer:
    """Renders notices by template name and language."""

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
        """Renders a notice. Text not marked as `Ours` is quoted, whatever the template does; subjects contain none."""
        return self._rendered(name, language, shown(values))

    def subject(self, name: str, language: Language, values: Mapping[str, Any]) -> str:
        """The subject alone."""
        return self._subject(self._templates[name, language], shown(values))

    def render_gathered(
        self, language: Language, values: Mapping[str, Any], notices_said: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> Rendered:
        """One mail with the subjects and contents of several notices, each given as (template name, values)."""
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
    """The text with at most one empty line between paragraphs, whichever of them the template leaves out."""
    return _EMPTY_LINES.sub("\n\n", text).strip()


def _content(template: Template, values: Mapping[str, Any]) -> str:
    """The `content` block, without the frame of a mail of its own."""
    return "".join(template.blocks["content"](template.new_context(dict(values))))

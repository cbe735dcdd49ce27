"""A draft of an application: what was typed so far, step by step, and whether it is complete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from services.portal.domain.asking import asked
from services.portal.domain.fields import CERTIFICATES, CONTACT, FIRM, PRODUCT, SUPPLY, TRACK, Field, Json, stated
from services.portal.domain.reading import Read, read

LONGEST_TEXT: Final = 12_000
"""Longest text of one field that is kept: longer than any that an application may have."""


class DraftStep(StrEnum):
    """The steps, in the order in which they are offered."""

    FIRM = "firm"
    PRODUCT = "product"
    CERTIFICATES = "certificates"
    DOCUMENTS = "documents"
    CONTACT = "contact"


FIELDS_OF: Final[Mapping[DraftStep, Sequence[Field]]] = {
    DraftStep.FIRM: (TRACK, *FIRM),
    DraftStep.PRODUCT: (*PRODUCT, *SUPPLY),
    DraftStep.CERTIFICATES: CERTIFICATES,
    DraftStep.DOCUMENTS: (),
    DraftStep.CONTACT: CONTACT,
}
FIELDS: Final = tuple(field for fields in FIELDS_OF.values() for field in fields)


class Progress(StrEnum):
    """How far a step is."""

    EMPTY = "empty"
    OPTIONAL = "optional"
    """Empty too, and nothing of it is needed."""
    BEGUN = "begun"
    DONE = "done"

    @property
    def suffices(self) -> bool:
        """Whether it can be sent so."""
        return self in {Progress.OPTIONAL, Progress.DONE}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a round needs of an application in a track: fields for these rules, documents of these kinds."""

    rules: frozenset[str]
    documents: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """How often a step was saved, and when the last time."""

    version: int
    at: datetime

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(stored["version"], datetime.fromisoformat(stored["at"]))

    def as_json(self) -> Json:
        return {"version": self.version, "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class Replaces:
    """The application, and its version, that the draft is to replace."""

    application: str
    version: int

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(stored["application"], stored["version"])

    def as_json(self) -> Json:
        return {"application": self.application, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is being sent, until there is an answer. The same body goes each time, so it is entered once at most.

    `read_at`: when it had been fully read here; `language`: of the answer.
    """

    body: Json
    read_at: datetime
    tried_at: datetime
    language: str

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        moments = {name: datetime.fromisoformat(stored[name]) for name in ("read_at", "tried_at")}
        return cls(body=stored["body"], language=stored["language"], **moments)

    def as_json(self) -> Json:
        moments = {"read_at": self.read_at.isoformat(), "tried_at": self.tried_at.isoformat()}
        return {"body": self.body, "language": self.language, **moments}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft. `refused`: what a service said against it when it was sent last; `application`: what it became;
    `documents`: those that it names, which intake holds under `upload_key`.
    """

    draft: str
    account: str
    round: str
    fields: Mapping[str, str]
    saved: Mapping[str, Saved]
    created_at: datetime
    saved_at: datetime
    upload_key: str
    documents: Sequence[Json] = ()
    replaces: Replaces | None = None
    sending: Sending | None = None
    refused: Mapping[str, Any] | None = None
    application: str | None = None

    def version(self, step: DraftStep) -> int:
        """How often the step was saved."""
        return self.saved[step].version if step in self.saved else 0

    def typed(self, step: DraftStep) -> dict[str, str]:
        """What was typed in a step."""
        return {field.name: self.fields[field.name] for field in FIELDS_OF[step] if field.name in self.fields}

    def read(self) -> Read:
        """How it is read as a whole."""
        return read(self.body(), self.fields, FIELDS)

    def body(self) -> Json:
        """What would be sent."""
        documents = {"documents": list(self.documents)} if self.documents else {}
        return stated(self.fields, FIELDS) | documents

    def lacking_documents(self, needs: Needs) -> list[str]:
        """Kinds of documents that are needed and not there."""
        there = {file["kind"] for file in self.documents}
        return [kind for kind in needs.documents if kind not in there]

    def progress(self, step: DraftStep, needs: Needs) -> Progress:
        """How far the step is, by what is needed."""
        if step is DraftStep.DOCUMENTS:
            lacking = self.lacking_documents(needs)
            if not self.documents:
                return Progress.EMPTY if lacking else Progress.OPTIONAL
            return Progress.BEGUN if lacking else Progress.DONE
        fields = asked(FIELDS_OF[step], needs.rules)
        typed = self.typed(step)
        if not any(typed.values()):
            return Progress.EMPTY if any(field.required for field in fields) else Progress.OPTIONAL
        seen = self.read()
        names = {field.name for field in fields}
        lacks = [field for field in fields if field.required and not typed.get(field.name, "").strip()]
        return Progress.BEGUN if lacks or names & (seen.wrong.keys() | seen.missing) else Progress.DONE

    def with_step(self, step: DraftStep, typed: Mapping[str, str], now: datetime) -> "Draft":
        """With the step's fields as they were typed."""
        own = {field.name for field in FIELDS_OF[step]}
        others = {name: value for name, value in self.fields.items() if name not in own}
        ours = {name: value[:LONGEST_TEXT] for name, value in typed.items() if name in own and value.strip()}
        saved = {**self.saved, step.value: Saved(self.version(step) + 1, now)}
        return replace(self, fields=others | ours, saved=saved, saved_at=now, refused=None)

    @property
    def title(self) -> str:
        """The product's name as typed; empty before it is."""
        return self.fields.get("product", "").strip()


def differing(saved: Mapping[str, str], typed: Mapping[str, str], step: DraftStep) -> dict[str, str]:
    """What is saved in the fields that were typed differently."""
    return {
        field.name: saved.get(field.name, "")
        for field in FIELDS_OF[step]
        if saved.get(field.name, "").strip() != typed.get(field.name, "").strip()
    }

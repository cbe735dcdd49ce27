"""Answers as people see them: what is wrong, as what it was read, and by the names of what was chosen."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.portal.domain.fields import Field, number_of
from services.portal.domain.reading import Read
from services.portal.domain.texts import Texts
from shared.wording.in_korean import said

_UNITS: Final = ((1024 * 1024, "megabytes"), (1024, "kilobytes"))


def wrong_of(seen: Read, fields: Sequence[Field], texts: Texts) -> dict[str, str]:
    """By field: what is wrong with it, and what to do."""
    found = {}
    for field in fields:
        label = texts(f"field.{field.label}")
        if reason := seen.wrong.get(field.name):
            detail, fix = said(reason.detail, texts.language), said(reason.fix, texts.language)
            found[field.name] = f"{label}: {detail.rstrip('.')}. {texts('check.fix')}: {fix}"
        elif field.name in seen.digits:
            found[field.name] = f"{label}: {texts('draft.wrong_digit')}"
    return found


def read_of(seen: Read, fields: Sequence[Field], typed: Mapping[str, str], texts: Texts) -> dict[str, str]:
    """By field: as what it was read, where that may be in doubt."""
    found = {}
    for field in fields:
        number = number_of(typed.get(field.name, "")) if field.kind == "money" else ""
        if isinstance(number, int):
            found[field.name] = texts.money(number)
        elif field.name in seen.read_as:
            found[field.name] = seen.read_as[field.name]
    return found


def rows_of(
    fields: Sequence[Field], typed: Mapping[str, str], seen: Read, choices: Mapping[str, Any], texts: Texts
) -> list[tuple[str, str, str]]:
    """What was stated: its label, the value, and for money its reading."""
    stated = [field for field in fields if typed.get(field.name, "").strip()]
    readings = read_of(seen, stated, typed, texts)
    return [
        (
            texts(f"field.{field.label}"),
            _shown(field, typed[field.name], seen, choices),
            readings.get(field.name, "") if field.kind == "money" else "",
        )
        for field in stated
    ]


def _shown(field: Field, typed: str, seen: Read, choices: Mapping[str, Any]) -> str:
    named = dict(choices.get(field.kind, ()))
    if field.kind == "regions":
        return ", ".join(named.get(each.strip(), each) for each in typed.split(",") if each.strip())
    return str(named.get(typed, seen.read_as.get(field.name, typed)))


def in_bytes(size: int, texts: Texts) -> str:
    """A size as people say it."""
    unit, name = next(((unit, name) for unit, name in _UNITS if size >= unit), (1, "bytes"))
    shown = f"{size / unit:.1f}".removesuffix(".0") if unit > 1 else f"{size:,}"
    return texts(f"documents.{name}", size=shown)


def files_of(
    documents: Sequence[Mapping[str, Any]], choices: Mapping[str, Any], texts: Texts
) -> list[tuple[str, str, str]]:
    """Documents as answers: kind, name, size."""
    named = dict(choices["document_kinds"])
    return [(named.get(file["kind"], file["kind"]), file["name"], in_bytes(file["bytes"], texts)) for file in documents]

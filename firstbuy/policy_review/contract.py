"""A document held against the contract it is written for: every field that is not as it says, with the fix; and what
the contract would make of the rest."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from firstbuy.policy_review.mending import follows_from_items, mended
from firstbuy.yaml_file import escaped
from shared.policies.problem import Problem
from shared.reading.document_read import read_document, reason_of
from shared.wording.in_korean import said

_WHOLE: Final = ("extra_forbidden", "unexpected_keyword_argument")


@dataclass(frozen=True, slots=True)
class Looked:
    """`value`: what the contract makes of it, with `touched`, by pointer, left out or stood in for; None where it can
    make nothing of it."""

    value: Any
    problems: tuple[Problem, ...] = ()
    touched: frozenset[str] = frozenset()
    read_as: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """A contract with its schema, by which its fields are explained."""

    adapter: TypeAdapter[Any]
    schema: dict[str, Any] = field(repr=False)

    def look(self, document: Any) -> Looked:
        """What the contract makes of a document, with every fault by its pointer."""
        seen = read_document(self.adapter, document)
        problems = [
            Problem(
                reason.pointer,
                reason.code,
                f"{_shown(_at(document, reason.pointer))}: {said(reason.detail)}",
                reason.fix,
            )
            for reason in (reason_of(at, wrong) for at, _, wrong in seen.wrong)
        ]
        touched = {problem.pointer for problem in problems}
        read_as = tuple(
            Problem(read.field, "read-as", f"{read.said} is read as {read.read}", f"write {read.read}")
            for read in seen.read_as
        )
        try:
            value = self.adapter.validate_python(seen.document, extra="forbid")
        except ValidationError as error:
            refused = _schema_problems(self, seen.document, error.errors(include_url=False))
            problems += [problem for problem in refused if problem.pointer not in touched]
            value, mended_at = mended(self.adapter, seen.document, self.at, lambda at, problem: _place(at, problem)[0])
            touched |= mended_at
        return Looked(value, tuple(problems), frozenset(touched), read_as)

    def at(self, pointer: str) -> dict[str, Any]:
        """The schema of what stands there."""
        return self._resolved(self._schema(pointer))

    def description(self, pointer: str) -> str:
        schema = self._schema(pointer)
        described = schema.get("description") or self._resolved(schema).get("description", "")
        return str(described).partition("\n")[0]

    def _schema(self, pointer: str) -> dict[str, Any]:
        schema: dict[str, Any] = self.schema
        for part in pointer.split("/")[1:]:
            schema = self._resolved(schema)
            schema = (
                schema.get("properties", {}).get(part) or schema.get("items") or schema.get("additionalProperties", {})
            )
        return schema if isinstance(schema, dict) else {}

    def _resolved(self, schema: Any) -> dict[str, Any]:
        if not isinstance(schema, dict):
            return {}
        schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
        if "$ref" in schema:
            return dict(self.schema["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        return dict(schema)


def _schema_problems(described: "Described", document: Any, errors: Sequence[Any]) -> list[Problem]:
    """One a field: where a field may be of several types, pydantic says what is wrong with each."""
    found: list[Problem] = []
    placed = [(_place(document, error), error) for error in errors if not follows_from_items(error)]
    placed.sort(key=lambda each: each[0][0])
    for pointer, group in groupby(placed, key=lambda each: each[0][0]):
        members = list(group)
        whole = [error for _, error in members if error["type"] in ("missing", *_WHOLE)]
        if len(members) > len(whole) + 1 or any(rest for (_, rest), _ in members):
            value = _at(document, pointer)
            fix = "give a whole number, a text in quotes, true, false, or a list of texts"
            found.append(Problem(pointer, "wrong-type", f"{_shown(value)} can't be used here", fix))
        else:
            found += [_schema_problem(described, document, pointer, error) for _, error in members]
    return found


def _place(document: Any, error: Mapping[str, Any]) -> tuple[str, bool]:
    """The pointer as far as the document goes (one step further for a missing field), and whether more was said of
    types beneath it."""
    value, pointer, location = document, "", error["loc"]
    for number, part in enumerate(location):
        there = (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int))
        if not there:
            named = error["type"] == "missing" and number == len(location) - 1
            return (f"{pointer}/{escaped(str(part))}", False) if named else (pointer, True)
        value, pointer = value[part], f"{pointer}/{escaped(str(part))}"
    return pointer, False


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _schema_problem(described: "Described", document: Any, pointer: str, error: Mapping[str, Any]) -> Problem:
    kind, name = error["type"], pointer.rpartition("/")[2]
    if kind == "missing":
        meant = described.description(pointer)
        fix = f"add it: {meant[0].lower()}{meant[1:]}" if meant else "add it"
        return Problem(pointer, "missing", f"{name} is missing", fix)
    if kind in _WHOLE:
        known = sorted(described.at(pointer.rpartition("/")[0]).get("properties", {}))
        near = difflib.get_close_matches(name, known, 1)
        fix = f"did you mean {near[0]}?" if near else f"drop it; here are {', '.join(known)}"
        return Problem(pointer, "unknown-field", f"there is no field {name} here", fix)
    detail = f"{_shown(_at(document, pointer))} can't be used here"
    return Problem(pointer, kind.replace("_", "-"), detail, _fix(kind, error))


def _fix(kind: str, error: Mapping[str, Any]) -> str:
    context = error.get("ctx", {})
    match kind:
        case "string_type":
            return "give a text; put it in quotes if YAML takes it for something else"
        case "int_type" | "int_parsing" | "int_from_float":
            return "give a whole number, without quotes or a fraction"
        case "bool_type" | "bool_parsing":
            return "give true or false"
        case "enum":
            return f"give {context['expected']}"
        case "string_pattern_mismatch":
            return f"write it in the form {context['pattern']}"
        case "greater_than_equal":
            return f"give {context['ge']} or more"
        case "less_than_equal":
            return f"give {context['le']} or less"
        case "too_short":
            return "list at least one"
        case "string_too_long":
            return f"shorten it to {context['max_length']} characters"
        case "tuple_type":
            return "give a list: [a, b], or one a line after a dash"
        case "mapping_type" | "dict_type" | "dataclass_type":
            return "give fields with their values"
    if kind.startswith("date"):
        return "give a day of the calendar as YYYY-MM-DD"
    return f"change it: {str(error['msg'])[0].lower()}{str(error['msg'])[1:]}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"

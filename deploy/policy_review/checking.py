"""Everything that is wrong with a policy file: the line, the field, what is wrong and how to mend it."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from pydantic import ValidationError

from deploy.policy_review.reading import NO_NAME, ReadFile, escaped, read
from services.notify.rendering import NOTICE_NAMES
from shared.canonical import NotCanonicalError, checked_canonical_json, json_hash
from shared.contracts.policy import POLICY, Policy
from shared.policies.problem import Problem
from shared.policies.soundness import problems_of, remarks_of

_SCHEMA: Final[dict[str, Any]] = POLICY.json_schema()
_WHOLE: Final = ("extra_forbidden", "unexpected_keyword_argument")


@dataclass(frozen=True, slots=True)
class Located:
    """A problem with the line of the file it stands on."""

    line: int
    pointer: str
    code: str
    detail: str
    fix: str


@dataclass(frozen=True, slots=True)
class Examined:
    """`policy` and the hash it would be opened under where it can be read; sound when there is no error."""

    errors: tuple[Located, ...]
    remarks: tuple[Located, ...] = ()
    policy: Policy | None = None
    policy_hash: str | None = None


def examine(text: str) -> Examined:
    file = read(text)
    if not isinstance(file.document, dict) or any(problem.code == NO_NAME for _, problem in file.problems):
        found = file.problems or ((1, Problem("", "no-policy", "this is no policy", "start from one we ship")),)
        return Examined(_located(file, (), found))
    try:
        policy = POLICY.validate_python(file.document, extra="forbid")
    except ValidationError as error:
        listed = error.errors(include_url=False)
        return Examined(_located(file, _schema_problems(file.document, listed), file.problems))
    errors = _located(file, problems_of(policy) or _not_canonical(policy), file.problems)
    if errors:
        return Examined(errors, (), policy)
    remarks = _located(file, (*remarks_of(policy), *_unused_notices(policy)), ())
    return Examined((), remarks, policy, policy_hash(policy))


def policy_hash(policy: Policy) -> str:
    """As intake hashes it when it announces a round under it."""
    return json_hash(POLICY.dump_python(policy, mode="json", exclude_none=True))


def _located(
    file: ReadFile, problems: Iterable[Problem], read_so: Iterable[tuple[int, Problem]]
) -> tuple[Located, ...]:
    found = [Located(file.line(one.pointer), one.pointer, one.code, one.detail, one.fix) for one in problems]
    found += [Located(line, one.pointer, one.code, one.detail, one.fix) for line, one in read_so]
    return tuple(sorted(found, key=lambda each: each.line))


def _not_canonical(policy: Policy) -> Iterable[Problem]:
    """Unsound in a way no rule asks about, such as a lone surrogate: it could not be hashed."""
    try:
        checked_canonical_json(POLICY.dump_python(policy, mode="json", exclude_none=True))
    except NotCanonicalError as error:
        yield Problem("", "not-canonical", str(error), "write plain text and whole numbers below 2^53")


def _unused_notices(policy: Policy) -> Iterable[Problem]:
    for name in policy.notices or ():
        if name not in NOTICE_NAMES:
            near = difflib.get_close_matches(name, NOTICE_NAMES, 1)
            fix = f"did you mean {near[0]}?" if near else f"name it {' or '.join(NOTICE_NAMES)}, or drop it"
            yield Problem(f"/notices/{escaped(name)}", "unused-notice", f"no notice uses the words {name}", fix)


def _schema_problems(document: Any, errors: Sequence[Any]) -> list[Problem]:
    """One a field: where a field may be of several types, pydantic says what is wrong with each."""
    found: list[Problem] = []
    placed = [(_place(document, error["loc"]), error) for error in errors if not _follows(error)]
    placed.sort(key=lambda each: each[0][0])
    for pointer, group in groupby(placed, key=lambda each: each[0][0]):
        members = list(group)
        whole = [error for _, error in members if error["type"] in ("missing", *_WHOLE)]
        if len(members) > len(whole) + 1 or any(rest for (_, rest), _ in members):
            value = _at(document, pointer)
            fix = "give a whole number, a text in quotes, true, false, or a list of texts"
            found.append(Problem(pointer, "wrong-type", f"{_shown(value)} can't be used here", fix))
        else:
            found += [_schema_problem(document, pointer, error) for _, error in members]
    return found


def _follows(error: Mapping[str, Any]) -> bool:
    """A list whose items can't be read counts as too short as well."""
    return error["type"] == "too_short" and bool(error["input"])


def _place(document: Any, location: Sequence[int | str]) -> tuple[str, bool]:
    """The pointer as far as the document goes (one step further for a missing field), and whether more was said of
    types beneath it."""
    value, pointer = document, ""
    for number, part in enumerate(location):
        there = (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int))
        if not there:
            last = number == len(location) - 1
            named = isinstance(value, dict) and last
            return (f"{pointer}/{escaped(str(part))}", False) if named else (pointer, True)
        value, pointer = value[part], f"{pointer}/{escaped(str(part))}"
    return pointer, False


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _schema_problem(document: Any, pointer: str, error: Mapping[str, Any]) -> Problem:
    kind, name = error["type"], pointer.rpartition("/")[2]
    if kind == "missing":
        described = _described(pointer)
        fix = f"add it: {described[0].lower()}{described[1:]}" if described else "add it"
        return Problem(pointer, "missing", f"{name} is missing", fix)
    if kind in _WHOLE:
        known = _known(pointer.rpartition("/")[0])
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


def _known(pointer: str) -> list[str]:
    return sorted(_schema_at(pointer).get("properties", {}))


def _described(pointer: str) -> str:
    return str(_schema_at(pointer).get("description", "")).partition("\n")[0]


def _schema_at(pointer: str) -> dict[str, Any]:
    schema = _SCHEMA
    for part in pointer.split("/")[1:]:
        schema = _resolved(schema)
        schema = schema.get("properties", {}).get(part) or schema.get("items") or schema.get("additionalProperties", {})
    return schema if "description" in schema else _resolved(schema)


def _resolved(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict):
        return {}
    schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    if "$ref" in schema:
        return dict(_SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    return dict(schema)

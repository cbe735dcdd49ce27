"""Institutions in a file: a round file, a YAML list, or CSV with
`institution,name,round,pledge_won,contact_name,contact_email,contact_language,webhook`."""

import csv
import json
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from shared.contracts.values import InstitutionCode

_CODE: TypeAdapter[str] = TypeAdapter(InstitutionCode)


class UnreadableListError(ValueError):
    """The file is no list of institutions; the message says where."""

    code = "unreadable-list"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is mailed what concerns the institution."""

    name: str
    email: str
    language: str = "ko"


@dataclass(frozen=True, slots=True)
class Listed:
    """What is to be known of an institution. `pledges`: won by round. Nothing stated of contacts or a webhook leaves
    them as they are."""

    code: str
    name: str | None = None
    pledges: dict[str, int] = field(default_factory=dict)
    contacts: tuple[Person, ...] = ()
    webhook: str | None = None


def person(stated: str, language: str = "ko") -> Person:
    """Of `Name <address>`. Raises ValueError."""
    name, address = parseaddr(stated)
    if not name or "@" not in address:
        raise ValueError(f"{stated!r}: write it as `Name <address>`")
    return Person(name, address, language)


def read_list(path: Path, round_id: str | None = None) -> list[Listed]:
    """In the file's order, each institution once: CSV may have a row for each of its pledges. Raises
    UnreadableListError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableListError(f"{path}: {error}") from error
    if path.suffix == ".csv":
        rows: list[Any] = list(csv.DictReader(text.splitlines()))
    else:
        rows, round_id = _yaml(path, text, round_id)
    found: dict[str, Listed] = {}
    for number, row in enumerate(rows, 1):
        try:
            one = _listed(row, round_id)
        except (KeyError, TypeError, ValueError) as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise UnreadableListError(f"{path}, institution {number}: {told}") from error
        before = found.get(one.code, Listed(one.code))
        found[one.code] = Listed(
            one.code,
            one.name or before.name,
            {**before.pledges, **one.pledges},
            (*before.contacts, *(each for each in one.contacts if each not in before.contacts)),
            one.webhook or before.webhook,
        )
    return list(found.values())


def _yaml(path: Path, text: str, round_id: str | None) -> tuple[list[Any], str | None]:
    try:
        document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableListError(f"{path} is no YAML: {error}") from error
    if isinstance(document, dict):
        stated = document.get("round")
        round_id = round_id or (stated.get("round") if isinstance(stated, dict) else stated)
        document = document.get("institutions")
    if not isinstance(document, list):
        raise UnreadableListError(f"{path} has no list of institutions")
    return document, round_id


def _listed(row: Any, round_id: str | None) -> Listed:
    if not isinstance(row, dict) or not isinstance(row.get("pledges") or {}, dict):
        raise ValueError("write it as `institution: CODE`, `name:`, and `pledges:` with `ROUND: WON`")
    if not row.get("institution"):
        raise ValueError("it has no `institution`: give its short lower-case code there")
    pledges = {str(key): _won("pledges", won) for key, won in (row.get("pledges") or {}).items()}
    if row.get("pledge_won") not in (None, ""):
        of = row.get("round") or round_id
        if not of:
            raise ValueError("a pledge is for a round: name it in the file or by --round")
        pledges[str(of)] = _won("pledge_won", row["pledge_won"])
    if any(won < 0 for won in pledges.values()):
        raise ValueError("a pledge is not negative")
    code, name = _CODE.validate_python(row["institution"]), row.get("name") or None
    return Listed(code, name, pledges, _contacts(row), row.get("webhook") or None)


def _contacts(row: dict[str, Any]) -> tuple[Person, ...]:
    if row.get("contact_email"):  # of CSV
        people: Any = [{key: row.get(f"contact_{key}") for key in ("name", "email", "language")}]
    else:
        people = row.get("contacts") or []
    if not isinstance(people, list):
        raise ValueError("`contacts` is a list of `name`, `email` and `language`")
    found = []
    for one in people:
        if not isinstance(one, dict) or not one.get("name") or "@" not in str(one.get("email")):
            raise ValueError(f"contacts has {one!r}: each needs its `name` and `email`")
        found.append(Person(str(one["name"]), str(one["email"]), str(one.get("language") or "ko")))
    return tuple(found)


def _won(name: str, stated: Any) -> int:
    try:
        return int(stated)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {stated!r}: write whole won in digits, such as 500000000") from None

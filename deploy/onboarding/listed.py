"""Institutions in a file: a round file, a YAML list, or CSV with `institution,name,round,pledge_won`."""

import csv
import json
from dataclasses import dataclass, field
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
class Listed:
    """What is to be known of an institution. `pledges`: won by round."""

    code: str
    name: str | None = None
    pledges: dict[str, int] = field(default_factory=dict)


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
        found[one.code] = Listed(one.code, one.name or before.name, {**before.pledges, **one.pledges})
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
    return Listed(_CODE.validate_python(row["institution"]), row.get("name") or None, pledges)


def _won(name: str, stated: Any) -> int:
    try:
        return int(stated)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {stated!r}: write whole won in digits, such as 500000000") from None

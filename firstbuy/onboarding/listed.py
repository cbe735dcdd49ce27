"""Institutions in a file: a round file, a YAML list, or CSV with the columns of `COLUMNS`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from firstbuy.yaml_file import ReadFile, read
from services.intake.adapters.spreadsheets.bounds import UnreadableFileError
from services.intake.adapters.spreadsheets.csv_file import decoded
from services.intake.adapters.spreadsheets.reading import csv_rows
from services.intake.domain.uploads.columns import plain
from shared.contracts.values import InstitutionCode
from shared.reading import as_written
from shared.reading.as_written import Wrong

COLUMNS: Final[Mapping[str, str]] = {
    "institution": "기관 코드",
    "name": "기관명",
    "round": "차수",
    "pledge_won": "약정액(원)",
    "contact_name": "담당자",
    "contact_email": "이메일",
    "contact_language": "언어",
    "webhook": "웹훅",
}
"""Of CSV, each with what it may be called in Korean."""
_CSV: Final = (".csv", ".tsv", ".txt")
_CODE: TypeAdapter[str] = TypeAdapter(InstitutionCode)
_HEADERS: Final = {plain(said): name for name, in_korean in COLUMNS.items() for said in (name, in_korean)}
_WRITE_WON: Final = "write whole won in digits, such as 500000000 or 500,000,000"


class UnreadableListError(ValueError):
    """The file is no list of institutions; the message says where, in a line for each error."""

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
        content = path.read_bytes()
        if path.suffix.lower() in _CSV:
            rows = list(_of_csv(path, content))
        else:
            rows, round_id = _of_yaml(path, content, round_id)
    except OSError as error:
        raise UnreadableListError(f"{path}: {error.strerror}") from error
    except UnreadableFileError as error:
        raise UnreadableListError(f"{path}: {error}: {error.fix}") from error
    found: dict[str, Listed] = {}
    wrong: list[str] = []
    for where, row in rows:
        try:
            line = _listed(row, round_id)
        except (KeyError, TypeError, ValueError) as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            wrong.append(f"{path}, {where}: {told}")
            continue
        before = found.get(line.code, Listed(line.code))
        found[line.code] = Listed(
            line.code,
            line.name or before.name,
            {**before.pledges, **line.pledges},
            (*before.contacts, *(each for each in line.contacts if each not in before.contacts)),
            line.webhook or before.webhook,
        )
    if wrong:
        raise UnreadableListError("\n".join(wrong))
    return list(found.values())


def _of_csv(path: Path, content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    rows = [row for row in csv_rows(content, lambda header: plain(header) in _HEADERS) if not _is_blank(row[1])]
    if not rows:
        raise UnreadableListError(f"{path} holds nothing: begin with a line of {', '.join(COLUMNS)}")
    (number, said), *below = rows
    while said and as_written.is_blank(said[-1]) and all(_is_blank(row[len(said) - 1 :]) for _, row in below):
        said = said[:-1]  # columns a spreadsheet has and nobody uses
    names = [_column(f"{path}, line {number}", name) for name in said]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise UnreadableListError(f"{path}, line {number}: {repeated} stands twice: remove one of the two columns")
    for line, row in below:
        if not _is_blank(row[len(names) :]):
            detail = f"it has {len(row)} cells, the header {len(names)}: put quotes around what holds the separator"
            raise UnreadableListError(f"{path}, line {line}: {detail}")
        yield f"line {line}", dict(zip(names, row, strict=False))


def _is_blank(row: list[str]) -> bool:
    return all(map(as_written.is_blank, row))


def _column(where: str, said: str) -> str:
    if name := _HEADERS.get(plain(said)):
        return name
    near = get_close_matches(said, [*COLUMNS, *COLUMNS.values()], 1)
    fix = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLUMNS)}"
    raise UnreadableListError(f"{where}: {said!r} is no column: {fix}")


def _of_yaml(path: Path, content: bytes, round_id: str | None) -> tuple[list[tuple[str, Any]], str | None]:
    if content.startswith(b"PK\x03\x04"):
        raise UnreadableListError(f"{path}: it is an XLSX: save it as CSV UTF-8, and name it .csv")
    file = read(decoded(content)[0])
    if file.problems:
        told = [f"{path}, line {line}: {problem.detail}: {problem.fix}" for line, problem in file.problems]
        raise UnreadableListError("\n".join([f"{path} is no YAML that can be read:", *told]))
    document, pointer = file.document, ""
    if isinstance(document, dict):
        stated = document.get("round")
        round_id = round_id or (stated.get("round") if isinstance(stated, dict) else stated)
        document, pointer = document.get("institutions"), "/institutions"
    if not isinstance(document, list):
        raise UnreadableListError(f"{path} has no list of institutions")
    return [(_place(file, pointer, index), row) for index, row in enumerate(document)], round_id


def _place(file: ReadFile, pointer: str, index: int) -> str:
    return f"line {file.line(f'{pointer}/{index}')}, institution {index + 1}"


def _listed(row: Any, round_id: str | None) -> Listed:
    if not isinstance(row, dict) or not isinstance(row.get("pledges") or {}, dict):
        raise ValueError("write it as `institution: CODE`, `name:`, and `pledges:` with `ROUND: WON`")
    code = _text(row, "institution", as_written.plain)
    if code is None:
        raise ValueError("it has no `institution`: give its short lower-case code there")
    pledges = {as_written.plain(key): _won("pledges", won) for key, won in (row.get("pledges") or {}).items()}
    if not _is_nothing(row.get("pledge_won")):
        of = _text(row, "round", as_written.plain) or round_id
        if not of:
            raise ValueError("a pledge is for a round: name it in the file or by --round")
        pledges[str(of)] = _won("pledge_won", row["pledge_won"])
    name, webhook = _text(row, "name", as_written.line), _text(row, "webhook", as_written.plain)
    return Listed(_CODE.validate_python(code), name, pledges, _contacts(row), webhook)


def _contacts(row: dict[str, Any]) -> tuple[Person, ...]:
    if not _is_nothing(row.get("contact_email")):  # of CSV
        people: Any = [{key: row.get(f"contact_{key}") for key in ("name", "email", "language")}]
    else:
        people = row.get("contacts") or []
    if not isinstance(people, list):
        raise ValueError("`contacts` is a list of `name`, `email` and `language`")
    found = []
    for person in people:
        if not isinstance(person, dict) or _is_nothing(person.get("name")) or "@" not in str(person.get("email")):
            raise ValueError(f"contacts has {person!r}: each needs its `name` and `email`")
        name, email = _text(person, "name", as_written.line), _text(person, "email", as_written.plain)
        found.append(Person(str(name), str(email), _text(person, "language", as_written.plain) or "ko"))
    return tuple(found)


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and as_written.is_blank(value))


def _text(row: dict[str, Any], name: str, reader: Callable[[str], str | Wrong]) -> str | None:
    value = row.get(name)
    if _is_nothing(value):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}: write it as text, in quotes if need be")
    read_so = reader(value)
    if isinstance(read_so, Wrong):
        raise ValueError(f"{name}: {read_so.detail}: {read_so.fix}")
    return read_so


def _won(name: str, stated: Any) -> int:
    won = as_written.whole(stated) if isinstance(stated, str) else stated
    if not isinstance(won, int) or isinstance(won, bool):
        raise ValueError(f"{name} is {stated!r}: {_WRITE_WON}")
    if won < 0:
        raise ValueError("a pledge is not negative")
    return won

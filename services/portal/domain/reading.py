"""How what was typed is read: as services read it, without asking them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field as Bounded
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from services.portal.domain.fields import Field, field_at
from shared.contracts.events import Language, Reason
from shared.contracts.facts import Applicant, ApplicationFacts, Certificate, DocumentFile, Product, facts_json
from shared.contracts.values import Code, Line
from shared.programme.mail_addresses import MailableEmail
from shared.programme.registration_numbers import business_check_digit, corporate_check_digit
from shared.reading.document_read import read_document
from shared.reading.json_read import reasons_of

_DIGITS_CHECKED: Final = {"business_number": business_check_digit, "corporate_number": corporate_check_digit}
_OF_ITS_KIND: Final = {"business_number": 10, "corporate_number": 13}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who is notified."""

    name: Line
    email: MailableEmail
    phone: Line | None = None
    language: Language = Language.KO


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What an application states."""

    track: Code
    applicant: Applicant
    product: Product
    contact: Contact
    certificates: Annotated[tuple[Certificate, ...], Bounded(max_length=50)] = ()
    documents: tuple[DocumentFile, ...] | None = None

    def facts(self) -> ApplicationFacts:
        """Without the contact."""
        return ApplicationFacts(
            track=self.track,
            applicant=self.applicant,
            product=self.product,
            certificates=self.certificates,
            documents=self.documents,
        )


_STATED: Final[TypeAdapter[Stated]] = TypeAdapter(Stated)


@dataclass(frozen=True, slots=True)
class Read:
    """By field: what is wrong with it, and as what it was read where that differs; and which are missing.

    `digits`: numbers whose check digit is wrong; `facts`: those that would stand, once it is whole.
    """

    wrong: Mapping[str, Reason]
    digits: frozenset[str]
    read_as: Mapping[str, str]
    missing: frozenset[str]
    facts: Any


def read(body: Mapping[str, Any], typed: Mapping[str, str], fields: Sequence[Field]) -> Read:
    """Reads what is there so far."""
    seen = read_document(_STATED, body)
    reasons = list(seen.reasons)
    missing: list[str] = []
    facts = None
    try:
        facts = facts_json(_STATED.validate_json(to_json(seen.document)).facts())
    except ValidationError as error:
        errors = error.errors(include_url=False)
        reasons += reasons_of([each for each in errors if each["type"] != "missing"])
        missing += ["/" + "/".join(map(str, each["loc"])) for each in errors if each["type"] == "missing"]
    wrong: dict[str, Reason] = {}
    for reason in reasons:
        if found := field_at(reason.pointer, fields):
            wrong.setdefault(found.name, reason)
    read_as = {each.field: each.read for each in seen.read_as}
    by_name = {field.name: field for field in fields}
    applicant = seen.document.get("applicant", {})
    numbers = {name: str(applicant.get(name, "")) for name in _DIGITS_CHECKED}
    return Read(
        wrong,
        frozenset(name for name, number in numbers.items() if name not in wrong and _wrong_digit(name, number)),
        {name: read_as[field.pointer] for name, field in by_name.items() if field.pointer in read_as and name in typed},
        frozenset(found.name for pointer in missing if (found := field_at(pointer, fields))),
        facts,
    )


def _wrong_digit(name: str, number: str) -> bool:
    whole = len(number) == _OF_ITS_KIND[name] and number.isascii() and number.isdecimal()
    return whole and _DIGITS_CHECKED[name](number) != int(number[-1])

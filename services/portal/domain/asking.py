"""The form *am I eligible?*: which fields it has, and how what was typed becomes facts. Nothing of it is stored.

Numbers are read here; all else goes on as it was typed: eligibility reads digits of every width, hyphens and spaces,
and says what it read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form, and the member of the facts that it states."""

    name: str
    pointer: str
    kind: str = "text"
    """`text`, `digits` (a number that names something), `count`, `money`, `date`, or the name of a list of choices."""
    required: bool = False

    @property
    def path(self) -> Sequence[str]:
        """The members that lead to it."""
        return self.pointer.strip("/").split("/")


FIRM: Final = (
    Field("firm", "/applicant/name", required=True),
    Field("business_number", "/applicant/business_number", "digits", required=True),
    Field("legal_form", "/applicant/legal_form", "legal_forms", required=True),
    Field("corporate_number", "/applicant/corporate_number", "digits"),
    Field("started_on", "/applicant/started_on", "date", required=True),
    Field("origin", "/applicant/origin", "origins"),
    Field("status", "/applicant/status", "statuses"),
    Field("sanctioned", "/applicant/sanctioned", "yes_no"),
    Field("sme_number", "/applicant/sme_confirmation/number"),
    Field("sme_issued_on", "/applicant/sme_confirmation/issued_on", "date"),
    Field("sme_expires_on", "/applicant/sme_confirmation/expires_on", "date"),
    Field("record_won", "/applicant/supply_record/won", "money"),
    Field("record_count", "/applicant/supply_record/count", "count"),
    Field("annual_sales", "/applicant/annual_sales_won", "money"),
    Field("credit_grade", "/applicant/credit_grade"),
)
PRODUCT: Final = (
    Field("product", "/product/name", required=True),
    Field("class_code", "/product/class_code", "digits", required=True),
    Field("price", "/product/price_won", "money", required=True),
    Field("direct_number", "/product/direct_production/number"),
    Field("direct_issued_on", "/product/direct_production/issued_on", "date"),
    Field("direct_expires_on", "/product/direct_production/expires_on", "date"),
)
CERTIFICATE: Final = (
    Field("certificate_kind", "/certificates/0/kind", "certificate_kinds"),
    Field("certificate_number", "/certificates/0/number"),
    Field("certificate_issued_on", "/certificates/0/issued_on", "date"),
    Field("certificate_expires_on", "/certificates/0/expires_on", "date"),
    Field("certificate_grade", "/certificates/0/grade"),
)
FIELDS: Final = (Field("track", "/track", "tracks", required=True), *FIRM, *PRODUCT, *CERTIFICATE)
GROUPS: Final = {"firm": FIRM, "product": PRODUCT, "certificate": CERTIFICATE}
RULES_OF: Final = {
    "corporate_number": "corporate-number",
    "status": "business-active",
    "sanctioned": "not-sanctioned",
    "sme_number": "sme-confirmation",
    "sme_issued_on": "sme-confirmation",
    "sme_expires_on": "sme-confirmation",
    "annual_sales": "sales-or-credit",
    "credit_grade": "sales-or-credit",
    "direct_number": "direct-production",
    "direct_issued_on": "direct-production",
    "direct_expires_on": "direct-production",
    "certificate_kind": "certificate",
    "certificate_number": "certificate",
    "certificate_issued_on": "certificate",
    "certificate_expires_on": "certificate",
    "certificate_grade": "certificate",
}
"""The rule that looks at a field: where a policy lacks it, the form does not ask."""
_LONGEST: Final = 18
_NOT_JUDGED: Final = {"reference": "check", "capacity": 1, "delivery_days": 0}
"""What an application states and no rule of eligibility looks at."""


def asked(fields: Sequence[Field], rules: frozenset[str]) -> list[Field]:
    """The fields that these rules need."""
    return [field for field in fields if RULES_OF.get(field.name) in (None, *rules)]


def facts_of(typed: Mapping[str, str]) -> Json:
    """The body of a check. What was left empty is not stated."""
    facts: Json = {"product": dict(_NOT_JUDGED)}
    for field in FIELDS:
        value = typed.get(field.name, "").strip()
        if value:
            _put(facts, field.path, _value(field, value))
    certificates = facts.pop("certificates", {})
    return facts | ({"certificates": [certificates["0"]]} if certificates else {})


def _put(facts: Json, path: Sequence[str], value: Any) -> None:
    *above, last = path
    for name in above:
        facts = facts.setdefault(name, {})
    facts[last] = value


def _value(field: Field, value: str) -> Any:
    if field.kind == "yes_no":
        return value == "yes"
    return number_of(value) if field.kind in {"count", "money"} else value


def number_of(typed: str) -> int | str:
    """A whole number in digits of any width, with separators or without; anything else stays as it was typed."""
    plain = normalize("NFKC", typed).replace(",", "").replace(" ", "")
    return int(plain) if plain.isdecimal() and len(plain) <= _LONGEST else typed


def field_at(pointer: str) -> str | None:
    """The name of the field that a service's error points at; of the member above it, if there is none of its own."""
    exact = {field.pointer: field.name for field in FIELDS}
    if pointer in exact:
        return exact[pointer]
    return next((field.name for field in FIELDS if field.pointer.startswith(f"{pointer}/")), None) if pointer else None

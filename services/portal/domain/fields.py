"""What forms ask for, and how what was typed becomes facts and facts become what was typed.

Numbers are read here; all else goes on as it was typed: services read digits of every width, hyphens and spaces, and
say what they read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from unicodedata import normalize

Json = dict[str, Any]
MOST_CERTIFICATES: Final = 50
"""As many as an application may have: of one that is replaced none is lost."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, and the member of an application that it states."""

    name: str
    pointer: str
    kind: str = "text"
    """`text`, `prose`, `digits` (a number that names something), `count`, `money`, `date`, `regions` (several, with
    commas between), `email`, `phone`, or the name of a list of choices."""
    required: bool = False

    @property
    def label(self) -> str:
        """The key of its text: fields of the first and the second certificate have the same."""
        return self.name.partition("-")[0]

    @property
    def path(self) -> Sequence[str]:
        """The members that lead to it."""
        return self.pointer.strip("/").split("/")


TRACK: Final = Field("track", "/track", "tracks", required=True)
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
    Field("class_code", "/product/class_code", "class_codes", required=True),
    Field("price", "/product/price_won", "money", required=True),
    Field("direct_number", "/product/direct_production/number"),
    Field("direct_issued_on", "/product/direct_production/issued_on", "date"),
    Field("direct_expires_on", "/product/direct_production/expires_on", "date"),
)
SUPPLY: Final = (
    Field("reference", "/product/reference", required=True),
    Field("capacity", "/product/capacity", "count", required=True),
    Field("delivery_days", "/product/delivery_days", "count", required=True),
    Field("regions", "/product/regions", "regions"),
    Field("item_id", "/product/item_id", "digits"),
    Field("detailed_class", "/product/detailed_class", "digits"),
    Field("description", "/product/description", "prose"),
)
"""What an application states of its product beside what rules look at."""
CERTIFICATE: Final = (
    Field("certificate_kind", "/certificates/0/kind", "certificate_kinds"),
    Field("certificate_number", "/certificates/0/number"),
    Field("certificate_issued_on", "/certificates/0/issued_on", "date"),
    Field("certificate_expires_on", "/certificates/0/expires_on", "date"),
    Field("certificate_grade", "/certificates/0/grade"),
)
CONTACT: Final = (
    Field("contact_name", "/contact/name", required=True),
    Field("contact_email", "/contact/email", "email", required=True),
    Field("contact_phone", "/contact/phone", "phone"),
    Field("contact_language", "/contact/language", "languages"),
)
_LONGEST: Final = 18


def certificate(place: int) -> Sequence[Field]:
    """The fields of the certificate at that place; the first's names are without a number."""
    if place == 0:
        return CERTIFICATE
    return [
        replace(field, name=f"{field.name}-{place}", pointer=field.pointer.replace("/0/", f"/{place}/"))
        for field in CERTIFICATE
    ]


CERTIFICATES: Final = tuple(field for place in range(MOST_CERTIFICATES) for field in certificate(place))


def stated(typed: Mapping[str, str], fields: Iterable[Field]) -> Json:
    """The members that were typed. What was left empty is not stated."""
    found: Json = {}
    for field in fields:
        value = typed.get(field.name, "").strip()
        if value:
            _put(found, field.path, _value(field, value))
    if "certificates" in found:
        places = found["certificates"]
        found["certificates"] = [places[place] for place in sorted(places, key=int)]
    return found


def _put(facts: Json, path: Sequence[str], value: Any) -> None:
    *above, last = path
    for name in above:
        facts = facts.setdefault(name, {})
    facts[last] = value


def _value(field: Field, value: str) -> Any:
    match field.kind:
        case "yes_no":
            return value == "yes"
        case "count" | "money":
            return number_of(value)
        case "regions":
            return [word.strip() for word in normalize("NFKC", value).split(",") if word.strip()]
        case _:
            return value


def number_of(typed: str) -> int | str:
    """A whole number in digits of any width, with separators or without; anything else stays as it was typed."""
    plain = normalize("NFKC", typed).replace(",", "").replace(" ", "")
    return int(plain) if plain.isdecimal() and len(plain) <= _LONGEST else typed


def typed_of(body: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, str]:
    """What somebody would type to state these members: for an application that is to be replaced."""
    found = {}
    for field in fields:
        value: Any = body
        for name in field.path:
            if isinstance(value, Sequence):
                value = value[int(name)] if int(name) < len(value) else None
            else:
                value = value.get(name) if value else None
        if value is not None:
            found[field.name] = _typed(field, value)
    return found


def _typed(field: Field, value: Any) -> str:
    match field.kind:
        case "yes_no":
            return "yes" if value else "no"
        case "count" | "money":
            return f"{value:,}"
        case "regions":
            return ", ".join(value)
        case _:
            return str(value)


def field_at(pointer: str, fields: Sequence[Field]) -> Field | None:
    """The field that a service's error points at: its own, that of the member above it, or the first below it."""
    exact = {field.pointer: field for field in fields}
    at = pointer
    while at:
        if at in exact:
            return exact[at]
        at = at.rpartition("/")[0]
    return next((field for field in fields if field.pointer.startswith(f"{pointer}/")), None) if pointer else None

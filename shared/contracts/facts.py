"""What a firm and an institution state. Plain frozen dataclasses, so that a domain can use them as they are.

Numbers and dates of these facts are judged by rules (`services/eligibility/domain`), not refused here: an entry is
refused at the edge only when it cannot be read or held.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter

from shared.contracts.values import (
    Code,
    Count,
    DocumentNumber,
    FileName,
    Line,
    MediaType,
    Positive,
    Sha256Hex,
    Text,
    Won,
    Writing,
    Written,
)
from shared.proof.canonical import Json

BusinessNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$"), Written(Writing.DIGITS, (3, 2, 5))]
"""사업자등록번호, ten digits without hyphens."""
CorporateNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{13}$"), Written(Writing.DIGITS, (6, 7))]
"""법인등록번호, thirteen digits without a hyphen."""
ProductClass = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$"), Written(Writing.DIGITS, (8,))]
"""Four levels of two digits (세부품명번호 has two more)."""
DetailedClass = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$"), Written(Writing.DIGITS, (8, 2))]
ItemId = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$"), Written(Writing.DIGITS, (8,))]
"""물품식별번호."""
ProductReference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"), Written(Writing.CODE)]


class LegalForm(StrEnum):
    CORPORATION = "corporation"
    SOLE_PROPRIETOR = "sole-proprietor"


class Origin(StrEnum):
    """How the business began; the last three are no start in the law's sense (창업지원법)."""

    NEW = "new"
    SUCCESSION = "succession"
    CONVERSION = "conversion"
    REOPENING = "reopening"


class BusinessStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A confirmation with a number and a period of validity, both ends included."""

    number: DocumentNumber
    issued_on: date
    expires_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A technology-product certificate; its kind is one of the policy's."""

    kind: Code
    number: DocumentNumber
    issued_on: date
    expires_on: date | None = None
    grade: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyRecord:
    """What the firm has sold to public institutions so far."""

    won: Won
    count: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A firm. `started_on` is the incorporation's registration for a corporation, the business start for a person.

    What is None was not stated: a rule that needs it finds it unknown, which is not the same as false.
    """

    name: Line
    business_number: BusinessNumber
    legal_form: LegalForm
    started_on: date
    corporate_number: CorporateNumber | None = None
    origin: Origin = Origin.NEW
    status: BusinessStatus | None = None
    sanctioned: bool | None = None
    sme_confirmation: Document | None = None
    supply_record: SupplyRecord | None = None
    annual_sales_won: Won | None = None
    credit_grade: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product at one price. It has two names: the firm's own reference and, once it has one, its item id."""

    name: Line
    reference: ProductReference
    class_code: ProductClass
    price_won: Positive
    capacity: Positive
    """Units the firm can supply within the round's year."""
    delivery_days: Count
    regions: tuple[Code, ...] = ()
    """Where it delivers; empty for the whole country."""
    item_id: ItemId | None = None
    detailed_class: DetailedClass | None = None
    description: Text = ""
    direct_production: Document | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFile:
    """A file that intake holds, as `POST /rounds/{round}/documents` answered it. Its content is known by its hash."""

    kind: Code
    sha256: Sha256Hex
    bytes: Positive
    media_type: MediaType
    name: FileName


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFacts:
    """All that decides an application, and nothing that reaches a person."""

    track: Code
    applicant: Applicant
    product: Product
    certificates: tuple[Certificate, ...] = ()
    documents: tuple[DocumentFile, ...] | None = None
    """Files sent with it; None where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What an institution would buy: up to `quantity` units of a class within `budget_won`."""

    class_code: ProductClass
    quantity: Positive
    budget_won: Positive
    price_ceiling_won: Positive | None = None
    certificate_kinds: tuple[Code, ...] = ()
    """One of these must be held; empty for any."""
    region: Code | None = None
    delivery_days_at_most: Count | None = None
    note: Text = ""


def product_key(product: Product) -> str:
    """The name that an entry comes with: the item id where it has one, else the reference."""
    return f"item:{product.item_id}" if product.item_id else f"ref:{product.reference}"


FACTS: TypeAdapter[ApplicationFacts] = TypeAdapter(ApplicationFacts)


def facts_json(facts: ApplicationFacts) -> Json:
    """The facts as JSON. What was not stated is left out, so that a later optional field changes no old hash."""
    value: Json = FACTS.dump_python(facts, mode="json", exclude_none=True)
    return value

"""Questions to public registries, and their answers."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from shared.contracts.facts import BusinessNumber, BusinessStatus
from shared.contracts.values import Code, UtcTime

Subject = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]
"""What is asked about: a business number; of a certificate `<kind>/<product class>/<number>`."""


class Registry(StrEnum):
    BUSINESS_STATUS = "business-status"
    """Whether a firm is in business, by its business number (국세청 사업자등록 상태조회)."""
    CERTIFICATES = "certificates"
    """Whether a certificate holds, by its number and the product's class."""


class RegistryOutcome(StrEnum):
    KNOWN = "known"
    UNKNOWN = "unknown"
    """The registry has no such number."""
    WAIVED = "waived"
    """Not asked: two officers ended the wait, and what the firm stated stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAnswer:
    """What a registry said of one subject, at a moment of the programme. What is None was not said.

    `closed_on`: the first day out of business; `revoked_on`: the first day a revoked certificate no longer holds;
    `holder`: whose certificate it is.
    """

    registry: Registry
    subject: Subject
    outcome: RegistryOutcome
    said_at: UtcTime
    status: BusinessStatus | None = None
    closed_on: date | None = None
    issued_on: date | None = None
    expires_on: date | None = None
    revoked_on: date | None = None
    grade: Code | None = None
    holder: BusinessNumber | None = None

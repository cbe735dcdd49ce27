"""What the local registries know, and in which mood they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.facts import BusinessNumber, BusinessStatus, ProductClass
from shared.contracts.registries import Registry
from shared.contracts.values import Code, Contract, Line


class Mood(StrEnum):
    WELL = "well"
    DOWN = "down"
    """503."""
    SLOW = "slow"
    """As long as it is told to, then as if well."""
    LIMITED = "limited"
    """429, with Retry-After."""
    USED_UP = "used-up"
    """The day's calls are used up: said in a body, under 200."""
    KEY = "key"
    """The key is none."""
    BROKEN = "broken"
    """Half an answer."""
    LACKING = "lacking"
    """Without fields that are promised."""
    UNDATED = "undated"
    """Dates that are none."""
    ANOTHER = "another"
    """About another number than was asked."""
    HUGE = "huge"
    """Without an end."""


class Business(Contract):
    status: BusinessStatus = BusinessStatus.ACTIVE
    closed_on: date | None = None
    started_on: date | None = None
    """With `representative`: by which it is confirmed who applies; without them nobody is."""
    representative: Line | None = None


class Certified(Contract):
    """A certificate for a product class."""

    number: Line
    class_code: ProductClass
    issued_on: date
    expires_on: date | None = None
    revoked_on: date | None = None
    grade: Code | None = None
    holder: BusinessNumber | None = None


class Records(Contract):
    """What is added to what the registries know. A firm or certificate stated again replaces what stood."""

    businesses: Mapping[BusinessNumber, Business] = {}
    certificates: tuple[Certified, ...] = ()


class Told(Contract):
    mood: Mood = Mood.WELL
    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """How slow, or what is said in Retry-After."""


@dataclass(slots=True)
class Shelf:
    """One per server. `asked` has how many subjects each call named, in order."""

    businesses: dict[str, Business] = field(default_factory=dict)
    certificates: dict[tuple[str, str], Certified] = field(default_factory=dict)
    moods: dict[Registry, Told] = field(default_factory=lambda: {registry: Told() for registry in Registry})
    asked: dict[Registry, list[int]] = field(default_factory=lambda: {registry: [] for registry in Registry})

    def add(self, records: Records) -> None:
        self.businesses |= dict(records.businesses)
        self.certificates |= {(each.number, each.class_code): each for each in records.certificates}

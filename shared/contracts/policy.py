"""A policy: everything about a round that may change between rounds, as data. Frozen and hashed in RoundOpened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.contracts.values import Code, Count, Line, PolicyId, Positive, Won

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
Parameter = int | str | bool | tuple[str, ...]


class Method(StrEnum):
    WEIGHTED_DRAW = "weighted-draw"
    SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Titled:
    """One text in the two languages notices are written in."""

    ko: Line
    en: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateKind:
    """A kind of technology-product certificate the round accepts."""

    kind: Code
    name: Titled
    authority: Line
    number_pattern: Pattern
    """A regular expression the whole number must match."""
    grades: tuple[Code, ...] = ()
    """Accepted grades; empty where the kind has none."""
    validity_years: Positive | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One rule by its code, with the parameters this round gives it and the law it stands on."""

    rule: Code
    legal_source: Line
    parameters: Mapping[ParameterName, Parameter] = field(default_factory=dict)
    decides: bool = True
    """False: the rule only states a fact (startup, first-timer) for waivers, tickets and scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """When every rule of `when` passes, those of `waives` need not."""

    code: Code
    legal_source: Line
    when: Annotated[tuple[Code, ...], Field(min_length=1)]
    waives: Annotated[tuple[Code, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    track: Code
    name: Titled
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]
    waivers: tuple[Waiver, ...] = ()
    certificates: tuple[Code, ...] = ()
    """Accepted kinds of certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStep:
    """The first step that fits an applicant gives its tickets. What is None is not asked."""

    tickets: Annotated[int, Field(strict=True, ge=1, le=1000)]
    startup: bool | None = None
    first_timer: bool | None = None
    record_won_at_most: Won | None = None
    record_count_at_most: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStep:
    """Points of the supply-record item for a record up to `record_won_at_most` (None: any)."""

    points: Count
    record_won_at_most: Won | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Panel points plus the supply-record item; `threshold` is the least total that may be selected."""

    supply_record: Annotated[tuple[ScoreStep, ...], Field(min_length=1)]
    panel_points: Count = 0
    threshold: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    selections_per_firm: Positive
    requests_per_product: Positive
    places: Positive | None = None
    """Products selected at the most; None where demand alone decides."""
    reserve: Count | None = None
    """Length of the reserve; None for all that could still be bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    policy: PolicyId
    title: Titled
    method: Method
    as_of: date
    """The date every date rule is judged by; moved only for everybody."""
    certificates: Annotated[tuple[CertificateKind, ...], Field(min_length=1)]
    tracks: Annotated[tuple[Track, ...], Field(min_length=1)]
    tickets: Annotated[tuple[TicketStep, ...], Field(min_length=1)]
    limits: Limits
    scoring: Scoring | None = None
    purchasable_classes: tuple[Code, ...] = ()
    """Prefixes of product classes institutions may buy; empty for all."""

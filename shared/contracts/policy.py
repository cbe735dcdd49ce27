"""A policy: everything about a round that may change between rounds, as data. Frozen and hashed in RoundOpened.

Fields are only ever added, as `… | None = None`: what a policy does not state is left out of its hash, so that the hash
of an older policy stays what it was. What each field means is said beneath it, and goes into the published schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter

from shared.contracts.identity import IdentityLevel
from shared.contracts.registries import Registry
from shared.contracts.values import Code, Count, Line, PolicyId, Positive, Won

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
Parameter = int | str | bool | tuple[str, ...]
_DESCRIBED: Final = ConfigDict(use_attribute_docstrings=True)


class Method(StrEnum):
    WEIGHTED_DRAW = "weighted-draw"
    SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Titled:
    """One text in the two languages notices are written in."""

    __pydantic_config__ = _DESCRIBED

    ko: Line
    """Korean."""
    en: Line
    """English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateKind:
    """A kind of technology-product certificate the round accepts."""

    __pydantic_config__ = _DESCRIBED

    kind: Code
    """Its code, which tracks, applications and purchase requests name it by."""
    name: Titled
    """As people know it."""
    authority: Line
    """Who issues it."""
    number_pattern: Pattern
    """A regular expression the whole number must match."""
    grades: tuple[Code, ...] = ()
    """Accepted grades; empty where the kind has none."""
    validity_years: Positive | None = None
    """Years it holds from its issue where it states no end; without this, one that states no end never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One rule by its code, with the parameters this round gives it and the law it stands on."""

    __pydantic_config__ = _DESCRIBED

    rule: Code
    """Which rule is asked."""
    legal_source: Line
    """The law or notice it stands on; every finding cites it."""
    parameters: Mapping[ParameterName, Parameter] = field(default_factory=dict)
    """What this round gives the rule."""
    decides: bool = True
    """False: the rule only states a fact (startup, first-timer) for waivers, tickets and scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """When every rule of `when` passes, those of `waives` need not."""

    __pydantic_config__ = _DESCRIBED

    code: Code
    """Its own code."""
    legal_source: Line
    """The law or notice it stands on."""
    when: Annotated[tuple[Code, ...], Field(min_length=1)]
    """Rules of the track that must all really pass; one that is itself waived does not count."""
    waives: Annotated[tuple[Code, ...], Field(min_length=1)]
    """Rules of the track that then need not pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackLimits:
    """Limits of one track, within those of the whole round. What is None is limited by the round's own limits alone."""

    __pydantic_config__ = _DESCRIBED

    places: Positive | None = None
    """Products of the track selected at the most."""
    reserve: Count | None = None
    """Length of the track's reserve."""
    selections_per_firm: Positive | None = None
    """Products of one firm selected in the track at the most."""
    applications_per_firm: Positive | None = None
    """Entries of one firm that stand in the track at the most; a withdrawn one gives its place back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One way in: an application names its track, and is judged by that track's conditions alone."""

    __pydantic_config__ = _DESCRIBED

    track: Code
    """Its code, which applications name it by."""
    name: Titled
    """As people know it."""
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]
    """Every rule asked of an application of the track; each once, all of them always judged."""
    waivers: tuple[Waiver, ...] = ()
    """What need not pass, and when."""
    certificates: tuple[Code, ...] = ()
    """Accepted kinds of certificate."""
    limits: TrackLimits | None = None
    """Limits of this track alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStep:
    """The first step that fits an applicant gives its tickets. What is None is not asked."""

    __pydantic_config__ = _DESCRIBED

    tickets: Annotated[int, Field(strict=True, ge=1, le=1000)]
    """Chances in the draw."""
    startup: bool | None = None
    """Whether the rule `startup` passed."""
    first_timer: bool | None = None
    """Whether the rule `first-timer` passed."""
    record_won_at_most: Won | None = None
    """Won sold to public institutions so far, at the most; a record that was not stated fits no bound."""
    record_count_at_most: Count | None = None
    """Sales to public institutions so far, at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStep:
    """Points of the supply-record item for a record up to `record_won_at_most` (None: any)."""

    __pydantic_config__ = _DESCRIBED

    points: Count
    """Points of the item."""
    record_won_at_most: Won | None = None
    """Won sold to public institutions so far, at the most; None for any, and for a record that was not stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Panel points plus the supply-record item; `threshold` is the least total that may be selected."""

    __pydantic_config__ = _DESCRIBED

    supply_record: Annotated[tuple[ScoreStep, ...], Field(min_length=1)]
    """The supply-record item: the first step that fits gives its points."""
    panel_points: Count = 0
    """Most points the panel gives."""
    threshold: Count = 0
    """Least total that may be selected, before a draw too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds the selection of the whole round."""

    __pydantic_config__ = _DESCRIBED

    selections_per_firm: Positive
    """Products of one firm selected at the most, in draw order."""
    requests_per_product: Positive
    """Purchase requests one product takes at the most."""
    places: Positive | None = None
    """Products selected at the most; None where demand alone decides."""
    reserve: Count | None = None
    """Length of the reserve; None for all that could still be bought."""
    applications_per_firm: Positive | None = None
    """Entries of one firm that stand at the most; a withdrawn one gives its place back. None lets a firm multiply its
    chances by entering more."""
    contract_tolerance_percent: Count | None = None
    """Per cent by which the sum of a reported contract may be above what was awarded; None for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """Always open: judged and selected at regular cuts, the first of them on `as_of`.

    A later cut falls on the same day of its month, on the month's last day where it has none, and is judged by its day.
    """

    __pydantic_config__ = _DESCRIBED

    every_months: Positive
    """Months from cut to cut."""
    status_months: Positive
    """Months a selection's status lasts from its confirmation; then it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryUse:
    """A public registry that is asked before an application is judged; what it says replaces what the firm states."""

    __pydantic_config__ = _DESCRIBED

    registry: Registry
    """Which one."""
    authority: Line
    """Whose registry it is, as notices name it."""
    kinds: tuple[Code, ...] = ()
    """Of `certificates`: the kinds it knows; empty for all of the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one round, or of the cuts of a rolling intake."""

    __pydantic_config__ = _DESCRIBED

    policy: PolicyId
    """Its id, the name of its file."""
    title: Titled
    """As people know it."""
    method: Method
    """How is selected: a draw weighted by tickets, or a score whose ties are drawn."""
    as_of: date
    """The date every date rule is judged by; moved only for everybody."""
    certificates: Annotated[tuple[CertificateKind, ...], Field(min_length=1)]
    """Every kind of certificate some track accepts."""
    tracks: Annotated[tuple[Track, ...], Field(min_length=1)]
    """The ways in."""
    tickets: Annotated[tuple[TicketStep, ...], Field(min_length=1)]
    """The steps, looked through from the first; the last asks nothing."""
    limits: Limits
    """What bounds the selection."""
    scoring: Scoring | None = None
    """Asked for by the method score; with a draw, its threshold comes before it."""
    purchasable_classes: tuple[Code, ...] = ()
    """Prefixes of product classes institutions may buy; empty for all."""
    rolling: Rolling | None = None
    """The cuts of an intake that is always open; None for a round with one close."""
    notices: Mapping[ParameterName, Titled] | None = None
    """Words the notices of this round may use, by name, such as whom to ask."""
    identity: IdentityLevel | None = None
    """How sure of its firm an entry has to be: `registry` where the tax service has to confirm it; None for any."""
    registries: tuple[RegistryUse, ...] | None = None
    """Registries asked before an application is judged; None where what firms state is judged as it is."""


POLICY: Final[TypeAdapter[Policy]] = TypeAdapter(Policy)
"""Reads and writes policies. Made once for everybody: making one takes some 50 ms of processor."""

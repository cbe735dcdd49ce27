"""What several events are made of: digests of sets, the rehearsal map, sources of chance, acts."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.values import (
    Actor,
    Code,
    Contract,
    Count,
    InstitutionCode,
    Line,
    Positive,
    RoundId,
    Sha256Hex,
    UtcTime,
    Won,
)

BUCKETS = 256


class Manifest(Contract):
    """Digest of a set of entries: a count and an RFC 9162 root per bucket, and the root over the bucket roots."""

    count: Count
    root: Sha256Hex
    counts: Annotated[tuple[Count, ...], Field(min_length=BUCKETS, max_length=BUCKETS)]
    roots: Annotated[tuple[Sha256Hex, ...], Field(min_length=BUCKETS, max_length=BUCKETS)]


class Rehearsal(Contract):
    """The linear map from real to programme time, and the seed that makes a rehearsal repeatable."""

    real_anchor: UtcTime
    programme_anchor: UtcTime
    rate: Positive
    """Programme seconds that pass in one real second."""
    seed: Line


class SourceKind(StrEnum):
    REHEARSAL = "rehearsal"
    RFC3797 = "rfc3797"
    DRAND = "drand"


class Source(Contract):
    """A public source of chance, named at the announcement; the first value due `lead_seconds` after the commitment."""

    source: Code
    kind: SourceKind
    period_seconds: Positive
    description: Line


class Invitation(Contract):
    """An institution of a round and what it pledges to buy."""

    institution: InstitutionCode
    pledge_won: Won


class RoundAct(Contract):
    """Something done to a round: by whom and why."""

    round: RoundId
    actors: tuple[Actor, ...]
    reason: Line

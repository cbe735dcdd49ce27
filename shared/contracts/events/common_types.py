"""Types that several events share: digests of sets, rehearsals, sources of chance, acts."""

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
    """A public source of chance, named at the announcement; the first value due `lead_seconds` after the commitment.

    Sources stand in order: the next one decides only where those before have failed, and then by its first value due
    after that.
    """

    source: Code
    kind: SourceKind
    period_seconds: Positive
    description: Line
    anchor: UtcTime | None = None
    """A moment at which it gives a value, others follow by whole periods; absent: 1970-01-01T00:00Z. Of drand, its
    genesis."""
    fails_after_seconds: Positive | None = None
    """It has failed when its value is not published this long after it was due; absent: a period."""
    chain_hash: Sha256Hex | None = None
    """Of a drand chain."""
    public_key: Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$", max_length=1000)] | None = None
    """Of a drand chain, as its info states it: signatures are held against it."""
    scheme: Code | None = None
    """Of a drand chain, as its info states it; absent: quicknet's where the key has 96 bytes, else
    pedersen-bls-unchained."""


class Invitation(Contract):
    """An institution of a round and what it pledges to buy."""

    institution: InstitutionCode
    pledge_won: Won


class RoundAct(Contract):
    """Something done to a round: by whom and why."""

    round: RoundId
    actors: tuple[Actor, ...]
    reason: Line

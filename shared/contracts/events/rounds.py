"""`rounds.v1`: a round's life, each act with its actors and reason."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.events.common_types import Invitation, Manifest, Rehearsal, RoundAct, Source
from shared.contracts.policy import Policy
from shared.contracts.registries import Registry
from shared.contracts.values import (
    ApplicationId,
    Code,
    Contract,
    Count,
    Epoch,
    Line,
    Positive,
    RequestId,
    RoundId,
    Sha256Hex,
    Text,
    UtcTime,
    Version,
)


class Amended(Contract):
    """The version by which an upheld appeal amends an application; no earlier epoch had it."""

    application: ApplicationId
    version: Version


class RoundAnnounced(RoundAct):
    """A round to come. A rolling intake is a `series` of rounds, one a cut, whose windows follow each other.

    `pledges`: all that stood when it was announced, in order of institution. `announcement_root`: SHA-256 of canonical
    `{closes_at, lead_seconds, opens_at, pledges, policy_hash, rehearsal, round, sources, title, unattended}` as they
    stand here, `pledges` as `[[institution, won], …]`. Both absent: of before they were stated.
    """

    title: Line
    opens_at: UtcTime
    closes_at: UtcTime
    policy: Code
    policy_hash: Sha256Hex
    lead_seconds: Count
    sources: tuple[Source, ...]
    rehearsal: Rehearsal | None = None
    unattended: bool = False
    series: RoundId | None = None
    cut: Positive | None = None
    pledges: tuple[Invitation, ...] | None = None
    announcement_root: Sha256Hex | None = None


class RoundAmended(RoundAct):
    """Before it opened, two officers amended what was announced: these terms stand whole in its place. Amendments of a
    round count from 1; the highest counts, whatever order they are read in. The last one is in RoundOpened. `pledges`
    and `announcement_root` are as in RoundAnnounced, of this amendment."""

    amendment: Positive
    amended_at: UtcTime
    """By intake's clock: real time, also in a rehearsal."""
    title: Line
    opens_at: UtcTime
    closes_at: UtcTime
    policy: Code
    policy_hash: Sha256Hex
    lead_seconds: Count
    sources: tuple[Source, ...]
    rehearsal: Rehearsal | None = None
    unattended: bool = False
    pledges: tuple[Invitation, ...] | None = None
    announcement_root: Sha256Hex | None = None


class RoundOpened(RoundAct):
    """The whole policy and all that is fixed at the opening: the terms, `closes_at` too, as the last of RoundAnnounced
    and RoundAmended states them, under its `announcement_root`. An extension stands in its RoundExtended alone."""

    title: Line
    opens_at: UtcTime
    closes_at: UtcTime
    policy: Policy
    policy_hash: Sha256Hex
    lead_seconds: Count
    sources: tuple[Source, ...]
    institutions: tuple[Invitation, ...]
    key_fingerprints: tuple[Sha256Hex, ...] = ()
    rehearsal: Rehearsal | None = None
    unattended: bool = False
    series: RoundId | None = None
    cut: Positive | None = None
    announcement_root: Sha256Hex | None = None


class RoundExtended(RoundAct):
    closes_at: UtcTime
    closed_at_before: UtcTime


class RoundFrozen(RoundAct):
    """The sets are fixed; `pledges` too, as they stand at the freeze (absent in events of before they were fixed)."""

    epoch: Epoch
    frozen_at: UtcTime
    closes_at: UtcTime
    applications: Manifest
    requests: Manifest
    pledges: tuple[Invitation, ...] | None = None


class EpochOpened(RoundAct):
    """An act changed the set or what is to be judged. What is not judged again keeps its verdict, of whatever epoch.

    Who is `admitted` by the act after the round's first commitment draws under a value of the `supplementary_source`.
    """

    epoch: Epoch
    opened_at: UtcTime
    applications: Manifest
    requests: Manifest
    judge_again: tuple[ApplicationId, ...]
    judge_all: bool = False
    admitted: tuple[ApplicationId, ...] = ()
    amended: tuple[Amended, ...] = ()
    supplementary_source: Code | None = None


class ScoresClosed(RoundAct):
    """The panel's marks are fixed, before anything is committed. Leaves of `marks` are `[application, [[reviewer,
    version, points, conflict of interest], …]]` of every application with a mark, in order of reviewer.

    It holds for the epoch and later ones, until one that admits somebody: those need marks too.
    """

    epoch: Epoch
    marks: Count
    marks_root: Sha256Hex
    closed_at: UtcTime


class SourceValueRecorded(RoundAct):
    epoch: Epoch
    source: Code
    value: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[0-9a-f./]+$")]
    """The source string in RFC 3797 form."""
    due_at: UtcTime
    recorded_at: UtcTime
    beacon_round: Positive | None = None
    """Of drand: which of its rounds gave the value."""
    signature: Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$", max_length=1000)] | None = None
    """Of drand: what the value is SHA-256 of, and its chain's key verifies."""


class SelectionConfirmed(RoundAct):
    """The proposal of an epoch, and with it the batches up to `batch` that were given out before (absent: none)."""

    epoch: Epoch
    commitment_root: Sha256Hex
    selection_root: Sha256Hex
    confirmed_at: UtcTime
    batch: Positive | None = None
    batch_root: Sha256Hex | None = None
    shown_root: Sha256Hex | None = None
    """As it was proposed."""


class LeavingCause(StrEnum):
    GIVEN_UP = "given-up"
    """By its firm."""
    DECLINED = "declined"
    """By two officers."""


class Leaving(Contract):
    """An application that stands no more, neither as selected nor in the reserve."""

    application: ApplicationId
    cause: LeavingCause
    reason: Text


class CancelledRequest(Contract):
    """A purchase request that its institution cancelled after the freeze: whole, and with a reason."""

    request: RequestId
    reason: Text


class ReleaseOpened(RoundAct):
    """What was set free since the batch before: exactly this is given out to the reserve, in one batch.

    It holds in later epochs too: who left stands aside in them, and a cancelled request buys nothing.
    `selection_root` is of the epoch's proposal; batches of an epoch count from 1.
    """

    epoch: Epoch
    batch: Positive
    selection_root: Sha256Hex
    leaving: tuple[Leaving, ...]
    cancelled: tuple[CancelledRequest, ...]
    opened_at: UtcTime


class ReleaseConfirmed(RoundAct):
    """A batch, with those before it, of a selection that was confirmed already."""

    epoch: Epoch
    batch: Positive
    batch_root: Sha256Hex
    confirmed_at: UtcTime


class RegistryWaived(RoundAct):
    """A registry is not waited for in this round any more: what it has not answered is judged by what was stated."""

    registry: Registry
    waived_at: UtcTime


class RoundFinalized(RoundAct):
    """Everybody was told, every period of appeal is over, every appeal decided."""

    epoch: Epoch
    finalized_at: UtcTime


class RoundVoided(RoundAct):
    voided_at: UtcTime

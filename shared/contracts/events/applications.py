"""`applications.v1`: facts, no contact data."""

from datetime import date

from shared.contracts.events.common_types import RoundAct
from shared.contracts.facts import ApplicationFacts
from shared.contracts.identity import IdentityLevel
from shared.contracts.values import (
    ApplicationId,
    Code,
    Contract,
    Count,
    Epoch,
    Nonce,
    PartyId,
    RoundId,
    Sha256Hex,
    Text,
    UtcTime,
    Uuid,
    Version,
)


class ApplicationSubmitted(Contract):
    """A version of an application. `payload_hash = SHA-256(nonce ‖ canonical JSON of facts)`.

    `contested`: another party entered this product of this firm, and it is judged only once one of them stands alone.
    `restated`: intake's own version, with the facts of the one before, since a contest began or ended.
    """

    round: RoundId
    application: ApplicationId
    party: PartyId
    version: Version
    received_at: UtcTime
    nonce: Nonce
    payload_hash: Sha256Hex
    facts: ApplicationFacts
    contested: bool = False
    restated: bool = False
    identity: IdentityLevel | None = None
    """How sure it is that it comes from the firm; absent: of a version from before that was told."""
    arrived_at: UtcTime | None = None
    """When intake had read it, where `received_at` is the moment at which an edge, such as the portal, had."""


class ApplicationWithdrawn(Contract):
    """Also a version: the highest wins, whatever order events arrive in. `act`: the officers' act that excluded it.
    `outranked`: intake took it out, since another entry of the product, or of the firm's places, is surer of the firm.
    """

    round: RoundId
    application: ApplicationId
    party: PartyId
    version: Version
    received_at: UtcTime
    reason: Text = ""
    act: Uuid | None = None
    outranked: bool = False


class SelectionGivenUp(Contract):
    """A firm gives up its place, selected or in reserve, after the result was published. The application keeps its
    versions; the next batch gives out what it had. `epoch` is of that result."""

    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    given_up_at: UtcTime
    reason: Text = ""


class ApplicationScored(Contract):
    """A reviewer's mark. The highest version of a reviewer's stands; one with a conflict of interest does not count."""

    round: RoundId
    application: ApplicationId
    reviewer: Code
    points: Count
    conflict_of_interest: bool = False
    scored_at: UtcTime
    version: Version = 1


class RefusalReconsidered(Contract):
    """Somebody refused since the old close may come back after an extension. The party is of this message alone."""

    round: RoundId
    party: PartyId
    refused_at: UtcTime
    closes_at: UtcTime


class AppealFiled(Contract):
    round: RoundId
    appeal: Uuid
    application: ApplicationId
    filed_at: UtcTime
    grounds: Text
    party: PartyId | None = None
    answer_due: date | None = None
    """The last day for the answer (행정기본법 §36)."""
    result_epoch: Epoch | None = None
    """Of the result it is against."""


class AppealDecided(RoundAct):
    appeal: Uuid
    application: ApplicationId
    decided_at: UtcTime
    upheld: bool
    party: PartyId | None = None

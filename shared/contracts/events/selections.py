"""`selections.v1`: results, published once they are confirmed."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.events.common_types import RoundAct
from shared.contracts.values import (
    ApplicationId,
    Contract,
    Count,
    Epoch,
    InstitutionCode,
    Line,
    PartyId,
    Positive,
    Reference,
    RequestId,
    RoundId,
    Sha256Hex,
    UtcTime,
)


class Award(Contract):
    request: RequestId
    institution: InstitutionCode
    quantity: Positive
    amount_won: Positive


class ProductSelected(Contract):
    """`status_until` is the end of what the selection gives, where the policy ends it (absent: it does not).

    `pack` is a link, relative to selection's address, that opens the product's pack to whoever holds it: it goes to the
    applicant and to the institutions that are to buy, and is published nowhere (absent: of before there were packs).
    """

    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    product: Line
    position: Positive
    tickets: Count
    awards: Annotated[tuple[Award, ...], Field(min_length=1)]
    selection_root: Sha256Hex
    status_until: UtcTime | None = None
    pack: Reference | None = None


class ProductReserved(Contract):
    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    position: Positive
    reserve_position: Positive
    tickets: Count
    selection_root: Sha256Hex


class NotSelectedReason(StrEnum):
    INELIGIBLE = "ineligible"
    BELOW_THRESHOLD = "below-threshold"
    NO_DEMAND = "no-demand"
    FIRM_LIMIT = "firm-limit"
    RESERVE_FULL = "reserve-full"
    GIVEN_UP = "given-up"
    """By its firm, before this result."""
    DECLINED = "declined"
    """By two officers, with a reason."""


class ProductNotSelected(Contract):
    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    reason: NotSelectedReason
    position: Positive | None = None
    selection_root: Sha256Hex


class WithdrawalCause(StrEnum):
    GIVEN_UP = "given-up"
    DECLINED = "declined"
    REQUEST_CANCELLED = "request-cancelled"


class SelectionWithdrawn(RoundAct):
    """A batch took a product's place. One whose requests were cancelled stands in the reserve again, at its place in
    the draw (`in_reserve`)."""

    application: ApplicationId
    epoch: Epoch
    withdrawn_at: UtcTime
    party: PartyId | None = None
    batch: Positive | None = None
    batch_root: Sha256Hex | None = None
    selection_root: Sha256Hex | None = None
    cause: WithdrawalCause | None = None
    in_reserve: bool = False


class SelectionStatusEnded(Contract):
    """A selection's status is over: its product is not bought on it any more. `epoch` is of the result it was of."""

    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    product: Line
    institutions: tuple[InstitutionCode, ...]
    """Of its awards."""
    ended_at: UtcTime


class PurchaseOverdue(Contract):
    """Nobody reported what became of an award within its period; said once."""

    round: RoundId
    application: ApplicationId
    epoch: Epoch
    product: Line
    request: RequestId
    institution: InstitutionCode
    due_on: date
    """The last day there was to report."""


class ReservePromoted(Contract):
    """A product of the reserve is selected in a batch. `batch_root` is the batch's; the rest is as in
    ProductSelected."""

    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    batch: Positive
    awards: Annotated[tuple[Award, ...], Field(min_length=1)]
    product: Line | None = None
    position: Positive | None = None
    tickets: Count | None = None
    selection_root: Sha256Hex | None = None
    batch_root: Sha256Hex | None = None
    status_until: UtcTime | None = None
    pack: Reference | None = None


class AwardsChanged(Contract):
    """A product stays selected, and a batch gave it these awards in place of those it had: one of its requests was
    cancelled."""

    round: RoundId
    application: ApplicationId
    party: PartyId
    epoch: Epoch
    batch: Positive
    product: Line
    position: Positive
    tickets: Count
    awards: Annotated[tuple[Award, ...], Field(min_length=1)]
    selection_root: Sha256Hex
    batch_root: Sha256Hex
    status_until: UtcTime | None = None
    pack: Reference | None = None

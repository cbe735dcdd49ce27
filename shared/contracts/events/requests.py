"""`purchase-requests.v1`."""

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.contracts.facts import RequestFacts
from shared.contracts.values import (
    ApplicationId,
    Contract,
    InstitutionCode,
    Nonce,
    Positive,
    RequestId,
    RoundId,
    Sha256Hex,
    Text,
    UtcTime,
    Version,
    Won,
)


class PurchaseRequestAccepted(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    version: Version
    received_at: UtcTime
    nonce: Nonce
    payload_hash: Sha256Hex
    facts: RequestFacts


class PurchaseRequestWithdrawn(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    version: Version
    received_at: UtcTime
    reason: Text = ""


class PurchaseRequestCancelled(Contract):
    """After the freeze, as a whole. The frozen set keeps it; the next batch sets free what it had bought."""

    round: RoundId
    request: RequestId
    institution: InstitutionCode
    cancelled_at: UtcTime
    reason: Annotated[Text, Field(min_length=1)]


class PurchaseReported(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    application: ApplicationId
    quantity: Positive
    amount_won: Won
    contracted_on: date
    reported_at: UtcTime


class NonPurchaseReported(Contract):
    round: RoundId
    request: RequestId
    institution: InstitutionCode
    application: ApplicationId
    reason: Text
    reported_at: UtcTime

"""`purchase-requests.v1`."""

from datetime import date

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

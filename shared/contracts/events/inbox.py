"""`institution.<code>.inbox.v1`: what an institution sends."""

from datetime import date

from shared.contracts.facts import RequestFacts
from shared.contracts.values import ApplicationId, Contract, Positive, RequestReference, RoundId, Text, Version, Won


class SubmitPurchaseRequest(Contract):
    round: RoundId
    request: RequestReference
    facts: RequestFacts


class AmendPurchaseRequest(Contract):
    round: RoundId
    request: RequestReference
    replaces: Version
    facts: RequestFacts


class WithdrawPurchaseRequest(Contract):
    round: RoundId
    request: RequestReference
    reason: Text = ""


class ReportPurchase(Contract):
    round: RoundId
    request: RequestReference
    application: ApplicationId
    quantity: Positive
    amount_won: Won
    contracted_on: date


class ReportNonPurchase(Contract):
    round: RoundId
    request: RequestReference
    application: ApplicationId
    reason: Text

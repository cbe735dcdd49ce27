"""`verdicts.v1`."""

from datetime import date

from shared.contracts.findings import Change, Finding, VerdictOutcome
from shared.contracts.values import ApplicationId, Contract, Epoch, RoundId, Sha256Hex, Version


class ApplicationJudged(Contract):
    """`findings_hash = SHA-256(canonical JSON of {as_of, findings, policy_hash})`.

    `counterfactual`: the nearest changes that would have made an ineligible one eligible; None where nothing would, or
    nobody asked. It explains and decides nothing, so no hash covers it.
    """

    round: RoundId
    application: ApplicationId
    version: Version
    payload_hash: Sha256Hex
    epoch: Epoch
    outcome: VerdictOutcome
    findings: tuple[Finding, ...]
    findings_hash: Sha256Hex
    policy_hash: Sha256Hex
    as_of: date
    counterfactual: tuple[Change, ...] | None = None

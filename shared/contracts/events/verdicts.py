"""`verdicts.v1`."""

from dataclasses import dataclass
from datetime import date

from shared.contracts.findings import Change, Finding, VerdictOutcome
from shared.contracts.registries import RegistryAnswer
from shared.contracts.values import ApplicationId, Contract, Epoch, Line, Nonce, RoundId, Sha256Hex, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An answer that was judged by. `differs`: the firm had stated otherwise."""

    authority: Line
    """Whose registry it is."""
    answer: RegistryAnswer
    differs: bool = False


class ApplicationJudged(Contract):
    """`findings_hash = SHA-256(canonical JSON of {as_of, findings, nonce, policy_hash})`, where the nonce is the
    judged version's: findings name the firm, and all firms can be tried. Of before it was stated it is not in the hash.

    `counterfactual`: the nearest changes that would have made an ineligible one eligible; None where nothing would, or
    nobody asked. It explains and decides nothing, so no hash covers it.
    `evidence`: what registries said, where the policy asks any; what the findings saw is as they said it.
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
    evidence: tuple[Evidence, ...] | None = None
    nonce: Nonce | None = None

"""Judges an application under a policy. Pure: the same facts and policy give the same bytes for ever."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from services.eligibility.domain.compiled import BoundRule, PolicyRules
from services.eligibility.domain.observation import Observation, unknown
from shared.contracts.facts import ApplicationFacts
from shared.contracts.findings import Finding, FindingOutcome, VerdictOutcome
from shared.contracts.policy import Waiver

_PASS, _WAIVED = FindingOutcome.PASS, FindingOutcome.WAIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on an application, with its findings.

    `findings_json` is the canonical JSON array of the findings, in the order of the track's conditions. It is what was
    hashed, `findings_hash = SHA-256({"as_of":…,"findings":…,"nonce":…,"policy_hash":…})`, and is stored and published
    unchanged.
    """

    outcome: VerdictOutcome
    as_of: date
    policy_hash: str
    findings_json: str
    findings_hash: str
    conditions: tuple[BoundRule, ...] = field(repr=False, compare=False)
    observations: tuple[Observation, ...] = field(repr=False, compare=False)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Built on demand: the hot path needs only their JSON."""
        return tuple(map(BoundRule.finding, self.conditions, self.observations))


def judge(facts: ApplicationFacts, rules: PolicyRules, nonce: str | None = None) -> Verdict:
    """Judges every condition of the applicant's track, then applies waivers. `nonce`: that of the judged version; None
    for a verdict that is not published."""
    track = rules.tracks.get(facts.track, rules.no_such_track)
    conditions = track.conditions
    observations = tuple([bound.observe(facts, bound.terms) for bound in conditions])
    outcome = VerdictOutcome.ELIGIBLE
    if not all([observation[0] is _PASS for observation in observations]):  # noqa: C419 -- a list is twice as fast
        if track.waivers:
            observations = _waive(conditions, observations, track.waivers)
        outcome = outcome_of(
            seen.outcome for bound, seen in zip(conditions, observations, strict=True) if bound.decides
        )
    return _verdict(outcome, conditions, observations, rules, nonce)


def parked(rules: PolicyRules, fault: str, nonce: str | None = None) -> Verdict:
    """A verdict that says that judging failed: the round waits until officers act."""
    conditions = rules.no_judgement.conditions
    observations = (unknown("a judgement", fault),)
    return _verdict(VerdictOutcome.PARKED, conditions, observations, rules, nonce)


def _waive(
    conditions: Sequence[BoundRule], observations: Sequence[Observation], waivers: Iterable[Waiver]
) -> tuple[Observation, ...]:
    pairs = tuple(zip(conditions, observations, strict=True))
    waived = waived_rules({bound.rule: observation.outcome for bound, observation in pairs}, waivers)
    return tuple(Observation(_WAIVED, *seen[1:]) if bound.rule in waived else seen for bound, seen in pairs)


def waived_rules(outcomes: Mapping[str, FindingOutcome], waivers: Iterable[Waiver]) -> set[str]:
    """Rules that did not pass and need not. A waiver requires real passes, so that no waiver rests on another."""
    return {
        rule
        for waiver in waivers
        if all(outcomes.get(needed) is _PASS for needed in waiver.when)
        for rule in waiver.waives
        if rule in outcomes and outcomes[rule] is not _PASS
    }


def outcome_of(deciding: Iterable[FindingOutcome]) -> VerdictOutcome:
    """Eligible when every deciding finding passed or was waived. Unknown does not pass."""
    if all(outcome is _PASS or outcome is _WAIVED for outcome in deciding):
        return VerdictOutcome.ELIGIBLE
    return VerdictOutcome.INELIGIBLE


def _verdict(
    outcome: VerdictOutcome,
    conditions: tuple[BoundRule, ...],
    observations: tuple[Observation, ...],
    rules: PolicyRules,
    nonce: str | None,
) -> Verdict:
    findings_json = f"[{','.join(map(BoundRule.canonical, conditions, observations))}]"
    salted = f',"nonce":"{nonce}"' if nonce else ""
    hashed = f"{rules.hashed_head}{findings_json}{salted}{rules.hashed_tail}".encode()
    findings_hash = sha256(hashed).hexdigest()
    return Verdict(
        outcome=outcome,
        as_of=rules.as_of,
        policy_hash=rules.policy_hash,
        findings_json=findings_json,
        findings_hash=findings_hash,
        conditions=conditions,
        observations=observations,
    )


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as ApplicationJudged writes it: every field, null where there is nothing."""
    return {
        "rule": finding.rule,
        "legal_source": finding.legal_source,
        "outcome": finding.outcome.value,
        "seen": finding.seen,
        "needed": finding.needed,
        "margin": finding.margin,
        "unit": finding.unit.value if finding.unit else None,
        "decides": finding.decides,
    }


def findings_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [finding_json(finding) for finding in findings]

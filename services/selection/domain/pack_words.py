"""Findings in words for readers of a pack: what was seen and needed, by which margin, and the ground of a waiver."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from services.selection.domain.pack_result import Json
from shared.contracts.events import Language
from shared.contracts.events.verdicts import Evidence
from shared.contracts.findings import Finding, FindingOutcome
from shared.wording.evidence_words import evidence_of, explain_evidence
from shared.wording.explanation import explain

_FINDINGS: Final = TypeAdapter(tuple[Finding, ...])
_EVIDENCE: Final = TypeAdapter(tuple[Evidence, ...])


def findings_in_words(
    findings: Sequence[Json], evidence: Sequence[Json] | None, waivers: Iterable[Json], language: Language
) -> list[dict[str, Any]]:
    """One row per finding, in order. `waivers`: those of the track in the policy."""
    read = _FINDINGS.validate_python(findings)
    answers = _EVIDENCE.validate_python(evidence or (), strict=False)
    grounds = _grounds(read, waivers)
    return [
        {
            "rule": explained.rule,
            "decides": finding.decides,
            "outcome": explained.outcome,
            "seen": explained.seen,
            "needed": explained.needed,
            "margin": explained.gap,
            "legal_source": explained.legal_source,
            "waived_by": grounds.get(finding.rule) if finding.outcome is FindingOutcome.WAIVED else None,
            "registries": [explain_evidence(each, language) for each in evidence_of(finding, answers)],
        }
        for finding in read
        for explained in (explain(finding, language),)
    ]


def waivers_of(policy: Json, track: str) -> list[Json]:
    """The waivers of a track."""
    return [waiver for own in policy["tracks"] if own["track"] == track for waiver in own.get("waivers", ())]


def _grounds(findings: Iterable[Finding], waivers: Iterable[Json]) -> dict[str, str]:
    """By waived rule, the legal source of the first waiver that applies."""
    passed = {finding.rule for finding in findings if finding.outcome is FindingOutcome.PASS}
    grounds: dict[str, str] = {}
    for waiver in waivers:
        if passed.issuperset(waiver["when"]):
            for rule in waiver["waives"]:
                grounds.setdefault(rule, waiver["legal_source"])
    return grounds

"""An application's state as its applicant sees it: in a line, and stage by stage with its moments."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from services.portal.domain.rounds import Round, Step
from services.portal.domain.texts import Texts
from shared.contracts.events.verdicts import Evidence
from shared.contracts.findings import Finding
from shared.wording.explanation import Explained, explain

_FINDINGS: Final[TypeAdapter[tuple[Finding, ...]]] = TypeAdapter(tuple[Finding, ...])
_EVIDENCE: Final[TypeAdapter[tuple[Evidence, ...]]] = TypeAdapter(tuple[Evidence, ...])
RESULTS: Final = {
    "ProductSelected": "selected",
    "AwardsChanged": "selected",
    "ReservePromoted": "selected",
    "ProductReserved": "reserved",
    "ProductNotSelected": "not_selected",
}
_STAGES: Final = (
    (Step.JUDGED, "EligibilityCompleted", "completed_at"),
    (Step.COMMITTED, "InputsCommitted", "committed_at"),
    (Step.PROPOSED, "SelectionProposed", "proposed_at"),
    (Step.CONFIRMED, "SelectionConfirmed", "confirmed_at"),
    (Step.FINAL, "RoundFinalized", "finalized_at"),
)


def state_of(status: Mapping[str, Any] | None, texts: Texts) -> str:
    """The state in a line; that it can't be had now, if there is no status."""
    if status is None:
        return texts("own.unknown")
    if status["withdrawn"]:
        return texts("own.withdrawn")
    if status["left"]:
        return texts("own.left")
    if status["result_type"]:
        return texts(f"own.{RESULTS.get(status['result_type'], 'not_selected')}")
    if status["verdict"]:
        return texts(f"own.{status['verdict']['outcome']}")
    return texts("own.contested" if status["contested"] else "own.received")


def stages(round_: Round, receipts: Sequence[Mapping[str, Any]], texts: Texts) -> list[tuple[str, str, bool]]:
    """Each stage: its name, its moment where one is known, and whether it is reached."""
    order = list(Step)
    reached = order.index(round_.reached)
    received = texts.second(datetime.fromisoformat(receipts[0]["received_at"]))
    found = [(texts("own.received"), received, True)]
    closes = texts.minute(round_.closes_at)
    found.append((texts("step.frozen"), closes, reached >= order.index(Step.FROZEN)))
    for step, kind, member in _STAGES:
        moment = round_.published(kind, member)
        shown = texts.minute(datetime.fromisoformat(moment)) if moment else ""
        found.append((texts(f"step.{step}"), shown, reached >= order.index(step)))
    return found


def findings_of(verdict: Mapping[str, Any] | None, texts: Texts) -> list[Explained]:
    """The verdict's findings in words."""
    if verdict is None:
        return []
    evidence = _EVIDENCE.validate_python(verdict.get("evidence") or ())
    found = _FINDINGS.validate_python(verdict["findings"])
    return [explain(finding, texts.language, evidence) for finding in found]


def reason_of(result: Mapping[str, Any] | None, texts: Texts) -> str:
    """Why it was not selected; empty if it was, or nothing is said."""
    code = (result or {}).get("reason")
    key = f"reason.{code}"
    return texts(key) if code and texts.has(key) else str(code or "")

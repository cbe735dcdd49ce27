"""Which record of ours a kept document is: by its type as a CloudEvent or a line of a bundle, or by members that no
other has."""

from collections.abc import Mapping
from typing import Any, Final

RECEIPT: Final = "a receipt"
PROOF: Final = "a proof"
ROUND: Final = "what GET /rounds/{id} answered"
PACK: Final = "a pack"
BUNDLE: Final = "a bundle"
_KINDS: Final = {
    BUNDLE: "bundle depth epoch round",
    PACK: "pack commitments result application",
    PROOF: "leaf bucket bucket_path manifest_path manifest_root",
    RECEIPT: "application version payload_hash nonce received_at withdrawn",
    ROUND: "round status opens_at closes_at policy_hash lead_seconds",
    "AuditHead": "service count head previous_head",
    "InboxAnswered": "institution answer quotes offset",
    "RoundNoticed": "institution round turn roots",
    "AwardNoticed": "institution round application product awards selection_root",
    "AwardWithdrawn": "institution round application epoch selection_root",
    "RoundAmended": "round amendment amended_at policy_hash",
    "RoundOpened": "round policy policy_hash institutions",
    "RoundAnnounced": "round policy policy_hash sources",
    "RoundExtended": "round closes_at closed_at_before",
    "RoundFrozen": "round epoch frozen_at applications",
    "EpochOpened": "round epoch opened_at applications judge_again",
    "EligibilityCompleted": "round epoch applications_root verdicts completed_at",
    "ScoresClosed": "round epoch marks marks_root",
    "InputsCommitted": "round epoch commitment_root entries_root committed_at",
    "SourceValueRecorded": "round epoch source value recorded_at",
    "SelectionProposed": "round epoch selection_root seed proposed_at",
    "SelectionConfirmed": "round epoch commitment_root selection_root confirmed_at",
    "CommitmentTimeStamped": "round epoch commitment_root token stamped_at",
    "ReleaseOpened": "round epoch batch leaving cancelled",
    "ReleaseProposed": "round epoch batch batch_root state_hash",
    "ReleaseConfirmed": "round epoch batch batch_root confirmed_at",
    "RegistryWaived": "round registry waived_at",
    "RoundFinalized": "round epoch finalized_at",
    "RoundVoided": "round voided_at",
}
_MEMBERS: Final = {kind: frozenset(members.split()) for kind, members in _KINDS.items()}
EVENTS: Final = frozenset(list(_KINDS)[list(_KINDS).index("RoundAmended") :])
"""Of rounds.v1 and milestones.v1, which bundles have."""
_HEADS: Final = ("AuditHeadPublished", "AuditHeadNoticed")


def kind_of(document: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The kind and its body; None of what is no record of ours, or lacks what tells it."""
    name, body = _typed(document)
    if name in _HEADS:
        name = "AuditHead"
    if not isinstance(body, dict) or (name is not None and name not in _MEMBERS):
        return None
    kinds = _MEMBERS if name is None else {name: _MEMBERS[name]}
    kind = next((kind for kind, members in kinds.items() if members <= body.keys()), None)
    return (kind, body) if kind is not None else None


def _typed(document: Mapping[str, Any]) -> tuple[str | None, Any]:
    """Of a CloudEvent in structured mode and of a line of a bundle, what it says it is."""
    stated = document.get("type")
    if isinstance(stated, str) and stated.startswith("kr.firstbuy.") and "data" in document:
        return stated.removeprefix("kr.firstbuy.").partition(".")[0], document["data"]
    if stated in ("event", "later") and isinstance(document.get("event"), str):
        return document["event"], document.get("body")
    return None, document

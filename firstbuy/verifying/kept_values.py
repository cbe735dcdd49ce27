"""What one copy comes to; when two values are the same, and how one is quoted."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from firstbuy.verifying.findings import Findings

LONGEST: Final = 100
"""Signs of a value that are quoted."""
MOMENTS: Final = {
    "announced": ("RoundAnnounced", "opens_at", "opens_at"),
    "amended": ("RoundAmended", "amended_at", "occurred_at"),
    "opened": ("RoundOpened", "opens_at", "occurred_at"),
    "extended": ("RoundExtended", "closes_at", "closes_at"),
    "frozen": ("RoundFrozen", "frozen_at", "occurred_at"),
    "committed": ("InputsCommitted", "committed_at", "occurred_at"),
    "time-stamped": ("CommitmentTimeStamped", "stamped_at", "occurred_at"),
    "published": ("SelectionConfirmed", "confirmed_at", "occurred_at"),
    "released": ("ReleaseConfirmed", "confirmed_at", "occurred_at"),
    "final": ("RoundFinalized", "finalized_at", "occurred_at"),
    "voided": ("RoundVoided", "voided_at", "occurred_at"),
}
"""By the turn that a notice tells: the event, and which of its moments is which of the notice's. An announcement and an
extension are told of when the broker took them, which no event states."""
BESIDE: Final = frozenset({"timestamp", "type", "id", "time"})
"""What may stand beside an event's own members."""


@dataclass(slots=True)
class Kept(Findings):
    """Of one file: what it backs, what it contradicts, and, in `says`, all else."""

    says: list[str] = field(default_factory=list)


def same(one: Any, other: Any) -> bool:
    """The same JSON, `true` being no 1; the same moment, however it is written."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other or moment_of(one) == moment_of(other) is not None
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same(one.get(name), other.get(name)) for name in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


def moment_of(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

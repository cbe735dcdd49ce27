"""The root of an announcement is of what its event states, as the verifiers compute it."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain.announcements import announcement_root
from services.selection.verify import ANNOUNCED, Life, unsound
from shared.contracts import events
from shared.contracts.events import RoundAmended, RoundAnnounced

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
STATED: dict[str, dict[str, Any]] = {
    "RoundAnnounced": json.loads((GOLDEN / "RoundAnnounced.v1.5.json").read_text()),
    "RoundAmended": json.loads((GOLDEN / "RoundAmended.v1.2.json").read_text()),
}
REHEARSAL = {
    "real_anchor": "2026-01-01T00:00:00.25Z",
    "programme_anchor": "2018-08-15T00:00:00+09:00",
    "rate": 60,
    "seed": "연습",
}
OTHERS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "a rehearsal without officers": {"rehearsal": REHEARSAL, "unattended": True},
    "no pledges": {"pledges": []},
    "microseconds, of another zone": {"opens_at": "2018-08-16T09:00:00.123456+09:00"},
}


def rooted(name: str, **changes: Any) -> dict[str, Any]:
    """The event's body as it is published."""
    model: type[RoundAnnounced] | type[RoundAmended] = getattr(events, name)
    event = model.model_validate_json(json.dumps(STATED[name] | {"announcement_root": None} | changes))
    published = event.model_copy(update={"announcement_root": announcement_root(event)})
    body: dict[str, Any] = json.loads(published.model_dump_json())
    return body


def faults(name: str, body: dict[str, Any]) -> list[str]:
    return [fault for fault, _ in unsound(Life([{"event": name, "body": body}]), 2)]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", STATED)
def test_the_verifier_computes_the_same_root(name: str, other: str) -> None:
    assert faults(name, rooted(name, **OTHERS[other])) == []


@pytest.mark.parametrize("name", STATED)
def test_the_golden_messages_have_their_roots(name: str) -> None:
    assert rooted(name)["announcement_root"] == STATED[name]["announcement_root"]


@pytest.mark.parametrize("member", [*ANNOUNCED, "pledges"])
def test_whatever_is_announced_otherwise_has_another_root(member: str) -> None:
    body = rooted("RoundAnnounced")
    other = {
        "rehearsal": REHEARSAL,
        "unattended": True,
        "lead_seconds": 1,
        "policy_hash": "0" * 64,
        "round": "other",
        "title": "other",
        "sources": body["sources"][:1],
        "pledges": body["pledges"][:1],
    }
    changed = body | {member: other.get(member, "2018-08-16T00:00:01Z")}
    assert "announcement-root" in faults("RoundAnnounced", changed)
    assert rooted("RoundAnnounced", **changed)["announcement_root"] != body["announcement_root"]

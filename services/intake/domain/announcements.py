"""The root of an announcement, by which anyone notices terms or pledges that were changed afterwards."""

from typing import Final

from shared.contracts.events import RoundAmended, RoundAnnounced
from shared.proof.canonical import json_hash

TERMS: Final = {
    "closes_at",
    "lead_seconds",
    "opens_at",
    "policy_hash",
    "rehearsal",
    "round",
    "sources",
    "title",
    "unattended",
}
"""Fields of an announcement that its root covers, beside the pledges."""


def announcement_root(event: RoundAnnounced | RoundAmended) -> str:
    """SHA-256 in hex of canonical JSON of the terms as the event states them, with its pledges as `[[institution, won],
    …]`."""
    pledges = [[pledge.institution, pledge.pledge_won] for pledge in event.pledges or ()]
    return json_hash(event.model_dump(mode="json", include=TERMS) | {"pledges": pledges})

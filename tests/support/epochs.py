"""A round that is judged and drawn, whose next epoch is opened."""

from typing import Any

from tests.support.rounds import (
    Office,
    application,
    clock_map,
    purchase_request,
    write_inbox,
)

ENVIRONMENT = {
    "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3",
    "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3",
    "FIRSTBUY_ELIGIBILITY_REPAIR_SECONDS": "1",
    "FIRSTBUY_SELECTION_REPAIR_SECONDS": "1",
}


async def enter(office: Office, round_id: str, numbers: range) -> list[dict[str, Any]]:
    answers = [await office.client.post(f"/rounds/{round_id}/applications", json=application(n)) for n in numbers]
    return [answer.raise_for_status().json() for answer in answers]


async def opened_round(office: Office, seconds: float = 4, **terms: Any) -> str:
    round_id = await office.announce(rehearsal=clock_map(seconds, seed="one seed"), **terms)
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    await write_inbox(office.stack, "kepco", ("SubmitPurchaseRequest", "m1", purchase_request(round_id, "r1")))
    return round_id


async def standing(office: Office, round_id: str) -> dict[str, Any]:
    """The terms of an act on the set as it stands."""
    shown = await office.shown(round_id)
    return {"epoch": shown["epoch"], "applications_root": shown["applications_root"]}

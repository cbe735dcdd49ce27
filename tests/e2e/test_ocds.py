"""A real round as open data at every turn, and the official validator's word on what the running service answers."""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx2
from typer.testing import CliRunner

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.ocds_validator import Validator
from tests.support.open_data import Published
from tests.support.rounds import CLOSES, Office, application, clock_map, purchase_request, write_inbox

FIRMS = 4
INELIGIBLE = "시험기업 0"


async def test_a_round_is_open_data_from_its_announcement_to_its_purchases(
    start_stack: StartStack, validator: Validator, tmp_path: Path
) -> None:
    stack = await start_stack(
        services=("intake", "eligibility", "selection"), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"}
    )
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco", disclosed=30_000_000)
        await office.institution("lh")
        round_id = await office.announce("disclosed", rehearsal=clock_map(9, opens_in=1.5))
        url = f"{stack.url('selection')}/rounds/{round_id}/ocds"
        seen = Published(client, url, validator, tmp_path / "package.json")

        async def known() -> bool:
            return (await client.get(url)).status_code == 200

        await until(known, "the announcement is open data")
        await seen.get()
        seen.valid()
        assert (await client.get(f"{stack.url('selection')}/rounds/other/ocds")).status_code == 404
        await office.status(round_id, "open")
        request = purchase_request(round_id, "r1", quantity=6, budget_won=20_000_000)
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m1", request))
        for number in range(FIRMS):
            body = application(number, capacity=2)
            body["certificates"] = body["certificates"] if number else []
            (await client.post(f"/rounds/{round_id}/applications", json=body)).raise_for_status()
        later = (CLOSES + timedelta(days=2)).isoformat()
        await office.act(round_id, "extend", {"closes_at": later})
        await seen.wait_for("extended-1")

        await office.milestone(round_id, "SelectionProposed")
        await seen.wait_for("committed-1")
        seen.valid()
        hidden = ('"awards"', "kepco/r1", "시험기업", "제품 1")
        assert not [word for word in hidden if word in seen.text()], "nothing of a result that is not confirmed"
        await office.confirm(round_id)
        results = await office.results(round_id, FIRMS)
        await seen.wait_for("confirmed-1")
        selected = [result["application"] for result in results if result["result"] == "ProductSelected"]
        assert INELIGIBLE not in seen.text(), "no name of who was not selected"
        assert "@example.org" not in seen.text()
        assert "담당자" not in seen.text()

        await _each_report_makes_a_release(round_id, client, office, selected, stack, seen)

        await _a_second_epoch_is_a_release_too(office, round_id, seen, client, stack, tmp_path)


async def _each_report_makes_a_release(
    round_id: str,
    client: httpx2.AsyncClient,
    office: Office,
    selected: Sequence[str],
    stack: Stack,
    seen: Published,
) -> None:
    """Amounts and names are in it, free text and what an institution may not report are not."""
    first, second, third = selected
    pledged = {"pledges": [{"round": round_id, "won": 30_000_000}]}
    (await client.put("/institutions/kepco", json=pledged, headers=office.officers[0])).raise_for_status()
    renamed = {"name": "한국전력공사 (새 이름)", "reason": "by an act of parliament"}
    (await client.put("/institutions/kepco/name", json=renamed, headers=office.officers[0])).raise_for_status()
    about = {"round": round_id, "request": "r1"}
    bought = about | {"application": first, "quantity": 2, "contracted_on": "2019-06-03"}
    for number, won in enumerate((1_900_000, 2_000_000)):
        report = ("ReportPurchase", f"p{number}", bought | {"amount_won": won})
        await write_inbox(stack, "kepco", report)
    declined = about | {"application": second, "reason": "call 010-0000-0000 for why"}
    await write_inbox(stack, "kepco", ("ReportNonPurchase", "p2", declined))
    stranger = about | {"application": third, "quantity": 1, "contracted_on": "2019-06-03", "amount_won": 1}
    await write_inbox(stack, "lh", ("ReportPurchase", "x1", stranger))
    ocid = f"ocds-000000-{round_id}-kepco.r1"

    async def reported() -> bool:
        await seen.get()
        return sum(name.startswith(ocid) for name, _ in seen.releases) == 3

    await until(reported, "each report makes a release")
    contracts = [
        release["contracts"][0]["value"]["amount"] for release in seen.releases.values() if "contracts" in release
    ]
    assert contracts == [1_900_000, 2_000_000]
    assert {release["buyer"]["name"] for release in seen.releases.values() if "buyer" in release} == {renamed["name"]}
    assert "010-0000-0000" not in seen.text(), "free text of a report stays out"


async def _a_second_epoch_is_a_release_too(
    office: Office, round_id: str, seen: Published, client: httpx2.AsyncClient, stack: Stack, tmp_path: Path
) -> None:
    shown = await office.shown(round_id)
    terms = {"epoch": 1, "applications_root": shown["applications_root"], "source": "rehearsal"}
    await office.act(round_id, "admit-late", terms, entry=application(99, capacity=2))
    await office.confirm(round_id, epoch=2)
    await office.results(round_id, FIRMS + 1)

    await seen.wait_for("confirmed-2")
    seen.valid()
    policy = (await client.get(f"{stack.url('selection')}/rounds/{round_id}/policy")).content
    assert hashlib.sha256(policy).hexdigest() == shown["policy_hash"]
    file = tmp_path / "exported.json"
    asked = ["round", "ocds", round_id, "-o", str(file), "--url", stack.url("selection")]
    told = CliRunner().invoke(assembled(), asked)
    assert told.exit_code == 0, told.output
    assert json.loads(file.read_bytes())["releases"] == list(seen.releases.values())

"""The evidence of a real round, of its first result and of a later epoch's, checked by the verifier."""

import io
import json
from pathlib import Path
from typing import Any

import httpx2
from typer.testing import CliRunner

from deploy.cli import assembled
from services.selection.verify import Report, examine
from tests.conftest import StartStack
from tests.integration.consuming import until
from tests.rounds import Office, application, clock_map, purchase_request, write_inbox

FIRMS = 12


async def test_every_result_has_its_evidence_in_both_depths(start_stack: StartStack, tmp_path: Path) -> None:
    stack = await start_stack(
        services=("intake", "eligibility", "selection"), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"}
    )
    url, operator = stack.url("selection"), {"Authorization": f"Bearer {stack.operator_token}"}
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce("evident", rehearsal=clock_map(4))
        await office.institution("kepco", evident=30_000_000)
        await office.status(round_id, "open")
        asked = [
            ("SubmitPurchaseRequest", f"m{n}", purchase_request(round_id, f"r{n}", quantity=2 + n)) for n in range(3)
        ]
        await write_inbox(stack, "kepco", *asked)
        for number in range(FIRMS):
            body = application(number)
            body["certificates"] = body["certificates"] if number % 4 else []
            (await client.post(f"/rounds/{round_id}/applications", json=body)).raise_for_status()

        async def bundle(depth: str, headers: dict[str, str] | None = None, **asked: Any) -> httpx2.Response:
            return await client.get(
                f"{url}/rounds/{round_id}/evidence", params={"depth": depth} | asked, headers=headers
            )

        assert (await bundle("public")).status_code in (404, 409), "nothing before there is a result"
        proposed = await office.milestone(round_id, "SelectionProposed")
        assert (await bundle("public")).json()["type"].endswith("not-published")
        assert (await bundle("auditor")).status_code == 401

        async def read_back() -> bool:
            return (await bundle("auditor", operator)).status_code == 200

        await until(read_back, "selection has read its own proposal back")
        early = examined(await bundle("auditor", operator))
        assert early.differs == []
        assert any("officers confirmed" in line for line in early.not_checked)

        before = (await client.get(f"{url}/rounds/{round_id}/chances")).raise_for_status().json()
        assert {kind["was_selected"] for kind in before["kinds"]} == {None}
        assert sum(kind["tickets"] * kind["standing"] for kind in before["kinds"]) == before["of_tickets"]
        await office.confirm(round_id)
        results = await office.results(round_id, FIRMS)
        after = (await client.get(f"{url}/rounds/{round_id}/chances")).json()
        (kind,) = after["kinds"]
        selected = sum(one["result"] == "ProductSelected" for one in results)
        assert selected
        assert kind["was_selected"] == selected / kind["standing"]
        assert abs(kind["selected"] - kind["was_selected"]) < 6 * kind["error"] + 0.1
        mine = {"application": results[0]["application"]}
        own = (await client.get(f"{url}/rounds/{round_id}/chances", params=mine)).raise_for_status().json()
        assert own["first_place"] == own["tickets"] / after["of_tickets"]
        roots = {"commitment": proposed["commitment_root"], "selection": proposed["selection_root"]}
        for depth in ("public", "auditor"):
            answer = await bundle(depth, operator)
            assert answer.headers["content-type"] == "application/x-ndjson"
            report = examined(answer, roots)
            assert (report.differs, report.depth) == ([], depth)
            assert any("two officers confirmed" in line for line in report.checked)
        first = (await bundle("public")).content

        shown = await office.shown(round_id)
        terms = {"epoch": 1, "applications_root": shown["applications_root"], "source": "rehearsal"}
        await office.act(round_id, "admit-late", terms, entry=application(99))
        again = await office.confirm(round_id, epoch=2)
        await office.results(round_id, FIRMS + 1)

        async def of_epoch_two() -> bool:
            return bool(json.loads((await bundle("public")).content.splitlines()[0])["epoch"] == 2)

        await until(of_epoch_two, "the newest result's bundle")
        held = {"commitment": again["commitment_root"], "selection": again["selection_root"]}
        for depth in ("public", "auditor"):
            report = examined(await bundle(depth, operator), held)
            assert report.differs == []
            assert any("for epoch 2 is the first due" in line for line in report.checked), "who came late drew later"
        roots_then = [
            json.loads(one.splitlines()[-1])["root"] for one in (first, (await bundle("public", epoch=1)).content)
        ]
        assert roots_then[0] == roots_then[1], "an earlier result's evidence stays what it was"
        assert (await bundle("public", epoch=3)).status_code == 404

        file = tmp_path / "evident.jsonl"
        exported = CliRunner().invoke(assembled(), ["round", "export", round_id, "-o", str(file), "--url", url])
        assert exported.exit_code == 0, exported.output
        told = CliRunner().invoke(
            assembled(), ["verify", "evidence", str(file), "--selection", again["selection_root"]]
        )
        assert told.exit_code == 0, told.output
        assert "computed again" in told.output
        verifier = (await client.get(f"{url}/verify.py")).text
        assert "Python 3.11 and this file" in verifier


def examined(answer: httpx2.Response, expected: dict[str, str] | None = None) -> Report:
    assert answer.status_code == 200, answer.text[:500]
    return examine(io.BytesIO(answer.content), expected)

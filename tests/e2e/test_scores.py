"""A scored round: a panel's marks come as a file, two officers close them, and the selection rests on exactly those."""

import io
from pathlib import Path
from typing import Any

import httpx2
from typer.testing import CliRunner

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from services.selection.verify import examine
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.rounds import Office, application, clock_map, policy_2018_h2, purchase_request, write_inbox

FIRMS = 8
PANEL = 70


def scored_policy() -> dict[str, Any]:
    """2018-h2, but scored: 60 of 100 points, of which a panel gives 70."""
    steps = [{"record_won_at_most": 0, "points": 30}, {"points": 0}]
    policy = policy_2018_h2() | {
        "method": "score",
        "scoring": {"panel_points": PANEL, "threshold": 60, "supply_record": steps},
    }
    policy.pop("registries", None)
    return policy


async def test_the_selection_rests_on_the_marks_that_were_closed(start_stack: StartStack, tmp_path: Path) -> None:
    stack = await start_stack(
        services=("intake", "eligibility", "selection"), environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"}
    )
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce("scored", policy=scored_policy(), rehearsal=clock_map(4))
        await office.institution("kepco", scored=90_000_000)
        await office.status(round_id, "open")
        request = purchase_request(round_id, "r1", quantity=60, budget_won=80_000_000)
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m1", request))
        ids = []
        for number in range(1, FIRMS + 1):
            answer = await client.post(f"/rounds/{round_id}/applications", json=application(number, capacity=2))
            ids.append(answer.raise_for_status().json()["application"])
        url, officer = f"/rounds/{round_id}/scores", office.officers[0]
        early = await client.post(url, json={"scores": [mark(ids[0], "r-1", 60)]}, headers=officer)
        assert early.json()["type"].endswith("not-frozen")
        await office.status(round_id, "frozen")
        await office.milestone(round_id, "EligibilityCompleted")

        async def standing() -> Any:
            return (await client.get(url, headers=officer)).raise_for_status().json()

        async def verdicts_known() -> bool:
            return all(one["eligible"] for one in (await standing())["applications"])

        await until(verdicts_known, "the read model has every verdict")
        assert (await standing())["closing"]["without_marks"] == FIRMS
        await _refused_whole(ids, client, url, officer, standing)

        points = {one: 69 - 6 * number for number, one in enumerate(ids)}  # the last ones fall below the threshold
        rows = [f"{one},{reviewer},{points[one]},no" for one in ids for reviewer in ("r-1", "r-2")]
        rows += [f"{ids[0]},r-3,0,yes"]
        file = tmp_path / "marks.csv"
        file.write_text("\n".join(["application,reviewer,points,conflict_of_interest", *rows]))
        token = officer["Authorization"].removeprefix("Bearer ")
        run = ["score", "import", round_id, str(file), "--url", stack.url("intake"), "--token", token]
        assert f"{len(rows)} marks taken" in CliRunner().invoke(assembled(), run).output
        assert f"0 marks taken, {len(rows)} stood already" in CliRunner().invoke(assembled(), run).output
        shown = (await standing())["closing"]
        assert (shown["marks"], shown["without_marks"]) == (len(rows), 0)
        milestones = (await office.shown(round_id))["milestones"]
        assert "InputsCommitted" not in {each["type"] for each in milestones}, "nothing before they are closed"

        await _two_officers_close_the_same_marks(office, round_id, shown, client, url, ids, officer, standing)
        proposed = await office.confirm(round_id)
        results = await office.results(round_id, FIRMS)
        expected = [one for one in ids if points[one] + 30 >= 60]
        assert [result["application"] for result in results if result["result"] == "ProductSelected"] == expected, (
            "best first"
        )
        below = [result["reason"] for result in results if result["application"] not in expected]
        assert below == ["below-threshold"] * (FIRMS - len(expected))

        await _the_bundle_shows_them(stack, round_id, client, proposed, rows)
        await _who_comes_late_gets_marks_of_its_own(
            office, round_id, client, stack, ids, url, officer, standing, proposed
        )


async def _refused_whole(ids: list[str], client: httpx2.AsyncClient, url: str, officer: Any, standing: Any) -> None:
    wrong = [mark(ids[0], "r-1", 71), mark("0" * 8 + ids[0][8:], "r-1", 5), mark(ids[1], "r-1", 5)]
    refused = await client.post(url, json={"scores": wrong}, headers=officer)
    assert (refused.status_code, len(refused.json()["errors"])) == (422, 2)
    assert (await standing())["closing"]["marks"] == 0, "all of a file or nothing"


async def _the_bundle_shows_them(
    stack: Stack, round_id: str, client: httpx2.AsyncClient, proposed: dict[str, Any], rows: list[str]
) -> None:
    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    evidence = f"{stack.url('selection')}/rounds/{round_id}/evidence?depth=auditor"
    bundle = (await client.get(evidence, headers=operator)).raise_for_status().content
    report = examine(io.BytesIO(bundle), {"selection": proposed["selection_root"]})
    assert report.differs == []
    assert any(f"{len(rows)} marks are those two officers closed" in line for line in report.checked)


async def _two_officers_close_the_same_marks(
    office: Office,
    round_id: str,
    shown: Any,
    client: httpx2.AsyncClient,
    url: str,
    ids: list[str],
    officer: Any,
    standing: Any,
) -> None:
    stale = (await office.propose(round_id, "close-scores", shown)).raise_for_status().json()["act"]
    changed = await client.post(url, json={"scores": [mark(ids[0], "r-1", 68)]}, headers=officer)
    assert changed.json()["taken"] == 1
    moved = await client.post(f"/rounds/{round_id}/acts/{stale}/approval", headers=office.officers[1])
    assert moved.json()["type"].endswith("roots-moved"), "two officers agree on the same marks"
    await office.act(round_id, "close-scores", (await standing())["closing"])
    late = await client.post(url, json={"scores": [mark(ids[0], "r-1", 70)]}, headers=officer)
    assert late.json()["errors"][0]["code"] == "closed"


async def _who_comes_late_gets_marks_of_its_own(
    office: Office,
    round_id: str,
    client: httpx2.AsyncClient,
    stack: Stack,
    ids: list[str],
    url: str,
    officer: Any,
    standing: Any,
    proposed: Any,
) -> None:
    """What was committed stays."""
    shown_now = await office.shown(round_id)
    terms = {"epoch": 1, "applications_root": shown_now["applications_root"], "source": "rehearsal"}
    admitted = (await office.act(round_id, "admit-late", terms, entry=application(99, capacity=2)))["receipt"]
    await office.milestone(round_id, "EligibilityCompleted", epoch=2)

    async def waits_for_marks() -> bool:
        told = (await client.get(f"{stack.url('selection')}/rounds/{round_id}/completeness")).json()
        return (told["epoch"], told.get("panel_marks")) == (2, "open")

    await until(waits_for_marks, "who was admitted late needs marks too")
    both = {"scores": [mark(ids[0], "r-1", 1), mark(admitted["application"], "r-1", 69)]}
    kept = await client.post(url, json=both, headers=officer)
    assert [error["code"] for error in kept.json()["errors"]] == ["closed"], "what was committed stays"
    assert (await client.post(url, json={"scores": both["scores"][1:]}, headers=officer)).json()["taken"] == 1

    async def closing() -> bool:
        return bool((await standing())["closing"] and (await standing())["closing"]["without_marks"] == 0)

    await until(closing, "the read model has the late one's verdict")
    await office.act(round_id, "close-scores", (await standing())["closing"])
    again = await office.confirm(round_id, epoch=2)
    assert again["selected"] == proposed["selected"] + 1
    assert (await standing())["closing"] is None, "nobody was admitted since"


def mark(application: str, reviewer: str, points: int) -> dict[str, Any]:
    return {"application": application, "reviewer": reviewer, "points": points}

"""From award to contract: reported, not purchased with a reason, or overdue and reminded, once."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import openpyxl
from typer.testing import CliRunner

from deploy.local.stack import Stack
from firstbuy.cli import assembled
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import OPENS, Office, application, purchase_request, write_inbox

FIRMS = 3


async def test_every_award_is_followed_until_something_is_said_of_it(start_stack: StartStack) -> None:
    stack = await start_stack(environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3"})
    selection = stack.url("selection")
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco", bought=90_000_000)
        await office.institution("lh")
        anchor = datetime.now(UTC)
        rehearsal = {"real_anchor": str(anchor), "programme_anchor": str(OPENS), "rate": 500_000, "seed": "purchases"}
        round_id = await office.announce("bought", rehearsal=rehearsal)
        await office.status(round_id, "open")
        request = purchase_request(round_id, "r1", quantity=6, budget_won=60_000_000)
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m1", request))
        for number in range(1, FIRMS + 1):
            entered = await client.post(f"/rounds/{round_id}/applications", json=application(number, capacity=2))
            entered.raise_for_status()
        await office.confirm(round_id)
        results = await office.results(round_id, FIRMS)
        first, second, third = (result["application"] for result in results)

        async def purchases() -> dict[str, dict[str, Any]]:
            answer = (await client.get(f"{selection}/rounds/{round_id}/purchases")).raise_for_status().json()
            return {purchase["application"]: purchase for purchase in answer["purchases"]}

        about = {"round": round_id, "request": "r1"}
        bought = about | {"application": first, "quantity": 2, "contracted_on": "2019-06-03"}
        await write_inbox(
            stack,
            "kepco",
            ("ReportPurchase", "p1", bought | {"amount_won": 1_900_000}),
            ("ReportPurchase", "p2", bought | {"amount_won": 2_000_000}),
            ("ReportNonPurchase", "p3", about | {"application": second, "reason": "=budget cut"}),
        )
        await write_inbox(stack, "lh", ("ReportPurchase", "x1", bought | {"application": third, "amount_won": 1}))

        async def said() -> bool:
            states = {application: one["state"] for application, one in (await purchases()).items()}
            return states == {first: "contracted", second: "not-purchased", third: "overdue"}

        await until(said, "two are reported, of the third nothing was said in time", 60)
        rows = await purchases()
        assert rows[first]["contracted_won"] == 2_000_000, "the newest report stands"
        assert rows[second]["reason"] == "=budget cut"
        assert rows[third]["contracted_won"] is None, "one institution says nothing of another's award"
        assert timedelta(days=55) < datetime.fromisoformat(rows[third]["due_on"]) - OPENS.replace(tzinfo=None)

        async def reminded() -> bool:
            return bool(await reminders(stack))

        await until(reminded, "the institution is reminded")
        (reminder,) = await reminders(stack)
        assert (reminder["application"], reminder["request"]) == (third, "kepco/r1")
        await as_tables(client, stack, round_id, rows[third])
        await at_a_glance(office, rows)


async def at_a_glance(office: Office, rows: dict[str, dict[str, Any]]) -> None:
    """Intake shows an institution the same that selection's tables say, with the links it was told."""
    shown = (await office.client.get("/institutions/kepco", headers=office.officers[0])).raise_for_status().json()
    (of_round,) = shown["rounds"]
    won = {name: of_round[f"{name}_won"] for name in ("pledge", "asked", "matched", "contracted", "left")}
    assert list(won.values()) == [90_000_000, 60_000_000, 6_000_000, 2_000_000, 84_000_000], won
    assert (of_round["awards"], of_round["overdue"]) == (3, 1)
    (request,) = of_round["requests"]
    assert (request["request"], request["state"], request["version"]) == ("kepco/r1", "standing", 1)
    awards = {award["application"]: award for award in request["awards"]}
    for identifier, row in rows.items():
        same = {name: row[name] for name in ("state", "due_on", "contracted_won", "contracted_on", "reason", "product")}
        assert same.items() <= awards[identifier].items()
    noticed = await outbox(office.stack, "AwardNoticed")
    assert {one["application"]: one["pack"] for one in noticed} == {name: one["pack"] for name, one in awards.items()}


async def as_tables(client: httpx2.AsyncClient, stack: Stack, round_id: str, overdue: dict[str, Any]) -> None:
    """The same in each form, read back by others."""
    url = f"{stack.url('selection')}/rounds/{round_id}"
    (pledge,) = (await client.get(f"{url}/pledges")).json()
    assert pledge == {
        "institution": "kepco",
        "institution_name": "기관 kepco",
        "pledge_won": 90_000_000,
        "awarded_won": 6_000_000,
        "awards": 3,
        "contracted_won": 2_000_000,
        "left_won": 84_000_000,
        "overdue": 1,
        "overdue_won": overdue["awarded_won"],
    }
    asked = {"Accept": "text/csv"}
    table = (await client.get(f"{url}/purchases", headers=asked)).content.decode()
    assert table.startswith("\ufeffinstitution,institution_name,request,")
    assert "'=budget cut" in table, "no cell is taken for a formula"
    asked = {"Accept": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    answer = (await client.get(f"{url}/purchases", headers=asked)).raise_for_status()
    assert answer.headers["content-disposition"] == f'attachment; filename="{round_id}-purchases.xlsx"'
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    read = [dict(zip(heads, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert {one["state"] for one in read} == {"contracted", "not-purchased", "overdue"}
    bought = next(one for one in read if one["state"] == "contracted")
    assert (bought["contracted_won"], bought["contracted_on"].date().isoformat()) == (2_000_000, "2019-06-03")
    assert next(one for one in read if one["state"] == "not-purchased")["reason"] == "=budget cut"
    results = (await client.get(f"{url}/results")).raise_for_status().json()
    assert [result["position"] for result in results["results"]] == list(range(1, FIRMS + 1))
    assert sum(result["awarded_won"] for result in results["results"]) == 6_000_000
    (listed,) = [result for result in results["results"] if result["application"] == overdue["application"]]
    assert (listed["product"], listed["institutions"]) == (overdue["product"], "kepco")
    by_command(stack, round_id)


def by_command(stack: Stack, round_id: str) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(assembled(), [*arguments, "--url", stack.url("selection")])
        assert done.exit_code == 0, done.output
        return done.output

    shown = json.loads(run("pledges", round_id, "--json"))
    assert shown[0]["left_won"] == 84_000_000
    assert "84,000,000" in run("pledges", round_id)
    folder = stack.state.folder
    for name, command, head in (
        ("pledges", ("pledges", round_id), "약정 잔액(원)"),
        ("purchases", ("purchases", round_id), "미구매 사유"),
        ("results", ("round", "results", round_id), "추첨권"),
    ):
        for kind in ("csv", "xlsx"):
            file = folder / f"{name}.{kind}"
            run(*command, "-o", str(file), "--language", "ko")
            assert file.stat().st_size
        assert head in (folder / f"{name}.csv").read_text("utf-8-sig").splitlines()[0]
        sheet = openpyxl.load_workbook(folder / f"{name}.xlsx").worksheets[0]
        assert head in [cell.value for cell in sheet[1]]
        assert sheet.freeze_panes == "A2"
    refused = CliRunner().invoke(assembled(), ["pledges", round_id, "-o", "pledges.ods"])
    assert refused.exit_code == 2


async def reminders(stack: Stack) -> list[dict[str, Any]]:
    return await outbox(stack, "PurchaseReminded")


async def outbox(stack: Stack, kind: str) -> list[dict[str, Any]]:
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}institution.kepco.outbox.v1")
    wanted = f"kr.firstbuy.{kind}.v1".encode()
    return [json.loads(record.value) for record in records if dict(record.headers)["ce_type"] == wanted]

"""Reports that can't be true are refused by their field, by Kafka and by table alike, and counted nowhere; the sums of
pledges, purchases and open data are one."""

import json
import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2

from deploy.local.stack import Stack
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox

FIRMS = 3
HEADER = "type,request,application,contracted_quantity,contracted_won,contracted_on"


async def test_a_report_is_held_against_what_was_awarded(start_stack: StartStack) -> None:
    environment = {
        "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3",
        "FIRSTBUY_SELECTION_PUBLIC_URL": "https://selection.firstbuy.example",
    }
    stack = await start_stack(environment=environment)
    selection = stack.url("selection")
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce("reported", rehearsal=clock_map(6, opens_in=2))
        for code in ("kepco", "lh"):
            await office.institution(code, reported=90_000_000)
        await office.status(round_id, "open")
        wanted = purchase_request(round_id, "r1", quantity=4, budget_won=60_000_000)
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m1", wanted))
        entered = [
            (await client.post(f"/rounds/{round_id}/applications", json=application(number, capacity=2))).json()
            for number in range(1, FIRMS + 1)
        ]
        about = {"round": round_id, "request": "r1", "application": entered[0]["application"]}
        early = about | {"quantity": 1, "amount_won": 1, "contracted_on": "2018-09-20"}
        await write_inbox(stack, "kepco", ("ReportPurchase", "early", early))
        await office.confirm(round_id)
        await office.results(round_id, FIRMS)
        rows = (await client.get(f"{selection}/rounds/{round_id}/purchases")).raise_for_status().json()["purchases"]
        first, second = rows
        awarded = {row["application"] for row in rows}
        (reserve,) = [one["application"] for one in entered if one["application"] not in awarded]
        (confirmed,) = await stack_confirmations(stack)
        day = confirmed.date() + timedelta(days=1)  # in Korea the same or the next
        right = about | {"application": first["application"], "contracted_on": str(day)}
        right |= {"quantity": first["awarded_quantity"], "amount_won": first["awarded_won"]}
        false: dict[str, tuple[dict[str, Any], str, str]] = {
            "nobody's": ({"application": str(uuid.uuid4())}, "/application", "unknown-application"),
            "in reserve": ({"application": reserve}, "/application", "no-such-award"),
            "no request": ({"request": "nope"}, "/request", "unknown-request"),
            "units": ({"quantity": 100 * first["awarded_quantity"]}, "/quantity", "above-award"),
            "one more": ({"quantity": first["awarded_quantity"] + 1}, "/quantity", "above-award"),
            "money": ({"amount_won": 1_000_000 * first["awarded_won"]}, "/amount_won", "above-award"),
            "a won more": ({"amount_won": first["awarded_won"] + 1}, "/amount_won", "above-award"),
            "1900": ({"contracted_on": "1900-01-01"}, "/contracted_on", "before-confirmation"),
            "before": ({"contracted_on": str(day - timedelta(days=3))}, "/contracted_on", "before-confirmation"),
            "2206": ({"contracted_on": "2206-07-10"}, "/contracted_on", "in-the-future"),
        }
        sent = [("ReportPurchase", name, right | changed) for name, (changed, _, _) in false.items()]
        await write_inbox(stack, "lh", ("ReportPurchase", "theirs", right))
        await write_inbox(stack, "kepco", *sent, ("ReportPurchase", "right", right))
        told = await answers(stack, "kepco", len(false) + 3)
        for name, (_, pointer, code) in false.items():
            assert told[name]["answer"] == "rejected", name
            assert [(reason["pointer"], reason["code"]) for reason in told[name]["reasons"]] == [(pointer, code)], name
        assert told["early"]["reasons"][0]["code"] == "not-decided", "nothing is reported before the result"
        assert told["right"]["answer"] == "accepted"
        theirs = (await answers(stack, "lh", 1))["theirs"]
        assert theirs["reasons"][0]["code"] == "unknown-request", "another institution's award"
        await by_table(office, round_id, second, confirmed)
        await sums_agree(client, selection, round_id, first["awarded_won"])


async def stack_confirmations(stack: Stack) -> list[Any]:
    database = await asyncpg.connect(stack.database_url("intake"))
    try:
        return [row["confirmed_at"] for row in await database.fetch("SELECT confirmed_at FROM confirmations")]
    finally:
        await database.close()


async def answers(stack: Stack, code: str, count: int) -> dict[str, Any]:
    """By what each quotes, once there are as many."""
    found: dict[str, Any] = {}

    async def all_are() -> bool:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}institution.{code}.outbox.v1")
        wanted = [record for record in records if dict(record.headers)["ce_type"] == b"kr.firstbuy.InboxAnswered.v1"]
        found.update({body["quotes"]: body for body in (json.loads(one.value) for one in wanted)})
        return len(found) >= count

    await until(all_are, f"{count} answers", 30)
    return found


async def by_table(office: Office, round_id: str, award: dict[str, Any], confirmed: Any) -> None:
    """The cell is named as its column is."""
    operator = {"Authorization": f"Bearer {office.stack.operator_token}"}
    cells = f"report-purchase,r1,{award['application']},{award['awarded_quantity'] * 100},1,{confirmed.year - 10}-01-02"
    answer = await office.client.post(
        "/institutions/kepco/uploads",
        params={"round": round_id},
        content=f"{HEADER}\n{cells}\n".encode(),
        headers=operator | {"Content-Type": "text/csv"},
    )
    assert answer.status_code == 201, answer.text
    path = f"/institutions/kepco/uploads/{answer.json()['upload']}"
    shown: dict[str, Any] = {}

    async def answered() -> bool:
        shown.update((await office.client.get(path, headers=operator)).json())
        return bool(shown["answers"]) and shown["answers"][0]["state"] == "rejected"

    await until(answered, "the row is refused", 30)
    assert {error["cell"]: error["code"] for error in shown["answers"][0]["errors"]} == {
        "D2": "above-award",
        "F2": "before-confirmation",
    }


async def sums_agree(client: httpx2.AsyncClient, selection: str, round_id: str, contracted: int) -> None:
    async def counted() -> bool:
        pledges = (await client.get(f"{selection}/rounds/{round_id}/pledges")).raise_for_status().json()
        return any(row["contracted_won"] for row in pledges)

    await until(counted, "the true report is counted", 30)
    pledges = (await client.get(f"{selection}/rounds/{round_id}/pledges")).json()
    purchases = (await client.get(f"{selection}/rounds/{round_id}/purchases")).json()["purchases"]
    package = (await client.get(f"{selection}/rounds/{round_id}/ocds")).raise_for_status().json()
    published = [
        contract["value"]["amount"] for release in package["releases"] for contract in release.get("contracts", ())
    ]
    assert sum(row["contracted_won"] for row in pledges) == contracted
    assert sum(row["contracted_won"] or 0 for row in purchases) == contracted
    assert published == [contracted]

"""A rolling intake over all four services: always open, cut by cut, statuses that end."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import httpx2

from deploy.local.stack import Stack
from shared.programme.working_days import KST, korean_date
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, purchase_request, shipped_policy, write_inbox

OPENS = datetime(2019, 1, 1, 9, tzinfo=KST)
FIRST_CLOSE = datetime(2019, 1, 31, 18, tzinfo=KST)
MONTH_IN_SECONDS = 6
DOCUMENT = {"number": "2018-0001", "issued_on": "2018-06-01", "expires_on": "2020-05-31"}


def rolling() -> dict[str, Any]:
    """As it is shipped, but a status lasts three months."""
    policy = shipped_policy("rolling")
    policy["rolling"]["status_months"] = 3
    policy.pop("registries", None)
    return policy


def entry(number: int) -> dict[str, Any]:
    body = application(number, direct_production=DOCUMENT) | {"track": "small-purchase"}
    body["applicant"] |= {"sme_confirmation": DOCUMENT}
    return body


async def apply(client: httpx2.AsyncClient, number: int, address: str = "small") -> dict[str, Any]:
    key = {"Idempotency-Key": f"key-{number}"}
    answer = await client.post(f"/rounds/{address}/applications", json=entry(number), headers=key)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


async def cuts_of(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    shown = (await client.get("/rounds/small")).raise_for_status().json()
    cuts: list[dict[str, Any]] = shown["cuts"]
    return cuts


async def outbox_of(stack: Stack, kind: str) -> list[dict[str, Any]]:
    records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}institution.kepco.outbox.v1")
    headed = [(dict(record.headers), record.value) for record in records]
    return [json.loads(value) for headers, value in headed if headers["ce_type"] == f"kr.firstbuy.{kind}.v1".encode()]


async def test_it_is_always_open_and_each_cut_is_a_round_of_its_own(start_stack: StartStack) -> None:
    stack = await start_stack(environment={"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5"})
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco", small=40_000_000)
        rate = int(timedelta(days=30).total_seconds() / MONTH_IN_SECONDS)
        anchor = datetime.now(UTC) + timedelta(seconds=1)
        rehearsal = {"real_anchor": str(anchor), "programme_anchor": str(OPENS), "rate": rate, "seed": "rolling"}
        terms = {"opens_at": OPENS.isoformat(), "closes_at": FIRST_CLOSE.isoformat(), "rehearsal": rehearsal}
        await office.announce("small", policy=rolling(), **terms)
        await office.status("small-01", "open")
        check = f"{stack.url('eligibility')}/rounds/small/check"

        async def checked() -> bool:
            answer = await client.post(check, json=entry(1))
            return answer.status_code == 200 and answer.json()["outcome"] == "eligible"

        await until(checked, "a check under the cut that is open")
        await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "first", purchase_request("small", "PR-1")))

        receipts = [await apply(client, 1)]
        numbers = iter(range(2, 10_000))
        while receipts[-1]["round"] != "small-03":  # without a pause, over two cuts
            receipts.append(await apply(client, next(numbers)))
            await asyncio.sleep(0.02)
        assert {receipt["round"] for receipt in receipts} == {"small-01", "small-02", "small-03"}
        windows = {cut["round"]: (cut["opens_at"], cut["closes_at"]) for cut in await cuts_of(client)}
        for receipt in receipts:
            opens_at, closes_at = map(datetime.fromisoformat, windows[receipt["round"]])
            assert opens_at <= datetime.fromisoformat(receipt["received_at"]) < closes_at
        assert windows["small-01"][1] == windows["small-02"][0]
        assert windows["small-02"][1] == windows["small-03"][0]
        assert (await apply(client, 1))["application"] == receipts[0]["application"], "a retry enters no other cut"

        async def answered() -> bool:
            return any(one["round"] == "small-01" for one in await outbox_of(stack, "InboxAnswered"))

        await until(answered, "the request is in the cut that was open")
        before = korean_date(datetime.fromisoformat((await office.shown("small-01"))["now"]))
        proposal = await office.confirm("small-01")
        assert proposal["selected"] >= 1
        entered = [receipt["application"] for receipt in receipts if receipt["round"] == "small-01"]
        results = await office.results("small-01", len(entered))
        assert sorted(result["application"] for result in results) == sorted(entered)
        selected = [result for result in results if result["result"] == "ProductSelected"]
        after = korean_date(datetime.fromisoformat((await office.shown("small-01"))["now"]))
        until_day = korean_date(datetime.fromisoformat(selected[0]["status_until"]))
        assert before + timedelta(days=89) <= until_day <= after + timedelta(days=92), "three months later"

        for round_id in ("small-01", "small-02"):
            shown = await office.shown(round_id)
            assert shown["policy"]["as_of"] == korean_date(datetime.fromisoformat(shown["closes_at"])).isoformat()
        second = await office.milestone("small-02", "EligibilityCompleted")
        assert second["eligible"] == sum(receipt["round"] == "small-02" for receipt in receipts)

        await _voided_the_newest_is_the_last(client, office)

        await _the_statuses_end(office, entered, stack, selected)


async def _voided_the_newest_is_the_last(client: httpx2.AsyncClient, office: Office) -> None:
    newest = (await cuts_of(client))[-1]["round"]
    await office.act(newest, "void", {})
    await asyncio.sleep(1)
    assert (await cuts_of(client))[-1]["round"] == newest, "a series ends with its newest cut"


async def _the_statuses_end(office: Office, entered: Any, stack: Stack, selected: Any) -> None:
    """After their three months; firm and institution are told."""

    async def ended() -> bool:
        now = await office.results("small-01", len(entered))
        return all("status_ended_at" in one for one in now if one["result"] == "ProductSelected")

    await until(ended, "the statuses end", 60)
    assert all(
        result["status_ended_at"] == result["status_until"].replace("Z", "+00:00")
        for result in await office.results("small-01", len(entered))
        if result["result"] == "ProductSelected"
    )

    async def told() -> bool:
        mails = [message_from_bytes(file.read_bytes(), policy=default) for file in stack.mail_folder.glob("*.eml")]
        kinds = [str(mail["List-Id"]) for mail in mails]
        return sum("status-ended.small-01" in kind for kind in kinds) == len(selected)

    await until(told, "every firm whose status ended is told by mail")
    institution_told = {one["application"] for one in await outbox_of(stack, "AwardStatusEnded")}
    assert institution_told == {one["application"] for one in selected}

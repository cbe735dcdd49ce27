"""Appeals: filed in time with the application's token, decided by two officers, judged again under the same draw."""

import json
from email import message_from_bytes
from email.policy import default
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from services.selection.domain.draw import draw_key
from tests.conftest import StartStack
from tests.support.consuming import records_of, until
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox

WINDOW_SECONDS = 25.0
"""So many real seconds are 29 days: the window, and then the period of appeal."""
FIRMS = 4


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3"}
    return await start_stack(environment=environment)


def facts(number: int, *, certified: bool = True) -> dict[str, Any]:
    stated = application(number)
    if not certified:
        stated["certificates"] = []
    return stated


async def entries(office: Office, round_id: str, application_id: str) -> dict[int, tuple[str, int, int]]:
    """By epoch: outcome, tickets and the epoch it draws under, as committed."""
    database = await asyncpg.connect(office.stack.database_url("selection"))
    try:
        rows = await database.fetch(
            "SELECT epoch, outcome, tickets, drawn_under FROM entries WHERE round = $1 AND application = $2",
            round_id,
            application_id,
        )
        return {row["epoch"]: (row["outcome"], row["tickets"], row["drawn_under"]) for row in rows}
    finally:
        await database.close()


def subjects(stack: Stack) -> list[str]:
    return [
        str(message_from_bytes(file.read_bytes(), policy=default)["Subject"])
        for file in stack.mail_folder.glob("*.eml")
    ]


async def test_an_appeal_upheld_is_drawn_under_the_same_seed_and_one_dismissed_changes_nothing(
    stack: Stack, office: Office
) -> None:
    client = office.client
    await office.institution("kepco", appeal_round=50_000_000)
    round_id = await office.announce("appeal-round", rehearsal=clock_map(WINDOW_SECONDS, seed="one seed"))
    await office.status(round_id, "open")
    await write_inbox(stack, "kepco", ("SubmitPurchaseRequest", "m1", purchase_request(round_id, "r1")))
    receipts = []
    for number in range(1, FIRMS + 1):
        stated = facts(number, certified=number > 1)
        answer = await client.post(f"/rounds/{round_id}/applications", json=stated)
        receipts.append(answer.raise_for_status().json())
    refused, other = receipts[0], receipts[1]
    tokens = [{"Authorization": f"Bearer {receipt['token']}"} for receipt in receipts]
    url = f"/applications/{refused['application']}"
    early = await client.post(f"{url}/appeal", json={"grounds": "too early"}, headers=tokens[0])
    assert early.json()["type"] == "urn:firstbuy:problem:nothing-to-appeal"
    first = await office.confirm(round_id)
    await office.results(round_id, FIRMS)

    async def told() -> bool:
        status = (await client.get(f"{url}/status", headers=tokens[0])).json()
        return bool(status["appeal"]["may_file_until"])

    await until(told, "the applicant was told, and until when an appeal may be filed")
    filed, hopeless, listed = await _filed(client, url, tokens, other, round_id, office)

    async def standing() -> dict[str, Any]:
        shown = await office.shown(round_id)
        return {"epoch": shown["epoch"], "applications_root": shown["applications_root"]}

    dismissed = await standing() | {"appeal": hopeless.json()["appeal"], "upheld": False, "amended_hash": None}
    await office.act(round_id, "decide-appeal", dismissed)
    assert (await office.shown(round_id))["status"] == "confirmed", "a dismissal opens no epoch"
    assert listed[0]["amended"]["certificates"], "officers read what they decide on"
    upheld = await standing() | {"appeal": filed["appeal"], "upheld": True, "amended_hash": listed[0]["amended_hash"]}
    await office.act(round_id, "decide-appeal", upheld)
    again = await office.propose(round_id, "decide-appeal", upheld)
    assert again.json()["type"] == "urn:firstbuy:problem:decided"

    await _drawn_again_under_the_first_seed(office, round_id, first, refused, client, url, tokens, stack)

    await _everybody_is_told_of_both(stack, office, round_id, client, url, tokens)


async def _filed(
    client: httpx2.AsyncClient, url: str, tokens: list[dict[str, str]], other: Any, round_id: str, office: Office
) -> tuple[Any, Any, Any]:
    """Two appeals, after those that can't be filed."""
    amended = facts(1)
    del amended["contact"]
    another = facts(9)
    del another["contact"]
    body = {"grounds": "The certificate was sent by post.", "amended": amended}
    wrong = await client.post(f"{url}/appeal", json=body | {"amended": another}, headers=tokens[0])
    assert wrong.json()["type"] == "urn:firstbuy:problem:another-product"
    assert (await client.post(f"{url}/appeal", json=body, headers=tokens[1])).status_code == 404
    assert (await client.post(f"{url}/appeal", json={"grounds": ""}, headers=tokens[0])).status_code == 422
    cheaper = amended | {"product": amended["product"] | {"price_won": 1}}
    fitted = await client.post(f"{url}/appeal", json=body | {"amended": cheaper}, headers=tokens[0])
    assert fitted.json()["errors"][0]["pointer"] == "/amended/product/price_won"
    filed = (await client.post(f"{url}/appeal", json=body, headers=tokens[0])).raise_for_status().json()
    twice = await client.post(f"{url}/appeal", json=body, headers=tokens[0])
    assert twice.json()["type"] == "urn:firstbuy:problem:already-filed"
    hopeless = await client.post(
        f"/applications/{other['application']}/appeal", json={"grounds": "I want to be first."}, headers=tokens[1]
    )
    assert (await client.get(f"/rounds/{round_id}/appeals")).status_code == 401
    listed = (await client.get(f"/rounds/{round_id}/appeals", headers=office.officers[0])).json()
    assert [one["appeal"] for one in listed] == [filed["appeal"], hopeless.json()["appeal"]]
    return filed, hopeless, listed


async def _drawn_again_under_the_first_seed(
    office: Office,
    round_id: str,
    first: Any,
    refused: Any,
    client: httpx2.AsyncClient,
    url: str,
    tokens: list[dict[str, str]],
    stack: Stack,
) -> None:
    """With the tickets of its first commitment."""
    second = await office.milestone(round_id, "SelectionProposed", epoch=2)
    assert second["seed"] == first["seed"]
    committed = await entries(office, round_id, refused["application"])
    assert [committed[epoch][0] for epoch in (1, 2)] == ["ineligible", "eligible"]
    assert committed[1][1:] == committed[2][1:], "the tickets it was committed with, under the first commitment"
    await office.confirm(round_id, epoch=2)

    async def published() -> bool:
        status = (await client.get(f"{url}/status", headers=tokens[0])).json()
        return bool(status["result_type"] != "ProductNotSelected" and status["version"] == 2)

    await until(published, "the amended result")
    status = (await client.get(f"{url}/status", headers=tokens[0])).json()
    assert status["verdict"]["outcome"] == "eligible"
    assert [one["upheld"] for one in status["appeal"]["filed"]] == [True]
    database = await asyncpg.connect(stack.database_url("selection"))
    key = await database.fetchval(
        "SELECT key FROM results WHERE round = $1 AND epoch = 2 AND application = $2", round_id, refused["application"]
    )
    await database.close()
    assert key == draw_key(first["seed"], refused["application"], committed[1][1]).hex()


async def _everybody_is_told_of_both(
    stack: Stack, office: Office, round_id: str, client: httpx2.AsyncClient, url: str, tokens: list[dict[str, str]]
) -> None:
    """Appellants by mail, institutions in their outboxes; then no appeal is taken any more."""

    async def mailed() -> bool:
        found = subjects(stack)
        return (
            sum("이의신청을 접수" in one for one in found) == 2
            and sum("이의신청에 대한 결정" in one for one in found) == 2
        )

    await until(mailed, "both appellants are told of the filing and of the decision")
    await office.status(round_id, "final", 120)
    late = await client.post(f"{url}/appeal", json={"grounds": "once more"}, headers=tokens[0])
    assert late.json()["type"] == "urn:firstbuy:problem:nothing-to-appeal"

    async def noticed() -> bool:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}institution.kepco.outbox.v1")
        kind = b"kr.firstbuy.RoundNoticed.v1"
        turns = [json.loads(each.value)["turn"] for each in records if dict(each.headers)["ce_type"] == kind]
        return (turns.count("published"), turns.count("final")) == (2, 1)

    await until(noticed, "institutions are told of both publications and of the end")


async def test_of_two_appeals_that_claim_one_item_id_one_is_upheld(stack: Stack, office: Office) -> None:
    client, round_id = office.client, await office.announce(rehearsal=clock_map(WINDOW_SECONDS, seed="one seed"))
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    appeals = []
    for reference in ("A", "B"):
        stated = application(1, reference=reference)
        receipt = (await client.post(f"/rounds/{round_id}/applications", json=stated)).raise_for_status().json()
        stated["product"]["item_id"] = "24001234"
        del stated["contact"]
        appeals.append((receipt, {"grounds": "it has its item id by now", "amended": stated}))
    await office.confirm(round_id)
    await office.results(round_id, len(appeals))
    filed = []
    for receipt, body in appeals:
        url, headers = f"/applications/{receipt['application']}", {"Authorization": f"Bearer {receipt['token']}"}

        async def told(url: str = url, headers: dict[str, str] = headers) -> bool:
            status = (await client.get(f"{url}/status", headers=headers)).json()
            return bool(status["appeal"]["may_file_until"])

        await until(told, "the applicant was told")
        filed.append((await client.post(f"{url}/appeal", json=body, headers=headers)).raise_for_status().json())

    async def terms(appeal: dict[str, Any]) -> dict[str, Any]:
        shown = await office.shown(round_id)
        stands = {"epoch": shown["epoch"], "applications_root": shown["applications_root"]}
        return stands | {"appeal": appeal["appeal"], "upheld": True, "amended_hash": appeal["amended_hash"]}

    await office.act(round_id, "decide-appeal", await terms(filed[0]))
    proposed = await office.propose(round_id, "decide-appeal", await terms(filed[1]))
    act = proposed.raise_for_status().json()["act"]
    refused = await client.post(f"/rounds/{round_id}/acts/{act}/approval", headers=office.officers[1])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:firstbuy:problem:already-entered")

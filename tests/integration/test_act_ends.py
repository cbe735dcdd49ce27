"""A proposed act is seen whole, waits once, and ends rejected, withdrawn or expired where it is not approved."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from tests.support.epochs import standing
from tests.support.officers import approve, closes_at, code, expire, propose, said, shown
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("act-ends")


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3"}
    services = ("intake", "eligibility", "selection")
    async with lasting_stack(services, replicas={"intake": 2}, environment=environment) as running:
        yield running


@pytest.fixture
async def round_id(office: Office) -> str:
    round_id = await office.announce(rehearsal=clock_map(3600))
    await office.status(round_id, "open")
    return round_id


async def later(office: Office, round_id: str, days: int = 1) -> dict[str, str]:
    return {"closes_at": (await closes_at(office, round_id) + timedelta(days=days)).isoformat()}


async def actions(office: Office) -> list[str]:
    rows = (await office.client.get("/audit", headers=office.officers[0])).raise_for_status().json()["rows"]
    return [row["action"] for row in rows]


async def test_another_officer_rejects_an_act_and_it_is_never_done(office: Office, round_id: str) -> None:
    terms = await later(office, round_id)
    act = (await propose(office, round_id, "extend", terms)).json()["act"]
    own = await said(office, round_id, act, "rejection", 0, reason="no")
    assert code(own) == (409, "same-officer")
    assert "withdraw-act" in own.json()["title"]
    assert (await said(office, round_id, act, "rejection", 1)).status_code == 422, "a rejection has its reason"
    assert (await said(office, round_id, act, "rejection", 1, reason="nobody asked")).status_code == 200
    refused = await approve(office, round_id, act)
    assert code(refused) == (409, "act-rejected")
    assert "nobody asked" in refused.json()["title"]
    assert code(await said(office, round_id, act, "rejection", 1, reason="again")) == (409, "act-rejected")
    assert code(await said(office, round_id, act, "withdrawal", 0)) == (409, "act-rejected")
    found = await shown(office, round_id, act)
    assert (found["state"], found["ended_reason"], found["before"]) == ("rejected", "nobody asked", None)
    assert "reject-act" in await actions(office)
    assert (await propose(office, round_id, "extend", terms)).status_code == 201, "the same may be proposed anew"


async def test_who_proposed_an_act_withdraws_it(office: Office, round_id: str) -> None:
    act = (await propose(office, round_id, "void", {})).json()["act"]
    assert code(await said(office, round_id, act, "withdrawal", 1)) == (409, "other-officer")
    bare = await office.client.post(f"/rounds/{round_id}/acts/{act}/withdrawal", headers=office.officers[0])
    assert bare.status_code == 200, bare.text
    assert code(await approve(office, round_id, act)) == (409, "act-withdrawn")
    (listed,) = (await office.client.get(f"/rounds/{round_id}/acts", headers=office.officers[0])).json()
    assert listed["state"] == "withdrawn"
    assert "withdraw-act" in await actions(office)
    assert (await office.shown(round_id))["status"] == "open"


async def test_an_act_that_expired_is_never_done_and_makes_room(stack: Stack, office: Office, round_id: str) -> None:
    act = (await propose(office, round_id, "void", {})).json()["act"]
    assert code(await propose(office, round_id, "void", {})) == (409, "act-waits")
    await expire(stack, act)
    assert code(await approve(office, round_id, act)) == (409, "expired")
    assert code(await said(office, round_id, act, "rejection", 1, reason="no")) == (409, "expired")
    assert (await shown(office, round_id, act))["state"] == "expired"
    again = (await propose(office, round_id, "void", {})).json()["act"]
    assert (await approve(office, round_id, again)).status_code == 200


async def test_of_proposals_at_once_one_waits_and_the_others_name_it(
    stack: Stack, office: Office, round_id: str
) -> None:
    body = {"act": "void", "terms": {}, "reason": "at once"}

    async def one(number: int) -> httpx2.Response:
        url = f"{stack.url('intake', number % 2)}/rounds/{round_id}/acts"
        return await office.client.post(url, json=body, headers=office.officers[number % 2])

    answers = await asyncio.gather(*map(one, range(12)))
    (first,) = [answer for answer in answers if answer.status_code == 201]
    act = first.json()["act"]
    refused = [answer for answer in answers if answer is not first]
    assert {code(answer) for answer in refused} == {(409, "act-waits")}
    assert all(f"firstbuy round approve {round_id} {act}" in answer.json()["title"] for answer in refused)
    waiting = (await office.client.get("/acts", headers=office.officers[0])).json()
    assert [one["act"] for one in waiting if one["round"] == round_id] == [act]


async def test_approval_rejection_and_withdrawal_at_once_leave_one_end(office: Office, round_id: str) -> None:
    for _ in range(4):
        act = (await propose(office, round_id, "extend", await later(office, round_id))).json()["act"]
        answers = await asyncio.gather(
            approve(office, round_id, act),
            said(office, round_id, act, "rejection", 1, reason="no"),
            said(office, round_id, act, "withdrawal", 0),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_an_act_shows_what_stands_and_what_it_makes_of_it(office: Office, round_id: str) -> None:
    before = await closes_at(office, round_id)
    act = (await propose(office, round_id, "extend", await later(office, round_id, 2))).json()["act"]
    found = await shown(office, round_id, act)
    assert (found["kind"], found["state"], found["refusal"]) == ("extend", "waiting", None)
    moments = [found[name]["closes_at"].replace("Z", "+00:00") for name in ("before", "after")]
    assert moments == [before.isoformat(), (before + timedelta(days=2)).isoformat()]
    farther = (await propose(office, round_id, "extend", await later(office, round_id, 3))).json()["act"]
    await approve(office, round_id, farther)
    overtaken = await shown(office, round_id, act)
    assert overtaken["refusal"]["code"] == "not-later"
    assert (await office.client.get(f"/rounds/{round_id}/acts/{act}")).status_code == 401
    unknown = await office.client.get(f"/rounds/{round_id}/acts/none", headers=office.officers[1])
    assert code(unknown) == (404, "unknown-act")


async def test_why_an_act_could_not_be_approved_is_said_in_korean(office: Office, round_id: str) -> None:
    office.client.headers["Accept-Language"] = "ko"
    sooner, later_on = await later(office, round_id), await later(office, round_id, 2)
    waiting = await propose(office, round_id, "extend", sooner)
    assert (waiting.json()["awaits"], waiting.headers["content-language"]) == ("다른 공무원의 승인", "ko")
    extended = (await propose(office, round_id, "extend", later_on)).json()["act"]
    assert (await approve(office, round_id, extended)).status_code == 200
    refusal = (await shown(office, round_id, waiting.json()["act"]))["refusal"]
    assert refusal["title"].endswith("그보다 늦은 일시를 적어 주십시오.")


async def test_every_kind_that_is_proposed_on_a_frozen_round_is_shown(office: Office) -> None:
    round_id = await office.announce(rehearsal=clock_map(5, opens_in=3))
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    entered = (await office.client.post(f"/rounds/{round_id}/applications", json=application(1))).json()["application"]
    await write_inbox(office.stack, "kepco", ("SubmitPurchaseRequest", "m1", purchase_request(round_id, "r1")))
    proposal = await office.milestone(round_id, "SelectionProposed")
    stands = await standing(office, round_id)

    async def proposed(kind: str, terms: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = (await office.propose(round_id, kind, terms, **more)).raise_for_status().json()
        return await shown(office, round_id, answer["act"])

    rerun = await proposed("rerun", stands | {"applications": [entered]})
    assert (rerun["before"]["epoch"], rerun["after"]["epoch"]) == (1, 2)
    (concerned,) = rerun["before"]["concerned"]
    assert (concerned["application"], concerned["state"], concerned["firm"]) == (entered, "eligible", "시험기업 1")
    assert [one["state"] for one in rerun["after"]["concerned"]] == ["to be judged"]
    whole = await proposed("rerun", stands)
    assert whole["after"]["judged_again"] == "all"
    late = await proposed("admit-late", stands | {"source": "rehearsal"}, entry=application(2))
    assert (late["before"]["applications"], late["after"]["applications"]) == (1, 2)
    assert late["after"]["facts"]["product"]["name"] == "제품 2"
    assert "example.org" not in str(late), "contacts are not shown"
    again = await office.propose(round_id, "admit-late", stands | {"source": "rehearsal"}, entry=application(2))
    assert code(again) == (409, "act-waits"), "whatever id and nonce chance gives the draft"
    assert (await said(office, round_id, late["act"], "rejection", 1, reason="not proven")).status_code == 200
    named = {name: proposal[name] for name in ("epoch", "commitment_root", "selection_root")}
    confirm = await proposed("confirm", named)
    assert confirm["before"]["recommended"]["selected"] == 1
    assert confirm["after"]["selection_root"] == proposal["selection_root"]
    second = await office.propose(round_id, "confirm", named)
    assert code(second) == (409, "act-waits")
    assert second.json()["title"].endswith(f"firstbuy round approve {round_id} {confirm['act']}")
    listed = (await office.client.get(f"/rounds/{round_id}/acts", headers=office.officers[0])).json()
    assert [one["kind"] for one in listed].count("confirm") == 1
    release = await proposed("release", released(proposal, entered))
    assert release["after"]["given_out"] == [entered]
    assert [one["state"] for one in release["after"]["concerned"]] == ["declined"]
    database = await asyncpg.connect(office.stack.database_url("intake"))
    try:
        assert await database.fetchval("SELECT count(*) FROM late_entries WHERE act = $1", late["act"]) == 0
    finally:
        await database.close()


def released(proposal: dict[str, Any], declined: str) -> dict[str, Any]:
    named = {"epoch": 1, "batch": 1, "selection_root": proposal["selection_root"]}
    return named | {"given_up": [], "cancelled": [], "declined": [declined]}


async def test_one_person_under_two_spellings_is_no_second_officer(office: Office, round_id: str) -> None:
    operator = {"Authorization": f"Bearer {office.stack.operator_token}"}
    for number, name in enumerate(("Park Jisoo", "ＰＡＲＫ Ji\u00a0soo")):
        body = {"role": "officer", "name": f"{name} {round_id}"}
        made = (await office.client.post("/tokens", json=body, headers=operator)).raise_for_status().json()
        office.officers[number] = {"Authorization": f"Bearer {made['token']}"}
    act = (await propose(office, round_id, "extend", await later(office, round_id))).json()["act"]
    approved = await office.client.post(f"/rounds/{round_id}/acts/{act}/approval", headers=office.officers[1])
    assert code(approved) == (409, "same-officer")
    assert code(await said(office, round_id, act, "rejection", 1, reason="no")) == (409, "same-officer")
    assert (await said(office, round_id, act, "withdrawal", 1)).status_code == 200

"""A round is announced by two officers, with its pledges, all of it or nothing; and no list renames an institution."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import ANNOUNCING, Stack
from tests.support.announcing import PLEDGES, announced, approve, body
from tests.support.consuming import records_of
from tests.support.officers import code, expire, said, shown
from tests.support.rounds import Office, clock_map, policy_2018_h2, shipped_policy
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("announcing")


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(("intake",), replicas={"intake": 2}, environment={ANNOUNCING: "2"}) as running:
        yield running


async def published(stack: Stack, round_id: str) -> list[dict[str, Any]]:
    """Of what came to stand: turns of the round, and pledges to it."""
    found = []
    for topic in ("rounds.v1", "institutions.v1"):
        for record in await records_of(stack.kafka.settings, f"{stack.topic_prefix}{topic}"):
            told = json.loads(record.value)
            if told.get("round") == round_id or any(one.get("round") == round_id for one in told.get("pledges", ())):
                found.append(told)
    return found


async def institutions(office: Office) -> dict[str, dict[str, Any]]:
    answer = await office.client.get("/institutions", headers=office.officers[0])
    return {one["institution"]: one for one in answer.raise_for_status().json()}


async def nothing_stands(stack: Stack, office: Office, round_id: str) -> None:
    assert (await office.client.get(f"/rounds/{round_id}")).status_code == 404
    pledges = [pledge for known in (await institutions(office)).values() for pledge in known["pledges"]]
    assert round_id not in {pledge["round"] for pledge in pledges}
    database = await asyncpg.connect(stack.database_url("intake"))
    try:
        bodies = [bytes(each) for row in await database.fetch("SELECT bodies FROM outbox") for each in row["bodies"]]
    finally:
        await database.close()
    assert not [each for each in bodies if round_id.encode() in each]
    assert await published(stack, round_id) == []


async def test_one_officer_proposes_and_nothing_stands_until_another_approves(stack: Stack, office: Office) -> None:
    proposed = await announced(office, body("by-two"))
    assert proposed.status_code == 202, proposed.text
    told = proposed.json()
    assert told["awaits"] == "approval by another officer"
    assert len(told["policy_hash"]) == 64
    await nothing_stands(stack, office, "by-two")
    own = await approve(office, "by-two", told["act"], officer=0)
    assert code(own) == (409, "same-officer")
    found = await shown(office, "by-two", told["act"])
    assert (found["kind"], found["state"], found["before"]) == ("announce", "waiting", {"status": "not announced"})
    after = found["after"]
    assert [institution["name"] for institution in after["institutions"]] == [pledge["name"] for pledge in PLEDGES]
    assert (after["pledged_won"], after["policy"]["policy"]) == (57_000_000, "2018-h2")
    done = await approve(office, "by-two", told["act"])
    assert done.status_code == 200, done.text
    assert done.json()["registered"] == ["kepco", "lh"]
    assert (await office.shown("by-two"))["policy_hash"] == told["policy_hash"]
    known = await institutions(office)
    assert [known[pledge["institution"]]["status"] for pledge in PLEDGES] == ["agreed", "agreed"]
    assert known["kepco"]["pledges"] == [{"round": "by-two", "won": 50_000_000}]
    async with asyncio.timeout(20):
        while len(turns := await published(stack, "by-two")) < 3:
            await asyncio.sleep(0.1)
    (announcement,) = [turn for turn in turns if "actors" in turn]
    assert len({actor["name"] for actor in announcement["actors"]}) == 2, "both are in RoundAnnounced"
    assert (await announced(office, body("by-two", rehearsal=None, title="x"))).status_code in (409, 422)


async def test_the_same_again_is_no_error_and_says_which_pledges_stand(office: Office) -> None:
    stated = body("again")
    act = (await announced(office, stated)).json()["act"]
    assert (await approve(office, "again", act)).status_code == 200
    same = await announced(office, stated)
    assert (same.status_code, "warnings" in same.json()) == (200, False)
    stated["pledges"] = [PLEDGES[0] | {"pledge_won": 1}]
    other = await announced(office, stated)
    (warning,) = other.json()["warnings"]
    assert (other.status_code, warning["code"]) == (200, "pledge-stands")
    assert (await institutions(office))["kepco"]["pledges"][0] == {"round": "again", "won": 50_000_000}


async def test_a_proposed_announcement_is_rejected_withdrawn_or_expires(stack: Stack, office: Office) -> None:
    for number, end in enumerate(("rejected", "withdrawn", "expired")):
        round_id = f"not-{end}"
        act = (await announced(office, body(round_id))).json()["act"]
        again = await announced(office, body(round_id, title="다른 이름"))
        assert code(again) == (409, "act-waits"), "one at a time for an id, whatever its terms"
        assert act in again.json()["title"]
        if number == 0:
            assert (await said(office, round_id, act, "rejection", 1, reason="no money")).status_code == 200
        elif number == 1:
            assert (await said(office, round_id, act, "withdrawal", 0)).status_code == 200
        else:
            await expire(stack, act)
        wanted = {"rejected": "act-rejected", "withdrawn": "act-withdrawn", "expired": "expired"}[end]
        assert code(await approve(office, round_id, act)) == (409, wanted)
        await nothing_stands(stack, office, round_id)
        assert (await announced(office, body(round_id))).status_code == 202, "and may be proposed anew"


async def test_of_announcements_at_once_one_waits(stack: Stack, office: Office) -> None:
    answers = await asyncio.gather(
        *(announced(office, body("at-once"), number % 2, stack.url("intake", number % 2)) for number in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an institution twice": ({"pledges": [PLEDGES[0]] * 2}, "/pledges/1/institution", "repeated-institution"),
    "one that nobody knows, without a name": (
        {"pledges": [{"institution": "unheard", "pledge_won": 1}]},
        "/pledges/0/name",
        "name-missing",
    ),
    "a sum that is none": ({"pledges": [PLEDGES[0] | {"pledge_won": -1}]}, "/pledges/0/pledge_won", ""),
    "no sum": ({"pledges": [{"institution": "kepco"}]}, "/pledges/0/pledge_won", ""),
    "a policy of another day": ({"policy": policy_2018_h2() | {"as_of": "2017-09-14"}}, "/policy/as_of", ""),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("officers", [2, 1])
async def test_a_refused_announcement_leaves_nothing(office: Office, by_one: Office, name: str, officers: int) -> None:
    changed, pointer, kind = FAULTS[name]
    round_id = f"refused-{officers}-{list(FAULTS).index(name)}"
    asked = office if officers == 2 else by_one
    answer = await announced(asked, body(round_id) | changed)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert kind in ("", error["code"])
    assert error["fix"]
    await nothing_stands(asked.stack, asked, round_id)
    assert (await asked.client.get(f"/rounds/{round_id}/acts", headers=asked.officers[0])).json() == []


@pytest.fixture(scope="module")
async def alone(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(("intake",)) as running:
        yield running


@pytest.fixture
async def by_one(alone: Stack) -> AsyncIterator[Office]:
    """Of a stack to try things on, where one officer announces."""
    async with httpx2.AsyncClient(base_url=alone.url("intake"), timeout=30) as client:
        yield await Office.of(alone, client)


async def test_where_one_officer_is_enough_the_round_stands_at_once(by_one: Office) -> None:
    answer = await announced(by_one, body("by-one"))
    assert answer.status_code == 201, answer.text
    assert (await by_one.shown("by-one"))["status"] == "announced"
    assert (await institutions(by_one))["lh"]["pledges"] == [{"round": "by-one", "won": 7_000_000}]
    many = await asyncio.gather(*(announced(by_one, body("by-one-at-once")) for _ in range(6)))
    assert {answer.status_code for answer in many} <= {201, 200, 409}, "clocks of rehearsals differ"
    assert [answer.status_code for answer in many].count(201) == 1


async def test_an_approval_looks_at_everything_anew(stack: Stack, office: Office) -> None:
    """A window that was to come at the proposal is over at the approval."""
    opens = datetime.now(UTC) - timedelta(days=1)
    closes = datetime.now(UTC) + timedelta(seconds=4)
    stated = body("too-late", opens_at=opens.isoformat(), closes_at=closes.isoformat(), rehearsal=None)
    stated["policy"]["as_of"] = (closes + timedelta(days=2)).date().isoformat()
    proposed = await announced(office, stated)
    assert proposed.status_code == 202, proposed.text
    await asyncio.sleep(max(0.0, (closes - datetime.now(UTC)).total_seconds()) + 0.1)
    refused = await approve(office, "too-late", proposed.json()["act"])
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["code"] == "window-past"
    await nothing_stands(stack, office, "too-late")
    found = await shown(office, "too-late", proposed.json()["act"])
    assert (found["state"], found["refusal"]["errors"][0]["code"]) == ("waiting", "window-past")


async def test_a_rolling_intake_is_announced_by_two_under_its_own_id(office: Office) -> None:
    policy = shipped_policy("rolling")
    closes = datetime.fromisoformat(f"{policy['as_of']}T09:00:00+00:00")
    terms = {"opens_at": (closes - timedelta(days=20)).isoformat(), "closes_at": closes.isoformat()}
    anchored = clock_map(3600, opens_in=600) | {"programme_anchor": terms["opens_at"]}
    stated = body("rolling", **terms, rehearsal=anchored) | {"policy": policy}
    proposed = await announced(office, stated)
    assert proposed.status_code == 202, proposed.text
    assert (proposed.json()["round"], proposed.json()["series"]) == ("rolling-01", "rolling")
    done = await office.client.post(proposed.json()["approval"], headers=office.officers[1])
    assert done.status_code == 200, done.text
    assert (await office.shown("rolling-01"))["series"] == "rolling"
    pledges = (await institutions(office))["kepco"]["pledges"]
    assert {"round": "rolling", "won": 50_000_000} in pledges


async def test_no_announcement_and_no_list_renames_an_institution(stack: Stack, office: Office) -> None:
    await office.institution("named")
    bearer = office.officers[0]
    other = {"institution": "named", "name": "다른 기관", "pledge_won": 5}
    proposed = await announced(office, body("renaming") | {"pledges": [other]})
    (warning,) = proposed.json()["warnings"]
    assert (warning["pointer"], warning["code"]) == ("/pledges/0/name", "name-stands")
    found = await shown(office, "renaming", proposed.json()["act"])
    assert found["after"]["institutions"][0]["name"] == "기관 named", "who approves sees the name that stands"
    assert found["after"]["institutions"][0]["remarks"]
    assert (await approve(office, "renaming", proposed.json()["act"])).json()["warnings"]
    listed = await office.client.put("/institutions/named", json={"name": "다른 기관"}, headers=bearer)
    assert listed.json()["warnings"][0]["code"] == "name-stands"
    assert (await institutions(office))["named"]["name"] == "기관 named"
    renamed = {"name": "다른 기관", "reason": "by an act of parliament"}
    assert (await office.client.put("/institutions/none/name", json=renamed, headers=bearer)).status_code == 404
    for _ in range(2):
        answer = await office.client.put("/institutions/named/name", json=renamed, headers=bearer)
        assert answer.status_code == 200, answer.text
    known = (await institutions(office))["named"]
    assert (known["name"], known["status"]) == ("다른 기관", "active")
    rows = (await office.client.get("/audit", headers=bearer)).json()["rows"]
    assert [row["action"] for row in rows].count("rename-institution") == 1


async def test_who_asks_for_korean_is_told_all_of_an_act_in_it(office: Office) -> None:
    office.client.headers["Accept-Language"] = "ko"
    await office.institution("called")
    stated = body("in-korean") | {"pledges": [{"institution": "called", "name": "다른 기관", "pledge_won": 5}]}
    proposed = await announced(office, stated)
    act = proposed.json()["act"]
    assert (proposed.json()["awaits"], proposed.headers["content-language"]) == ("다른 공무원의 승인", "ko")
    assert "이미 승인을 기다리고 있습니다" in (await announced(office, stated)).json()["title"]
    seen = await office.client.get(f"/rounds/in-korean/acts/{act}", headers=office.officers[1])
    (shown_to_approve,) = seen.json()["after"]["institutions"]
    done = await approve(office, "in-korean", act)
    remark = "called 기관은 '기관 called'로 등록되어 있으며 이름은 바뀌지 않습니다."
    assert [warning["detail"] for warning in proposed.json()["warnings"]] == [remark]
    assert [warning["detail"] for warning in done.json()["warnings"]] == [remark]
    assert shown_to_approve["remarks"] == [remark]
    stated["pledges"][0] |= {"pledge_won": 1_000}
    again = await announced(office, stated)
    (stands,) = again.json()["warnings"]
    assert stands["detail"] == "이미 공고된 라운드이며, 이 라운드에 대한 called의 약정 금액은 5원입니다."
    assert {one.headers["content-language"] for one in (proposed, seen, done, again)} == {"ko"}
    assert all("Accept-Language" in one.headers["vary"] for one in (proposed, seen, done, again))


async def test_an_act_that_ended_says_so_in_korean(office: Office) -> None:
    office.client.headers["Accept-Language"] = "ko"
    act = (await announced(office, body("rejected-in-korean"))).json()["act"]
    assert (await said(office, "rejected-in-korean", act, "rejection", 1, reason="예산 없음")).status_code == 200
    title = (await approve(office, "rejected-in-korean", act)).json()["title"]
    assert title.endswith("반려한 처분입니다. 사유: 예산 없음")


async def test_an_announcement_is_no_act_on_a_round(office: Office) -> None:
    answer = await office.propose("by-two", "announce", {})
    assert code(answer) == (422, "not-proposed-here")

"""What was announced is amended by two officers until the round opens, whole or not at all; every reader hears it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from services.intake.usecases import replay
from services.notify.domain.lifecycle import LifecycleEvent, amendment
from services.notify.domain.notices import Happening
from services.notify.storage import lifecycle
from services.selection.verify import Life, unsound
from shared.contracts import topics
from shared.kafka.records import Decoder, Event
from shared.service.postgres import connected, open_pool
from tests.conftest import Database
from tests.support.announcing import PLEDGES, announced, approve, body
from tests.support.consuming import records_of, until
from tests.support.officers import code, said, shown
from tests.support.rounds import Office, clock_map, emptied, policy_2018_h2
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("amending")


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(("intake", "selection", "notify")) as running:
        yield running


async def proposed(office: Office, stated: dict[str, Any], officer: int = 0) -> httpx2.Response:
    headers = office.officers[officer] | {"content-type": "application/json"}
    path = f"/rounds/{stated['round']['round']}/amendments"
    return await office.client.post(path, content=json.dumps(stated, default=str), headers=headers)


async def standing(office: Office, round_id: str, opens_in: float = 600) -> dict[str, Any]:
    """An announced round, as it was stated."""
    stated = body(round_id, rehearsal=clock_map(3600, opens_in=opens_in))
    assert (await announced(office, stated)).status_code == 201
    return stated


def amended(stated: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return stated | {"round": stated["round"] | changed, "reason": "a week later"}


async def turns(stack: Stack, round_id: str, kind: str) -> list[dict[str, Any]]:
    found = []
    for record in await records_of(stack.kafka.settings, f"{stack.topic_prefix}rounds.v1"):
        told = json.loads(record.value)
        if told["round"] == round_id and dict(record.headers)["ce_type"] == f"kr.firstbuy.{kind}.v1".encode():
            found.append(told)
    return found


def pledged(event: dict[str, Any]) -> dict[str, int]:
    return {pledge["institution"]: pledge["pledge_won"] for pledge in event["pledges"]}


def announcement_faults(*events: dict[str, Any]) -> list[str]:
    """What the verifier has against an announcement, its amendments and the opening, in that order."""
    names = ["RoundAnnounced", *(("RoundAmended" if "amendment" in event else "RoundOpened") for event in events[1:])]
    life = Life([{"event": name, "body": body} for name, body in zip(names, events, strict=True)])
    return [told for _, told in (*life.faults(), *unsound(life, 2))]


def week_later(stated: dict[str, Any], name: str = "opens_at") -> str:
    return (datetime.fromisoformat(stated["round"][name]) + timedelta(days=7)).isoformat()


async def test_two_officers_amend_a_round_before_it_opens_and_everybody_hears(stack: Stack, office: Office) -> None:
    await office.institution("kwater")
    stated = await standing(office, "amended")
    policy = policy_2018_h2()
    policy["limits"]["reserve"] = 7
    other = amended(stated, title="바뀐 이름", opens_at=week_later(stated)) | {"policy": policy}
    other["pledges"] = [PLEDGES[0] | {"pledge_won": 1_000, "name": "한전"}]
    answer = await proposed(office, other)
    assert answer.status_code == 202, answer.text
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["name-stands"]
    act = answer.json()["act"]
    assert (await office.shown("amended"))["title"] == stated["round"]["title"], "nothing is changed yet"
    found = await shown(office, "amended", act)
    assert (found["kind"], found["refusal"]) == ("amend-round", None)
    assert found["after"]["changed"] == ["opens_at", "title", "policy_hash", "pledges"]
    assert (found["before"]["title"], found["after"]["title"]) == (stated["round"]["title"], "바뀐 이름")
    assert found["before"]["policy"]["limits"]["reserve"] != found["after"]["policy"]["limits"]["reserve"] == 7
    assert found["before"]["institutions"][0]["pledge_won"] == 50_000_000
    assert code(await proposed(office, amended(stated, title="noch anders"))) == (409, "act-waits")
    assert code(await approve(office, "amended", act, officer=0)) == (409, "same-officer")
    done = await approve(office, "amended", act)
    assert done.status_code == 200, done.text
    now = await office.shown("amended")
    assert (now["title"], now["policy"]["limits"]["reserve"]) == ("바뀐 이름", 7)
    assert datetime.fromisoformat(now["opens_at"]) == datetime.fromisoformat(week_later(stated))
    async with asyncio.timeout(20):
        while not (events := await turns(stack, "amended", "RoundAmended")):
            await asyncio.sleep(0.1)
    (event,) = events
    assert (event["amendment"], event["policy_hash"], event["title"]) == (1, now["policy_hash"], "바뀐 이름")
    assert len({actor["name"] for actor in event["actors"]}) == 2
    (first,) = await turns(stack, "amended", "RoundAnnounced")
    assert pledged(first) == {"kepco": 50_000_000, "lh": 7_000_000}
    assert pledged(event) == {"kepco": 1_000, "lh": 7_000_000}, "all that stand, those of the announcement too"
    assert list(announcement_faults(first, event)) == []
    assert now["announcement_root"] == event["announcement_root"] != first["announcement_root"]
    listed = (await office.client.get("/institutions", headers=office.officers[0])).json()
    pledges = {one["institution"]: one["pledges"] for one in listed}
    assert {"round": "amended", "won": 1_000} in pledges["kepco"]
    assert {"round": "amended", "won": 7_000_000} in pledges["lh"], "what is not said stays"
    repeated = await announced(office, other)
    assert repeated.status_code == 200, "the same as it stands is no error"
    assert code(await announced(office, stated)) == (409, "round-exists")

    async def noticed() -> bool:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}institution.kwater.outbox.v1")
        notices = [json.loads(record.value) for record in records]
        told = [notice for notice in notices if notice.get("turn") == "amended" and notice["round"] == "amended"]
        roots = {"policy": now["policy_hash"], "announcement": now["announcement_root"]}
        return [(one["title"], one["roots"]) for one in told] == [("바뀐 이름", roots)]

    await until(noticed, "the institution is told", 30)
    selection = stack.url("selection")

    async def named() -> bool:
        releases = (await office.client.get(f"{selection}/rounds/amended/ocds")).json().get("releases", [])
        found = [release for release in releases if release["id"].startswith("amended-1")]
        return [one["tender"]["title"] for one in found] == ["바뀐 이름"]

    await until(named, "open data has the amendment", 30)


async def test_amendments_count_and_the_same_terms_are_none(office: Office) -> None:
    stated = await standing(office, "counted")
    assert code(await proposed(office, amended(stated))) == (409, "nothing-changed")
    for number in (1, 2):
        stated = amended(stated, title=f"이름 {number}")
        act = (await proposed(office, stated)).json()["act"]
        assert (await approve(office, "counted", act)).json()["amendment"] == number


async def test_an_amendment_is_rejected_and_withdrawn_as_any_act(office: Office) -> None:
    stated = await standing(office, "unamended")
    for what, officer, kind in (("rejection", 1, "act-rejected"), ("withdrawal", 0, "act-withdrawn")):
        act = (await proposed(office, amended(stated, title="anders"))).json()["act"]
        assert (await said(office, "unamended", act, what, officer, reason="no")).status_code == 200
        assert code(await approve(office, "unamended", act)) == (409, kind)
    assert (await office.shown("unamended"))["title"] == stated["round"]["title"]


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "closes before it opens": ({"closes_at": "2018-08-01T00:00:00Z"}, {}, "/round/closes_at"),
    "another day": ({}, {"policy": policy_2018_h2() | {"as_of": "2017-09-14"}}, "/policy/as_of"),
    "one twice": ({}, {"pledges": [PLEDGES[0]] * 2}, "/pledges/1/institution"),
    "another clock": ({"rehearsal": clock_map(60, seed="another")}, {}, "/round/rehearsal"),
    "opens at once": ({"opens_at": "2018-08-01T00:00:00Z"}, {}, "/round/opens_at"),
    "no officers": ({"unattended": True}, {}, "/round/unattended"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_an_amendment_is_held_to_what_an_announcement_is(office: Office, name: str) -> None:
    terms, more, pointer = REFUSED[name]
    round_id = f"held-{list(REFUSED).index(name)}"
    stated = await standing(office, round_id)
    answer = await proposed(office, amended(stated, **terms) | more)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await office.client.get(f"/rounds/{round_id}/acts", headers=office.officers[0])).json() == []


async def test_what_has_opened_or_was_extended_is_not_amended(office: Office) -> None:
    stated = await standing(office, "opening", opens_in=4)
    act = (await proposed(office, amended(stated, title="zu spät"))).json()["act"]
    await office.status("opening", "open")
    assert code(await approve(office, "opening", act)) == (409, "not-announced")
    assert code(await proposed(office, amended(stated, title="zu spät"))) == (409, "not-announced")
    assert (await office.shown("opening"))["title"] == stated["round"]["title"]
    moved = await standing(office, "moved")
    later = {"closes_at": week_later(moved, "closes_at")}
    await office.act("moved", "extend", later)
    assert code(await proposed(office, amended(moved, title="anders"))) == (409, "extended")
    generic = await office.propose("moved", "amend-round", {})
    assert code(generic) == (422, "not-proposed-here")


async def test_a_round_opens_by_what_was_amended_last(stack: Stack, office: Office) -> None:
    """Amendments and the opening take the same lock: whatever is approved until then is in RoundOpened."""
    stated = await standing(office, "race", opens_in=5)
    last = 0
    for number in range(1, 200):
        answer = await proposed(office, amended(stated, title=f"이름 {number}"))
        if answer.status_code != 202 or (await approve(office, "race", answer.json()["act"])).status_code != 200:
            break
        last = number
    assert last, "some were in time"
    await office.status("race", "open")
    async with asyncio.timeout(20):
        while not (opened := await turns(stack, "race", "RoundOpened")):
            await asyncio.sleep(0.1)
    assert [one["title"] for one in opened] == [f"이름 {last}"]
    numbers = [turn["amendment"] for turn in await turns(stack, "race", "RoundAmended")]
    assert sorted(numbers) == list(range(1, last + 1))
    amendments = sorted(await turns(stack, "race", "RoundAmended"), key=lambda one: int(one["amendment"]))
    assert announcement_faults(*await turns(stack, "race", "RoundAnnounced"), *amendments, *opened) == []
    assert opened[0]["announcement_root"] == amendments[-1]["announcement_root"]


async def test_a_round_extended_before_it_opens_opens_with_the_terms_announced(stack: Stack, office: Office) -> None:
    """The extension stands in its own event, and every reader takes the later close."""
    await office.institution("kwater", **{"moved-early": 5})
    stated = await standing(office, "moved-early", opens_in=4)
    closes_at = week_later(stated, "closes_at")
    await office.act("moved-early", "extend", {"closes_at": closes_at})
    await office.institution("kwater", **{"moved-early": 6})
    await office.status("moved-early", "open")
    async with asyncio.timeout(20):
        while not (opened := await turns(stack, "moved-early", "RoundOpened")):
            await asyncio.sleep(0.1)
    (first,) = await turns(stack, "moved-early", "RoundAnnounced")
    assert announcement_faults(first, *opened) == []
    assert opened[0]["closes_at"] == first["closes_at"]
    assert {institution["institution"]: institution["pledge_won"] for institution in opened[0]["institutions"]}[
        "kwater"
    ] == 6
    assert pledged(first)["kwater"] == 5, "what is pledged later was not announced"
    extended = datetime.fromisoformat(closes_at)
    assert datetime.fromisoformat((await office.shown("moved-early"))["closes_at"]) == extended

    async def noticed() -> bool:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}institution.kwater.outbox.v1")
        notices = [json.loads(record.value) for record in records]
        told = {notice.get("turn"): notice["closes_at"] for notice in notices if notice.get("round") == "moved-early"}
        closes = [told[name] for name in ("opened", "extended") if name in told]
        return list(map(datetime.fromisoformat, closes)) == [extended] * 2

    await until(noticed, "the institution is told", 30)


async def test_an_emptied_intake_reads_the_amendment_back(stack: Stack, office: Office) -> None:
    stated = await standing(office, "put-back")
    other = amended(stated, title="wieder da", opens_at=week_later(stated))
    act = (await proposed(office, other)).json()["act"]
    assert (await approve(office, "put-back", act)).status_code == 200
    before = await office.shown("put-back")

    async def nothing_left() -> bool:
        database = await asyncpg.connect(stack.database_url("intake"))
        try:
            return not await database.fetchval("SELECT count(*) FROM outbox")
        finally:
            await database.close()

    await until(nothing_left, "an empty outbox")
    await emptied(stack, "intake")
    after = await office.shown("put-back")
    kept = ("title", "opens_at", "closes_at", "policy_hash", "status", "lead_seconds", "sources", "announcement_root")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    again = await Office.of(stack, office.client)
    assert (await announced(again, other)).status_code == 200, "its policy is back with the same terms"
    assert (await again.shown("put-back"))["policy"] == before["policy"]


async def test_of_an_announcement_and_its_amendments_the_newest_is_told(database: Database) -> None:
    """Whatever order they are read in, and however often."""
    now = datetime.now(UTC)
    first = LifecycleEvent(
        round="told",
        happening=Happening.ANNOUNCED,
        occasion="announcement",
        occurred_at=now,
        roots={},
        traceparent=None,
        closes_at=now,
        opens_at=now,
        title="first",
        appended_at=now,
    )
    later = [replace(first, happening=Happening.AMENDED, occasion=amendment(number)) for number in (1, 2, 10)]
    pool = await open_pool(await database("notify"), 2, "test")
    for order in permutations((first, *later)):
        async with connected(pool) as connection:
            await connection.execute("DELETE FROM turns")
            for one in (*order, *order):
                await lifecycle.save(connection, one)
            await connection.execute("UPDATE turns SET noted_at = noted_at - interval '3 seconds'")
            told = [one.occasion for one, _ in await lifecycle.take(connection, "told")]
            assert told == [amendment(10)]
            assert await lifecycle.take(connection, "told") == []
            assert await lifecycle.rounds_with_events(connection) == []
    await pool.close()


STANDS = "SELECT * FROM rounds WHERE round = $1"


async def test_turns_of_an_amended_round_are_put_back_in_any_order_and_twice(
    stack: Stack, office: Office, database: Database
) -> None:
    stated = await standing(office, "orders", opens_in=8)
    for number in (1, 2):
        closes_at = (datetime.fromisoformat(stated["round"]["closes_at"]) - timedelta(hours=1)).isoformat()
        stated = amended(stated, title=f"이름 {number}", closes_at=closes_at)
        act = (await proposed(office, stated)).json()["act"]
        assert (await approve(office, "orders", act)).status_code == 200
    await office.status("orders", "open")
    read: list[Any] = []

    async def all_there() -> bool:
        records = await records_of(stack.kafka.settings, f"{stack.topic_prefix}rounds.v1")
        events = [Decoder(topics.ROUNDS).decode(record) for record in records]
        read[:] = [event for event in events if isinstance(event, Event) and json.loads(event.raw)["round"] == "orders"]
        return len(read) == 4

    await until(all_there, "its four turns")
    connection = await asyncpg.connect(stack.database_url("intake"))
    wanted = dict((await connection.fetch(STANDS, "orders"))[0])
    await connection.close()
    pool = await open_pool(await database("intake"), 2, "test")
    for order in permutations(read):
        async with connected(pool) as put:
            await put.execute("DELETE FROM rounds")
            for event in (*order, *order):
                await replay.put_back_rounds(put, [event], stack.topic_prefix)
            found = dict((await put.fetch(STANDS, "orders"))[0])
        as_in_intake = {
            name: json.loads(value) if isinstance(value, str) and name in JSON else value
            for name, value in wanted.items()
        }
        assert found == as_in_intake, [one.type for one in order]
    await pool.close()


JSON = ("policy", "sources", "rehearsal")

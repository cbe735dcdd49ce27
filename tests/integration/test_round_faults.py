"""A round that can't go on stops no other; a clock that runs out of the calendar stands still; terms are bounded."""

import itertools
import json
import re
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from deploy.local.state import PROJECT
from services.intake.domain.acts import ActKind
from shared.programme.working_days import korean_date
from tests.support.announcing import SOURCE
from tests.support.consuming import until
from tests.support.rounds import CLOSES, OPENS, Office, application, clock_map, policy_2018_h2
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("round-faults")


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3"}
    async with lasting_stack(("intake", "eligibility", "selection"), environment=environment) as running:
        yield running


async def test_a_clock_past_the_year_9999_stops_no_round_not_even_its_own(stack: Stack, office: Office) -> None:
    ago = datetime.now(UTC) - timedelta(days=300)
    rushing = {"real_anchor": str(ago), "programme_anchor": str(OPENS), "rate": 10_000_000, "seed": "past the end"}
    gone = await office.announce("past-the-calendar", rehearsal=rushing)
    await office.status(gone, "frozen")
    shown = await office.shown(gone)
    assert shown["now"].startswith("9000-01-01")
    for service in stack.services:
        assert (await office.client.get(f"{stack.url(service)}/health/ready")).status_code == 200
    other = await office.announce("goes-on", rehearsal=clock_map(4))
    await office.status(other, "open")
    (await office.client.post(f"/rounds/{other}/applications", json=application(1))).raise_for_status()
    listed = (await office.client.get("/rounds")).raise_for_status().json()
    assert {gone, other} <= {one["round"] for one in listed}
    await office.confirm(other)
    await office.act(gone, "void", {})


async def test_a_round_that_fails_is_named_and_counted_and_the_others_go_on(stack: Stack, office: Office) -> None:
    broken = await office.announce("broken", rehearsal=clock_map(4, opens_in=3))
    database = await asyncpg.connect(stack.database_url("intake"))
    try:
        stated = await database.fetchval("SELECT policy FROM rounds WHERE round = $1", broken)
        await database.execute("UPDATE rounds SET policy = '{\"policy\": 1}' WHERE round = $1", broken)
        other = await office.announce("unbroken", rehearsal=clock_map(4, opens_in=4))
        await office.status(other, "frozen")
        assert (await office.shown(broken))["status"] == "announced"
        metrics = (await office.client.get("/metrics")).text
        assert 'firstbuy_round_failures_total{duty="opening",round="broken"}' in metrics
        assert '"broken"' in stack.log("intake").read_text()
        await database.execute("UPDATE rounds SET policy = $2::text::jsonb WHERE round = $1", broken, stated)
    finally:
        await database.close()
    await until(lambda: has_opened(office, broken), "mended, it opens by itself", 30)


async def has_opened(office: Office, round_id: str) -> bool:
    return bool((await office.shown(round_id))["status"] != "announced")


FAR: dict[str, tuple[dict[str, Any], str]] = {
    "opens in the year 1": ({"opens_at": "0001-01-01T00:00:00Z"}, "/round/opens_at"),
    "opens in the year 1, east": ({"opens_at": "0001-01-01T00:00:00+23:59"}, "/round/opens_at"),
    "closes in the year 9999": ({"closes_at": "9999-12-31T23:59:59Z"}, "/round/closes_at"),
    "closes in the year 9999, west": ({"closes_at": "9999-12-31T23:59:59-23:59"}, "/round/closes_at"),
    "closes before it opens": ({"closes_at": OPENS.isoformat()}, "/round/closes_at"),
    "is open for a century": ({"closes_at": "2118-01-01T00:00:00Z"}, "/round/closes_at"),
    "has a lead of centuries": ({"lead_seconds": 2**53 - 1}, "/round/lead_seconds"),
    "has a period of centuries": (
        {"sources": [SOURCE | {"period_seconds": 2**53 - 1}]},
        "/round/sources/0/period_seconds",
    ),
    "waits for centuries": (
        {"sources": [SOURCE | {"fails_after_seconds": 2**53 - 1}]},
        "/round/sources/0/fails_after_seconds",
    ),
    "anchors a source in the year 1": (
        {"sources": [SOURCE | {"anchor": "0001-01-01T00:00:00Z"}]},
        "/round/sources/0/anchor",
    ),
    "has a thousand sources": ({"sources": [SOURCE] * 1000}, "/round/sources"),
    "runs faster than anything": ({"rehearsal": clock_map(4) | {"rate": 2**53 - 1}}, "/round/rehearsal/rate"),
    "anchors its clock in the year 9999": (
        {"rehearsal": clock_map(4) | {"programme_anchor": "9999-12-31T00:00:00Z"}},
        "/round/rehearsal/programme_anchor",
    ),
    "anchors its clock a century ago": (
        {"rehearsal": clock_map(4) | {"real_anchor": "1926-01-01T00:00:00Z"}},
        "/round/rehearsal/real_anchor",
    ),
}


@pytest.mark.parametrize("name", FAR)
async def test_terms_that_reach_too_far_are_refused_by_their_field(office: Office, name: str) -> None:
    changed, pointer = FAR[name]
    terms = {
        "round": "too-far",
        "title": "too far",
        "opens_at": OPENS.isoformat(),
        "closes_at": CLOSES.isoformat(),
        "lead_seconds": 3600,
        "sources": [SOURCE],
    } | changed
    content = json.dumps({"round": terms, "policy": policy_2018_h2(), "reason": "a test"}, default=str)
    headers = office.officers[0] | {"content-type": "application/json"}
    answer = await office.client.post("/rounds", content=content, headers=headers)
    assert answer.status_code == 422, answer.text
    reasons = {error["pointer"]: error for error in answer.json()["errors"]}
    assert pointer in reasons, reasons
    assert reasons[pointer]["fix"]


async def test_no_extension_reaches_too_far(office: Office) -> None:
    round_id = await office.announce("extended-too-far", rehearsal=clock_map(600))
    for closes_at in ("9999-12-31T23:59:59Z", "2150-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"):
        answer = await office.propose(round_id, "extend", {"closes_at": closes_at})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] in ("/terms/closes_at", "")


ANYTHING: tuple[Any, ...] = (
    None,
    "",
    "\u0000",
    "a" * 5000,
    "\\u0063",
    "ﾊ²٣",
    -1,
    0,
    2**63,
    10**400,
    1.5,
    True,
    [],
    [[]],
    ["a", 1],
    [{"application": 5}],
    {},
    {"application": None},
    str(uuid.uuid4()),
    [str(uuid.uuid4())],
    "0001-01-01T00:00:00+23:59",
)


async def test_no_terms_of_an_act_fail_whatever_stands_in_them(office: Office) -> None:
    """Terms are free in form: each kind of act reads its own."""
    sources = (PROJECT / "services" / "intake" / "usecases" / "acts").glob("*.py")
    reads = re.compile(r'(?:asked(?:\.get\(|\[)|\((?:asked), )"(\w+)"')
    names = sorted({name for file in sources for name in reads.findall(file.read_text())})
    assert len(names) > 8
    opened = await office.announce("acted-on", rehearsal=clock_map(3600))
    await office.status(opened, "open")
    frozen = await office.announce("acted-on-frozen", rehearsal=clock_map(3))
    await office.milestone(frozen, "SelectionProposed")
    for round_id, kind, value in itertools.product((opened, frozen), ActKind, ANYTHING):
        for terms in (dict.fromkeys(names, value), *({name: value} for name in names[:: len(names) // 3])):
            answer = await office.propose(round_id, kind.value, terms)
            assert answer.status_code < 500, (kind, terms, answer.text)


def announcement(round_id: str, **changed: Any) -> str:
    opens, closes = datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) + timedelta(days=9)
    terms = {
        "round": round_id,
        "title": "시험",
        "opens_at": opens.replace(microsecond=0).isoformat(),
        "closes_at": closes.replace(microsecond=0).isoformat(),
        "lead_seconds": 3600,
        "sources": [SOURCE],
    } | changed
    day = korean_date(datetime.fromisoformat(str(terms["closes_at"])))
    policy = policy_2018_h2() | {"as_of": day.isoformat()}
    return json.dumps({"round": terms, "policy": policy, "reason": "a test"}, default=str)


async def announced(office: Office, content: str) -> httpx2.Response:
    headers = office.officers[0] | {"content-type": "application/json"}
    return await office.client.post("/rounds", content=content, headers=headers)


async def test_a_window_that_is_over_is_not_announced(office: Office) -> None:
    opens, closes = datetime.now(UTC) - timedelta(days=9), datetime.now(UTC) - timedelta(seconds=1)
    over = announcement("over", opens_at=opens.isoformat(), closes_at=closes.isoformat())
    answer = await announced(office, over)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/round/closes_at", "window-past")
    assert (await office.client.get("/rounds/over")).status_code == 404


OTHER: dict[str, dict[str, Any]] = {
    "another title": {"title": "다른 이름"},
    "another close": {"closes_at": (datetime.now(UTC) + timedelta(days=9, hours=1)).replace(microsecond=0).isoformat()},
    "another lead": {"lead_seconds": 60},
    "another source": {"sources": [SOURCE | {"source": "other"}]},
    "one source more": {"sources": [SOURCE, SOURCE | {"source": "other"}]},
    "no second officer": {"unattended": True},
}


@pytest.mark.parametrize("name", OTHER)
async def test_a_round_that_stands_is_not_announced_otherwise(office: Office, name: str) -> None:
    round_id = "stands-" + name.replace(" ", "-")
    first = announcement(round_id)
    assert (await announced(office, first)).status_code == 201
    assert (await announced(office, first)).status_code == 200, "the same again is no error"
    stated = json.loads(first)
    stated["round"] |= OTHER[name]
    answer = await announced(office, json.dumps(stated))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:firstbuy:problem:round-exists"), answer.text


async def test_what_may_be_named_in_a_round_can_be_asked_for(office: Office) -> None:
    round_id = await office.announce("choices", rehearsal=clock_map(3600))
    told = (await office.client.get(f"/rounds/{round_id}/choices")).raise_for_status().json()
    assert [track["track"] for track in told["tracks"]] == ["general"]
    assert {"nep", "gs"} <= {certificate["kind"] for certificate in told["certificates"]}
    assert len(told["regions"]) == 17
    assert (await office.client.get("/rounds/no-such-round/choices")).status_code == 404


async def test_a_pledge_to_a_round_that_is_not_announced_is_taken_and_remarked_on(office: Office) -> None:
    known = await office.announce("pledged-to", rehearsal=clock_map(3600))
    pledges = [{"round": known, "won": 1_000_000}, {"round": "mistyped", "won": 1_000_000}]
    body = {"name": "한국전력공사", "status": "agreed", "pledges": pledges}
    answer = await office.client.put("/institutions/pledging", json=body, headers=office.officers[0])
    (warning,) = answer.raise_for_status().json()["warnings"]
    assert (warning["pointer"], warning["code"]) == ("/pledges/1/round", "unknown-round")
    again = await office.client.put("/institutions/pledging", json=body, headers=office.officers[0])
    assert again.json() == answer.json(), "the same again says the same"

"""What officers did after a backup is back too."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from deploy.local.stack import Stack
from services.intake.usecases import replay
from shared.contracts.events import RefusalReconsidered
from shared.kafka.records import Event
from shared.programme.working_days import korean_date
from shared.service.postgres import connected, open_pool
from tests.conftest import Database, StartStack
from tests.support.consuming import until
from tests.support.restoring import (
    ENVIRONMENT,
    NO_APPLICANT,
    ROUNDS,
    Backups,
    act,
    answers,
    apply,
    bearer,
    bodies,
    catches_up,
    close_now,
    held,
    published,
    records,
    url,
)
from tests.support.rounds import Office, clock_map, purchase_request, shipped_policy, write_inbox

pytestmark = pytest.mark.altered_by_hand("closes are moved in intake's database")


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(services=("intake",), environment=ENVIRONMENT)


async def test_what_was_set_free_and_given_out_after_the_backup_is_back(
    start_stack: StartStack, backups: Backups
) -> None:
    stack = await start_stack(services=("intake", "eligibility", "selection"), environment=ENVIRONMENT)
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        await office.institution("kepco")
        round_id = await office.announce(rehearsal=clock_map(3600, opens_in=2))
        await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
        await office.status(round_id, "open")
        given = {one["application"]: one for one in [await apply(client, round_id, number) for number in range(4)]}
        wanted = [purchase_request(round_id, f"r-{n}", quantity=10, budget_won=10_000_000) for n in range(2)]
        await write_inbox(stack, "kepco", *[("SubmitPurchaseRequest", f"m-{n}", one) for n, one in enumerate(wanted)])
        await answers(stack, 2)
        await close_now(stack, office, round_id)
        await office.confirm(round_id)
        first, second, *_ = [given[result["application"]] for result in await office.results(round_id, 4)]
        awards = {result["application"]: result for result in await office.results(round_id, 4)}[second["application"]][
            "awards"
        ]
        backup = await backups.take(stack)
        gone = f"{url(first)}/withdrawal"
        said = (await client.post(gone, json={"reason": "부도"}, headers=bearer(first))).raise_for_status().json()
        bought = {"application": second["application"], "quantity": 1, "amount_won": 1, "contracted_on": "2018-10-01"}
        about = {"round": round_id, "request": awards[0]["request"].removeprefix("kepco/")}
        await write_inbox(stack, "kepco", ("ReportPurchase", "p-0", about | bought))
        await answers(stack, 3)
        proposal = await office.milestone(round_id, "SelectionProposed")
        terms = {"epoch": 1, "batch": 1, "selection_root": proposal["selection_root"]}
        terms |= {"given_up": [first["application"]], "cancelled": [], "declined": []}
        await act(office, round_id, "release", terms)
        root = (await office.milestone(round_id, "ReleaseProposed"))["batch_root"]
        await act(office, round_id, "confirm-release", {"epoch": 1, "batch": 1, "batch_root": root})
        await published(stack)

        async def released() -> Any:
            return (await client.get(f"/rounds/{round_id}/releases", headers=office.officers[0])).json()

        before, turns = await released(), await records(stack, "rounds.v1")
        await backups.put_back(stack, backup)
        await catches_up(stack)

        async def as_before() -> bool:
            return bool(await released() == before)

        await until(as_before, "the batch is back, confirmed and proposed")
        again = (await client.post(gone, json={"reason": "부도"}, headers=bearer(first))).raise_for_status().json()
        assert again == said, "given up once, at that moment"
        refused = await client.post(f"{url(second)}/withdrawal", json={}, headers=bearer(second))
        assert refused.json()["type"].endswith("contracted")
        assert [record.value for record in await records(stack, "rounds.v1")] == [turn.value for turn in turns]


async def test_whoever_was_invited_after_the_backup_is_not_invited_again_and_is_forgotten_in_time(
    database: Database,
) -> None:
    moment = datetime(2018, 9, 14, 9, 1, tzinfo=UTC)
    told = RefusalReconsidered(
        round="2018-h2", party=NO_APPLICANT["party"], refused_at=moment, closes_at=moment + timedelta(days=1)
    )
    event = Event(
        id="an-id",
        type="RefusalReconsidered",
        body=told,
        raw=b"{}",
        topic="applications.v1",
        partition=0,
        offset=0,
        appended_at=moment,
        traceparent=None,
    )
    pool = await open_pool(await database("intake"), 2, "test")
    refused = "INSERT INTO refused VALUES ('2018-h2', $1, 'a firm', 'ko', $2)"
    await pool.execute(refused, "told@example.org", moment)
    await pool.execute(refused, "later@example.org", moment + timedelta(seconds=1))
    for _ in range(2):
        async with connected(pool) as connection, connection.transaction():
            assert await replay.put_back_applications(connection, [event], "") == 0
    assert [row["email"] for row in await pool.fetch("SELECT email FROM refused")] == ["later@example.org"]
    assert [str(row["party"]) for row in await pool.fetch("SELECT party FROM invited")] == [told.party]
    await pool.close()


async def test_a_round_announced_after_the_backup_takes_its_policy_with_the_same_announcement(
    stack: Stack, client: httpx2.AsyncClient, office: Office, backups: Backups
) -> None:
    backup = await backups.take(stack)
    terms: dict[str, Any] = {"opens_at": "2040-01-01T00:00:00Z", "closes_at": "2040-02-01T00:00:00Z"}
    round_id = await office.announce(**terms)
    await published(stack)
    before = await held(stack)
    await backups.put_back(stack, backup)
    await catches_up(stack)
    assert (await office.shown(round_id))["policy"] == {}, "an announcement names only its hash"
    with pytest.raises(httpx2.HTTPStatusError, match="409"):
        await office.announce(round_id, **(terms | {"opens_at": "2040-01-02T00:00:00Z"}))
    await office.announce(round_id, **terms)
    assert (await held(stack))[ROUNDS] == before[ROUNDS]
    assert len(await bodies(stack, "rounds.v1", "RoundAnnounced")) == 1


async def test_a_rolling_intake_comes_back_with_the_cut_to_come(
    stack: Stack, office: Office, client: httpx2.AsyncClient, backups: Backups
) -> None:
    backup = await backups.take(stack)
    now = datetime.now(UTC)
    closes_at = now + timedelta(days=3)
    policy = shipped_policy("rolling")
    policy["as_of"] = korean_date(closes_at).isoformat()
    series = f"small-{secrets.token_hex(3)}"
    await office.institution("kepco", **{series.replace("-", "_"): 50_000_000})
    await office.announce(series, policy, opens_at=now - timedelta(minutes=1), closes_at=closes_at)
    await office.status(f"{series}-01", "open")

    async def next_is_announced() -> bool:
        return len((await office.shown(series))["cuts"]) == 2

    await until(next_is_announced, "the cut to come")
    receipt = await apply(client, series, 1, "small-purchase")
    await published(stack)
    before = await held(stack)
    await backups.put_back(stack, backup)
    await catches_up(stack)

    async def as_before() -> bool:
        return await held(stack) == before

    await until(as_before, "everything as it was, the policy of the cut to come included")
    shown = await office.shown(f"{series}-02")
    assert (shown["status"], shown["cut"], shown["series"]) == ("announced", 2, series)
    assert (await apply(client, f"{series}-01", 2, "small-purchase"))["round"] == receipt["round"] == f"{series}-01"

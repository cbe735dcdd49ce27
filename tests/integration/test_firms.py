"""One firm, one chance: its limit of entries is held exactly, by groups and replicas too, and a product is one by both
its names."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from deploy.local.stack import Stack
from services.intake.domain.entries import Chance
from services.intake.domain.firms import names_of
from services.intake.domain.receipts import Receipt
from services.intake.domain.submissions import ContactDetails, FirmLimit, Refusal, Submission
from services.intake.storage import policies
from services.intake.storage.rounds import Announcement, announce, open_round
from services.intake.usecases.admission import Admission
from services.intake.usecases.fitness import Fitnesses
from shared.service.keys import SigningKey
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, open_pool
from tests.conftest import Database
from tests.support.rounds import Office, application, clock_map, emptied, policy_2018_h2
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("firms")
MOST = 3


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3", "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3"}
    async with lasting_stack(("intake",), environment=environment) as running:
        yield running


async def opened(office: Office, **limits: Any) -> str:
    policy = policy_2018_h2() | {"as_of": "2018-09-14"}
    policy["limits"] |= limits
    round_id = await office.announce(policy=policy, rehearsal=clock_map(3600, seed=secrets.token_hex(4)))
    await office.status(round_id, "open")
    return round_id


def product(number: int, reference: str, **changed: Any) -> dict[str, Any]:
    return application(number, reference=reference, **changed)


async def enter(office: Office, round_id: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
    return await office.client.post(f"/rounds/{round_id}/applications", json=body, headers=headers)


def code_of(answer: httpx2.Response) -> str:
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def opens(answer: httpx2.Response, version: int | None = None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    return headers | ({"If-Match": f'"{version}"'} if version else {})


async def test_a_firm_enters_as_many_products_as_the_policy_lets_it(office: Office) -> None:
    round_id = await opened(office)
    answers = await asyncio.gather(*(enter(office, round_id, product(1, f"SAME-{n}")) for n in range(40)))
    told = Counter(answer.status_code for answer in answers)
    assert told == {201: MOST, 409: 40 - MOST}
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {code_of(answer) for answer in refused} == {"firm-limit"}
    assert all(answer.json()["errors"] == [] for answer in refused), "whoever asks learns of no entry"
    entered = next(answer for answer in answers if answer.status_code == 201)
    (named,) = (await enter(office, round_id, product(1, "MORE"), **opens(entered))).json()["errors"]
    assert named["detail"] == entered.json()["application"]
    assert named["fix"]
    assert (await enter(office, round_id, product(2, "OTHER"))).status_code == 201, "another firm has places of its own"


async def test_a_withdrawn_entry_gives_its_place_back_and_takes_it_up_again(office: Office) -> None:
    round_id = await opened(office, applications_per_firm=1)
    first = await enter(office, round_id, product(1, "ONE"))
    url = f"/applications/{first.json()['application']}"
    assert code_of(await enter(office, round_id, product(1, "TWO"))) == "firm-limit"
    (await office.client.post(f"{url}/withdrawal", json={}, headers=opens(first))).raise_for_status()
    second = await enter(office, round_id, product(1, "TWO"))
    assert second.status_code == 201
    again = await office.client.put(url, json=product(1, "ONE"), headers=opens(first, 2))
    assert (again.status_code, code_of(again)) == (409, "firm-limit"), "its place is taken"
    other = f"/applications/{second.json()['application']}"
    (await office.client.post(f"{other}/withdrawal", json={}, headers=opens(second))).raise_for_status()
    again = await office.client.put(url, json=product(1, "ONE"), headers=opens(first, 2))
    assert again.status_code == 200, again.text


async def test_no_late_entry_goes_beyond_a_firms_limit(office: Office) -> None:
    policy = policy_2018_h2() | {"as_of": "2018-09-14"}
    policy["limits"]["applications_per_firm"] = 1
    round_id = await office.announce(policy=policy, rehearsal=clock_map(4, opens_in=0.5))
    await office.status(round_id, "open")
    (await enter(office, round_id, product(1, "ONE"))).raise_for_status()
    await office.status(round_id, "frozen")
    for firm, reference, code in ((1, "TWO", "firm-limit"), (1, "one", "already-entered"), (2, "TWO", None)):
        shown = await office.shown(round_id)
        terms = {name: shown[name] for name in ("epoch", "applications_root")} | {"source": "rehearsal"}
        answer = await office.propose(round_id, "admit-late", terms, entry=product(firm, reference))
        assert answer.status_code == (409 if code else 201), answer.text
        assert code is None or code_of(answer) == code


async def test_an_item_id_that_came_later_goes_into_the_entry(office: Office, stack: Stack) -> None:
    round_id = await opened(office)
    first = await enter(office, round_id, product(1, "P-1"))
    url = f"/applications/{first.json()['application']}"
    changed = await office.client.put(url, json=product(1, "P-1", item_id="24681357"), headers=opens(first, 1))
    assert changed.status_code == 200, changed.text
    for reference, item_id in (("P-1", None), ("p-1", "11111111"), ("P-2", "24681357")):
        named = {"item_id": item_id} if item_id else {}
        answer = await enter(office, round_id, product(1, reference, **named))
        assert (answer.status_code, code_of(answer)) == (409, "already-entered"), (reference, item_id)
    second = await enter(office, round_id, product(1, "P-3"))
    taken = await office.client.put(
        f"/applications/{second.json()['application']}",
        json=product(1, "P-3", item_id="24681357"),
        headers=opens(second, 1),
    )
    assert (taken.status_code, code_of(taken)) == (409, "already-entered"), "the item id of the other"
    other = await office.client.put(url, json=product(1, "P-4", item_id="11111111"), headers=opens(first, 2))
    assert (other.status_code, code_of(other)) == (409, "another-product")
    renamed = await office.client.put(url, json=product(1, "P-5", item_id="24681357"), headers=opens(first, 2))
    assert renamed.status_code == 200, "by its item id it is the same"
    await emptied(stack, "intake")
    await office.status(round_id, "open")
    again = Office(stack, office.client)
    for body in (product(1, "P-5"), product(1, "P-9", item_id="24681357"), product(1, "P-3")):
        answer = await enter(again, round_id, body)
        assert (answer.status_code, code_of(answer)) == (409, "already-entered"), "put back, it knows both names"


ROUND = "rush"
OPENS = datetime(2018, 8, 16, tzinfo=UTC)


def submission(firm: int, reference: str, item_id: str | None = None, track: str = "general") -> Submission:
    return Submission(
        round=ROUND,
        received_at=OPENS + timedelta(days=1),
        business_number=f"{firm:010d}",
        product_key=f"item:{item_id}" if item_id else f"ref:{reference}",
        names=names_of(reference, item_id),
        track=track,
        facts={"track": track, "product": {"reference": reference, **({"item_id": item_id} if item_id else {})}},
        contact=ContactDetails("담당자", "a@example.org", None, "ko"),
        idempotency_key=None,
        body_hash=b"",
        chance=Chance.of_bytes(secrets.token_bytes(48)),
        traceparent=None,
    )


@pytest.fixture
async def replicas(database: Database) -> AsyncIterator[list[Any]]:
    """Two replicas' admissions, in small groups, by four writers each: `submit` of each."""
    url = await database("intake")
    pools = [await open_pool(url, 6, "test") for _ in range(2)]
    async with pools[0].acquire() as connection:
        policy = {
            "limits": {"applications_per_firm": MOST},
            "tracks": [{"track": "narrow", "limits": {"applications_per_firm": 1}}],
        }
        announcement = Announcement(
            round=ROUND,
            title=ROUND,
            opens_at=OPENS,
            closes_at=OPENS + timedelta(days=30),
            policy=policy,
            policy_hash="0" * 64,
            lead_seconds=60,
            sources=[{"source": "lotto", "kind": "lottery", "period_seconds": 60, "description": "lotto"}],
        )
        await announce(connection, announcement)
        await open_round(connection, ROUND)
    admissions = [
        Admission(OutboxPublisher(None), SigningKey(tuple), 16, 100_000, writers=4)  # type: ignore[arg-type]
        for _ in pools
    ]
    tasks = [asyncio.create_task(one.write_groups(pool)) for one, pool in zip(admissions, pools, strict=True)]
    yield [admission.submit for admission in admissions]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for pool in pools:
        await pool.close()


async def test_two_replicas_hold_the_limit_of_each_firm_exactly(replicas: list[Any]) -> None:
    firms = range(30)
    sent = [
        (firm, submission(firm, f"R-{number}", track="narrow" if number % 4 == 0 else "general"))
        for number in range(12)
        for firm in firms
    ]
    answers = await asyncio.gather(*(replicas[place % 2](one) for place, (_, one) in enumerate(sent)))
    entered = Counter(firm for (firm, _), told in zip(sent, answers, strict=True) if isinstance(told, Receipt))
    assert entered == dict.fromkeys(firms, MOST)
    narrow = Counter(
        firm
        for (firm, one), told in zip(sent, answers, strict=True)
        if isinstance(told, Receipt) and one.track == "narrow"
    )
    assert max(narrow.values()) <= 1
    assert all(isinstance(told, (Receipt, FirmLimit)) for told in answers)


async def test_two_replicas_take_a_product_once_by_whichever_name(replicas: list[Any]) -> None:
    sent = [
        (firm, one)
        for firm in range(40)
        for one in (
            submission(firm, "A"),
            submission(firm, "A", "24681357"),
            submission(firm, "a", "24681357"),
            submission(firm, "B", "24681357"),
        )
    ]
    answers = await asyncio.gather(*(replicas[place % 2](one) for place, (_, one) in enumerate(sent)))
    of_firm: dict[int, list[tuple[frozenset[str], Any]]] = {}
    for (firm, one), told in zip(sent, answers, strict=True):
        of_firm.setdefault(firm, []).append((one.names, told))
    for told in of_firm.values():
        entered = [names for names, answer in told if isinstance(answer, Receipt)]
        assert entered, "one of them is in"
        assert all(not one & other for place, one in enumerate(entered) for other in entered[:place])
        assert {answer for _, answer in told if not isinstance(answer, Receipt)} == {Refusal.ALREADY_ENTERED}


async def test_a_policy_is_read_once_however_many_apply_and_none_waits_for_anothers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    held = asyncio.Event()
    of_round = policies.of_round

    async def counted(connection: Connection, round_id: str) -> policies.StoredPolicy | None:
        read.append(round_id)
        if round_id == "held":
            await held.wait()
        return await of_round(connection, round_id)

    monkeypatch.setattr(policies, "of_round", counted)
    pool = await open_pool(await database("intake"), 2, "test")
    fitnesses = Fitnesses()
    waiting = [asyncio.create_task(fitnesses.of(pool, "held")) for _ in range(50)]
    await asyncio.sleep(0.1)
    waiting[0].cancel()
    async with asyncio.timeout(30):
        assert await fitnesses.of(pool, "another") is None, "it waits for nobody"
    held.set()
    assert await asyncio.gather(*waiting[1:]) == [None] * 49
    assert read == ["held", "another"]
    await pool.close()

"""Two parties enter one firm's product: both are told, one at the most can stand, and officers settle it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import asyncpg
import httpx2
import pytest

from deploy.local.registries.records import Business, Mood, Records
from deploy.local.stack import Stack
from firstbuy.verifying.receipts import examined_receipt
from tests.support.consuming import until
from tests.support.notified import mails_in
from tests.support.registries import Local, local_registries
from tests.support.rounds import (
    Office,
    application,
    business_number,
    clock_map,
    emptied,
    policy_2018_h2,
    purchase_request,
    write_inbox,
)
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("contests")
ENVIRONMENT = {
    "FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.3",
    "FIRSTBUY_INTAKE_SKEW_SECONDS": "0.3",
    "FIRSTBUY_ELIGIBILITY_REPAIR_SECONDS": "1",
    "FIRSTBUY_SELECTION_REPAIR_SECONDS": "1",
}


@pytest.fixture(scope="module")
def tax_service() -> Iterator[Local]:
    with local_registries() as running:
        yield running


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack, tax_service: Local) -> AsyncIterator[Stack]:
    services = ("intake", "eligibility", "selection", "notify")
    async with lasting_stack(services, environment=ENVIRONMENT | tax_service.environment()) as running:
        yield running


async def opened(office: Office, seconds: float = 3600) -> str:
    round_id = await office.announce(rehearsal=clock_map(seconds, seed=secrets.token_hex(4)))
    await office.institution("kepco", **{round_id.replace("-", "_"): 50_000_000})
    await office.status(round_id, "open")
    return round_id


def by(contact: str, number: int = 1, **product: Any) -> dict[str, Any]:
    body = application(number, **product)
    body["contact"]["email"] = contact
    return body


async def enter(office: Office, round_id: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await office.client.post(f"/rounds/{round_id}/applications", json=body)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def thief(round_id: str) -> str:
    return f"thief@{round_id}.example"


def kim(round_id: str) -> str:
    return f"kim@{round_id}.example"


def code_of(answer: httpx2.Response) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


def opens(receipt: dict[str, Any], version: int | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {receipt['token']}"} | ({"If-Match": f'"{version}"'} if version else {})


async def status(office: Office, receipt: dict[str, Any]) -> dict[str, Any]:
    answer = await office.client.get(f"/applications/{receipt['application']}/status", headers=opens(receipt))
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


async def receipts(office: Office, receipt: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await office.client.get(f"/applications/{receipt['application']}/receipt", headers=opens(receipt))
    told: list[dict[str, Any]] = answer.raise_for_status().json()
    return told


async def contests(office: Office, round_id: str) -> dict[str, list[str]]:
    answer = await office.client.get(f"/rounds/{round_id}/contests", headers=office.officers[1])
    return {one["application"]: one["against"] for one in answer.raise_for_status().json()}


async def two_parties(office: Office, round_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A stranger before the firm, by the item id that both know."""
    stranger = await enter(office, round_id, by(thief(round_id), reference="MINE", item_id="24001234"))
    firm = await enter(office, round_id, by(kim(round_id), reference="REAL", item_id="24001234"))
    return stranger, firm


async def test_both_receipts_say_contested_and_are_signed_so(office: Office) -> None:
    round_id = await opened(office)
    stranger, firm = await two_parties(office, round_id)
    keys = (await office.client.get("/.well-known/firstbuy-keys")).json()
    assert firm["contested"] is True
    assert "contested" not in stranger
    first, restated = await receipts(office, stranger)
    assert first == {name: value for name, value in stranger.items() if name != "token"}
    assert restated["contested"] is True
    assert restated["version"] == 2
    for receipt in (firm, first, restated):
        assert not examined_receipt(receipt, keys).differs
    assert await contests(office, round_id) == {
        stranger["application"]: [firm["application"]],
        firm["application"]: [stranger["application"]],
    }
    for receipt in (stranger, firm):
        assert (await status(office, receipt))["contested"] is True


async def test_the_same_from_the_same_contact_is_entered_already(office: Office) -> None:
    round_id = await opened(office)
    await two_parties(office, round_id)
    for contact in (kim(round_id), kim(round_id).upper()):
        again = by(contact, reference="OTHER", item_id="24001234")
        answer = await office.client.post(f"/rounds/{round_id}/applications", json=again)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:firstbuy:problem:already-entered")


async def test_a_contest_ends_when_one_leaves_and_begins_when_it_comes_back(office: Office) -> None:
    round_id = await opened(office)
    stranger, firm = await two_parties(office, round_id)
    url = f"/applications/{stranger['application']}"
    (await office.client.post(f"{url}/withdrawal", headers=opens(stranger))).raise_for_status()
    assert (await status(office, firm))["contested"] is False
    assert await contests(office, round_id) == {}
    back = by(thief(round_id), reference="MINE", item_id="24001234")
    answer = await office.client.put(url, json=back, headers=opens(stranger, 3))
    assert answer.raise_for_status().json()["contested"] is True
    assert (await status(office, firm))["contested"] is True


async def test_a_contest_begins_and_ends_with_the_item_id_that_is_stated(office: Office) -> None:
    round_id = await opened(office)
    stranger = await enter(office, round_id, by(thief(round_id), reference="MINE"))
    firm = await enter(office, round_id, by(kim(round_id), reference="REAL", item_id="24001234"))
    assert "contested" not in firm
    url = f"/applications/{stranger['application']}"
    for version, item_id, contested in ((1, "24001234", True), (2, None, False)):
        body = by(thief(round_id), reference="MINE", item_id=item_id)
        answer = await office.client.put(url, json=body, headers=opens(stranger, version))
        assert answer.raise_for_status().json().get("contested", False) is contested
        assert (await status(office, firm))["contested"] is contested


async def test_neither_takes_a_place_from_the_firm_and_both_count_as_one(office: Office) -> None:
    round_id = await opened(office)
    await two_parties(office, round_id)
    for reference in ("B", "C"):
        await enter(office, round_id, by(kim(round_id), reference=reference))
    answer = await office.client.post(f"/rounds/{round_id}/applications", json=by("lee@firm.example", reference="D"))
    assert answer.json()["type"] == "urn:firstbuy:problem:firm-limit"


async def test_twenty_parties_at_once_are_all_contested(office: Office) -> None:
    round_id = await opened(office)
    entered = await asyncio.gather(*(enter(office, round_id, by(f"p{n}@x.example")) for n in range(20)))
    assert len({one["application"] for one in entered}) == 20
    found = await contests(office, round_id)
    assert {len(against) for against in found.values()} == {19}
    assert found.keys() == {one["application"] for one in entered}


async def test_an_emptied_intake_knows_both(office: Office, stack: Stack) -> None:
    round_id = await opened(office)
    await two_parties(office, round_id)
    await enter(office, round_id, by("park@other.example", number=2))
    before = await contests(office, round_id), await versions(stack, round_id)
    await emptied(stack, "intake")
    office.officers = (await Office.of(stack, office.client)).officers
    assert (await contests(office, round_id), await versions(stack, round_id)) == before
    again = by(kim(round_id), reference="REAL")
    answer = await office.client.post(f"/rounds/{round_id}/applications", json=again)
    assert answer.json()["type"] == "urn:firstbuy:problem:already-entered"
    third = await enter(office, round_id, by("third@evil.example", reference="X", item_id="24001234"))
    assert third["contested"] is True


FIRM = {"business_number": business_number(1), "started_on": "2015-03-02", "representative": "김새싹"}


async def confirmed(office: Office, tax_service: Local) -> str:
    """What the firm of `two_parties` brings along."""
    known = Business(started_on=date(2015, 3, 2), representative="김새싹")
    tax_service.shelf.add(Records(businesses={business_number(1): known}))
    tax_service.is_(Mood.WELL)
    answer = await office.client.post("/identity", json=FIRM | {"started_on": "2015. 3. 2."})
    told = answer.raise_for_status().json()
    assert told["level"] == "registry"
    return str(told["identity"])


async def test_the_surer_entry_wins_by_itself(office: Office, tax_service: Local) -> None:
    round_id = await opened(office)
    stranger, firm = await two_parties(office, round_id)
    identity = await confirmed(office, tax_service)
    sure = by(kim(round_id), reference="REAL", item_id="24001234") | {"identity": identity}
    url = f"/applications/{firm['application']}"
    answer = await office.client.put(url, json=sure, headers=opens(firm, 1))
    told = answer.raise_for_status().json()
    assert (told["identity"], told.get("contested")) == ("registry", None)
    assert (await status(office, stranger))["withdrawn"] is True
    keys = (await office.client.get("/.well-known/firstbuy-keys")).json()
    assert not examined_receipt(told, keys).differs
    await told_of(office.stack, thief(round_id), "확인된 신청이 있어")
    for method, path, headers in (
        ("PUT", f"/applications/{stranger['application']}", opens(stranger, 3)),
        ("POST", f"/rounds/{round_id}/applications", {}),
    ):
        again = by(thief(round_id) if method == "PUT" else "x@x.example", reference="MINE", item_id="24001234")
        refused = await office.client.request(method, path, json=again, headers=headers)
        assert (refused.status_code, code_of(refused)) == (409, "entered-by-surer")
    kept = by(kim(round_id), reference="REAL", item_id="24001234", name="새 이름")
    answer = await office.client.put(url, json=kept, headers=opens(firm, 2))
    assert answer.raise_for_status().json()["identity"] == "registry", "what was confirmed stays so"
    kept["applicant"]["started_on"] = "2016-03-02"
    answer = await office.client.put(url, json=kept, headers=opens(firm, 3))
    assert answer.raise_for_status().json()["identity"] == "none", "but not of another beginning"


async def test_places_that_a_stranger_took_go_to_the_firm(office: Office, tax_service: Local) -> None:
    round_id = await opened(office)
    for reference in ("A", "B", "C"):
        await enter(office, round_id, by(thief(round_id), reference=reference))
    mine = by(kim(round_id), reference="D")
    refused = await office.client.post(f"/rounds/{round_id}/applications", json=mine)
    assert code_of(refused) == "firm-limit"
    identity = await confirmed(office, tax_service)
    assert (await enter(office, round_id, mine | {"identity": identity}))["identity"] == "registry"
    await told_of(office.stack, thief(round_id), "확인된 신청이 있어")


async def test_who_is_not_the_firm_is_not_confirmed(office: Office, tax_service: Local) -> None:
    await confirmed(office, tax_service)
    refused = await office.client.post("/identity", json=FIRM | {"representative": "김도둑"})
    assert (refused.status_code, code_of(refused)) == (422, "not-confirmed")
    tax_service.is_(Mood.DOWN)
    other = FIRM | {"business_number": business_number(9)}
    away = await office.client.post("/identity", json=other)
    assert (away.status_code, code_of(away)) == (503, "identity-away")
    assert away.headers["retry-after"]
    tries = [await office.client.post("/identity", json=other) for _ in range(5)]
    assert code_of(tries[-1]) == "too-many-tries"
    tax_service.is_(Mood.WELL)
    for lie in ("fbi_made-up", "no such thing"):
        body = by("x@x.example", number=5) | {"identity": lie}
        answer = await office.client.post(f"/rounds/{await opened(office)}/applications", json=body)
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
            ("/identity", "no-confirmation")
        ]


async def test_a_policy_may_take_confirmed_firms_alone(office: Office, tax_service: Local) -> None:
    policy = policy_2018_h2() | {"as_of": "2018-09-14", "identity": "registry"}
    round_id = await office.announce(policy=policy, rehearsal=clock_map(3600, seed=secrets.token_hex(4)))
    await office.status(round_id, "open")
    url = f"/rounds/{round_id}/applications"
    refused = await office.client.post(url, json=by(kim(round_id)))
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/identity", "identity-needed")
    ]
    sure = by(kim(round_id)) | {"identity": await confirmed(office, tax_service)}
    assert (await enter(office, round_id, sure))["identity"] == "registry"


async def versions(stack: Stack, round_id: str) -> list[Any]:
    database = await asyncpg.connect(stack.database_url("intake"))
    try:
        rows = await database.fetch(
            "SELECT v.application, v.version, contested, restated, identity, v.payload_hash"
            " FROM application_versions v JOIN applications USING (application) WHERE round = $1 ORDER BY 1, 2",
            round_id,
        )
    finally:
        await database.close()
    return [tuple(row) for row in rows]


async def closed(office: Office) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A frozen round with a contest, and with two entries that nobody contests; both are parked."""
    round_id = await opened(office, 6)
    await write_inbox(office.stack, "kepco", ("SubmitPurchaseRequest", "m1", purchase_request(round_id, "r1")))
    stranger, firm = await two_parties(office, round_id)
    for number in (2, 3):
        await enter(office, round_id, by(f"contact{number}@example.org", number=number))
    await office.status(round_id, "frozen")
    both = sorted((stranger["application"], firm["application"]))

    async def named() -> bool:
        answer = await office.client.get(f"{office.stack.url('eligibility')}/rounds/{round_id}/completeness")
        return bool(answer.json().get("parked") == both)

    await until(named, "both are parked by name")
    for receipt in (stranger, firm):
        verdict = await until_judged(office, receipt)
        assert verdict["outcome"] == "parked"
        assert [finding["seen"] for finding in verdict["findings"]] == ["contested"]
    return round_id, stranger, firm


async def until_judged(office: Office, receipt: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while (verdict := (await status(office, receipt))["verdict"]) is None:
            await asyncio.sleep(0.1)
    told: dict[str, Any] = verdict
    return told


async def terms(office: Office, round_id: str, **more: Any) -> dict[str, Any]:
    shown = await office.shown(round_id)
    return {"epoch": shown["epoch"], "applications_root": shown["applications_root"]} | more


async def results(office: Office, round_id: str, count: int) -> set[str]:
    await office.confirm(round_id, epoch=2)
    return {result["application"] for result in await office.results(round_id, count)}


async def test_officers_settle_a_contest_by_naming_who_stands(office: Office) -> None:
    round_id, stranger, firm = await closed(office)
    mine, theirs = firm["application"], stranger["application"]
    refused = await office.propose(round_id, "unpark", await terms(office, round_id, applications=[mine]))
    assert refused.json()["type"] == "urn:firstbuy:problem:terms-differ"
    assert theirs in refused.json()["title"], "who goes is named to who proposes"
    both = await office.propose(round_id, "unpark", await terms(office, round_id, applications=[mine, theirs]))
    assert both.json()["type"] == "urn:firstbuy:problem:contested"
    await office.act(round_id, "unpark", await terms(office, round_id, applications=[mine], excluded=[theirs]))
    assert theirs not in await results(office, round_id, 3)
    assert (await status(office, stranger))["withdrawn"] is True
    assert (await status(office, firm))["verdict"]["outcome"] == "eligible"
    await told_of(office.stack, thief(round_id), "접수되었습니다", "같은 제품으로 다른 신청", "제외되었습니다")
    await told_of(office.stack, kim(round_id), "접수되었습니다", "경합이 끝났습니다")


async def test_what_a_stranger_had_entered_keeps_no_firm_from_being_admitted_late(office: Office) -> None:
    round_id = await opened(office, 4)
    stranger = await enter(office, round_id, by(thief(round_id), reference="MINE", item_id="24001234"))
    url = f"/applications/{stranger['application']}/withdrawal"
    (await office.client.post(url, headers=opens(stranger))).raise_for_status()
    await enter(office, round_id, by("contact2@example.org", number=2))
    await office.status(round_id, "frozen")
    late = by(kim(round_id), reference="REAL", item_id="24001234")
    done = await office.act(round_id, "admit-late", await terms(office, round_id, source="rehearsal"), entry=late)
    assert done["receipt"]["application"] != stranger["application"]


async def test_what_is_excluded_leaves_the_other_to_be_judged(office: Office) -> None:
    round_id, stranger, firm = await closed(office)
    await office.act(round_id, "exclude", await terms(office, round_id, application=stranger["application"]))
    assert firm["application"] in await results(office, round_id, 3)
    assert (await status(office, firm))["contested"] is False
    await told_of(office.stack, kim(round_id), "경합이 끝났습니다")


async def told_of(stack: Stack, address: str, *subjects: str) -> None:
    """Waits until mails with these words in their subjects went to an address."""

    async def came() -> bool:
        sent = [str(one["Subject"]) for one in mails_in(stack) if address in str(one["To"])]
        return all(any(wanted in subject for subject in sent) for wanted in subjects)

    await until(came, f"{address} is told of {subjects}")

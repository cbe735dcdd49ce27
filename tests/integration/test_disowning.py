"""*This was not me*: who is mailed because somebody else entered their address stops it, and officers see it."""

import asyncio
import json
import re
from email.message import EmailMessage
from typing import Any

import asyncpg
import httpx2
import pytest
from typer.testing import CliRunner

from firstbuy.cli import assembled
from shared.contracts import topics
from shared.contracts.events import Language
from tests.conftest import StartStack
from tests.support.consuming import until
from tests.support.notified import Notified, Notify, all_sent, contact, erased, ids, mails_in, opened, submitted
from tests.support.rounds import Office, application, clock_map

VICTIM = "Victim@elsewhere.example"
LINK = re.compile(r"http://127\.0\.0\.1:\d+/not-me/[0-9a-f-]{36}")


def text_of(mail: EmailMessage) -> str:
    """As text and as HTML."""
    return "".join(str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text")


def texts(notified: Notified, address: str = VICTIM) -> list[str]:
    return [text_of(mail) for mail in notified.mails() if mail["To"].addresses[0].addr_spec == address]


def links(notified: Notified, address: str = VICTIM) -> list[str]:
    return [found.group() for text in texts(notified, address) if (found := LINK.search(text))]


async def disowned_events(notified: Notified, count: int) -> list[Any]:
    records = await notified.records(topics.DELIVERIES.name, count)
    kinds = [(dict(record.headers)["ce_type"].decode(), record) for record in records]
    return [(json.loads(one.value), one) for kind, one in kinds if "ContactDisowned" in kind]


@pytest.mark.parametrize(
    ("language", "why", "button"),
    [
        (Language.KO, "누군가 위 신청의 연락처로 이 주소를 적었기에", "제가 아닙니다"),
        (Language.EN, "Somebody entered this address as the contact of the application above", "This was not me"),
    ],
)
async def test_a_button_in_the_mails_own_language_stops_the_mails_and_a_look_does_not(
    notify: Notify, language: Language, why: str, button: str
) -> None:
    notified = await notify()
    parties, applications = ids(3), ids(3)
    *victims, bystander = parties
    await notified.publish(
        opened(),
        *(contact(party, email=VICTIM, language=language.value) for party in victims),
        contact(bystander, email="other@elsewhere.example", language=language.value),
        *(submitted(one, party) for one, party in zip(applications, parties, strict=True)),
    )
    await notified.until(all_sent(3))
    first, second = links(notified)
    assert first != second, "a link of each entry"
    assert all(text.count(why) == 2 for text in texts(notified)), "as text and as HTML"
    async with httpx2.AsyncClient() as client:
        for _ in range(3):
            asked = await client.get(first)
            assert button in asked.text
        assert '<form method="post">' in asked.text
        assert asked.headers["content-security-policy"].startswith("default-src 'none'; form-action 'self'")
        assert VICTIM.lower() not in asked.text.lower()
        assert await notified.rows("SELECT FROM suppressions") == [], "mail servers follow links"
        done = [await client.post(first), await client.post(first), await client.post(second)]
        assert {one.status_code for one in done} == {200}
        assert (await client.get(first.replace(first[-6:], "000000"))).status_code == 404
        assert (await client.post(first + "x")).status_code == 404
        suppressed = "SELECT reason FROM suppressions"
        assert [row["reason"] for row in await notified.rows(suppressed)] == ["not-me"]
        await notified.rows("DELETE FROM suppressions")
        await client.post(first)
        assert [row["reason"] for row in await notified.rows(suppressed)] == ["not-me"], "released, and pressed again"
    stated = await disowned_events(notified, 5)
    assert {said["application"] for said, _ in stated} == set(applications[:2])
    assert all(VICTIM.lower().encode() not in record.value.lower() for _, record in stated)
    await notified.publish(*(submitted(one, party, 2) for one, party in zip(applications, parties, strict=True)))
    told = await notified.until(lambda told: told["settled"] and "resubmission" in told["kinds"])
    assert told["kinds"]["resubmission"]["mail"] == dict.fromkeys(("waiting", "gathered", "pending"), 0) | {
        "sent": 1,
        "failed": 2,
    }
    assert len(texts(notified)) == 2
    (late,), (party,) = ids(1), ids(1)
    await notified.publish(contact(party, email=VICTIM.lower()), submitted(late, party))
    await notified.until(lambda told: told["settled"] and told["kinds"]["receipt"]["mail"]["failed"] == 1)

    async def flagged() -> bool:
        return late in {said["application"] for said, _ in await disowned_events(notified, 1)}

    await until(flagged, "what is entered later with that address is flagged too")


async def test_another_contact_of_the_entry_is_mailed_and_the_first_stays_unreached_even_when_erased(
    notify: Notify,
) -> None:
    notified = await notify()
    (party,), (application,) = ids(1), ids(1)
    await notified.publish(opened(), contact(party, email=VICTIM), submitted(application, party))
    await notified.until(all_sent(1))
    async with httpx2.AsyncClient() as client:
        (link,) = links(notified)
        (await client.post(link)).raise_for_status()
        await notified.publish(contact(party, email="new@elsewhere.example", changed_at="2018-09-05T00:00:00Z"))
        while not await notified.rows("SELECT FROM contacts WHERE email = 'new@elsewhere.example'"):
            await asyncio.sleep(0.1)
        await notified.publish(submitted(application, party, 2))
        await notified.until(all_sent(2))
        (other,) = links(notified, "new@elsewhere.example")
        assert other != link
        await notified.publish(contact(party, email=VICTIM, changed_at="2018-09-06T00:00:00Z"), erased(party))
        while not await notified.rows("SELECT FROM contacts WHERE email IS NULL"):
            await asyncio.sleep(0.1)
        assert (await client.get(link)).status_code == 404, "nothing of the erased is kept"
    assert [row["reason"] for row in await notified.rows("SELECT reason FROM suppressions")] == ["not-me"]


async def test_a_mail_to_a_desk_has_no_such_link(notify: Notify) -> None:
    notified = await notify()
    await notified.onboard("kwater")
    (party,) = ids(1)
    await notified.publish(contact(party, institution="kwater", email=VICTIM))
    while not await notified.rows("SELECT FROM contacts"):
        await asyncio.sleep(0.1)
    await notified.publish(opened("kwater"))
    await notified.until(all_sent(1))
    (text,) = texts(notified)
    assert "not-me" not in text
    assert "누군가" not in text


async def test_officers_see_the_entry_that_stands_all_the_same_until_one_settles_it(start_stack: StartStack) -> None:
    stack = await start_stack(services=("intake", "notify"))
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        entered = []
        for number, email in ((1, VICTIM), (2, VICTIM.upper()), (3, "other@elsewhere.example")):
            body = application(number) | {"contact": {"name": "홍길동", "email": email}}
            entered.append((await client.post(f"/rounds/{round_id}/applications", json=body)).raise_for_status().json())
        one, two, _ = (each["application"] for each in entered)

        async def mailed() -> bool:
            return len(mails_in(stack)) == 3

        await until(mailed, "all three have a receipt")
        found = LINK.search(next(text for text in map(text_of, mails_in(stack)) if one in text))
        assert found is not None
        (await client.post(found.group())).raise_for_status()
        officer = office.officers[0]

        async def flagged() -> bool:
            return len((await client.get("/contacts/disowned", headers=officer)).json()) == 2

        await until(flagged, "both entries with the address are listed")
        listed = (await client.get(f"/contacts/disowned?round={round_id}", headers=officer)).json()
        assert {each["application"] for each in listed} == {one, two}
        assert VICTIM.lower() not in str(listed).lower()
        assert (await client.get("/contacts/disowned")).status_code == 401
        status = (await client.get(f"/applications/{one}/status", headers=officer)).json()
        assert status["contact_disowned_at"] is not None
        assert (status["version"], status["withdrawn"]) == (1, False), "the entry stands"
        settlement = f"/applications/{one}/contact/disowned/settlement"
        said = {"reason": "the firm was called and stated another address"}
        token = {"Authorization": f"Bearer {entered[0]['token']}"}
        assert (await client.post(settlement, json=said, headers=token)).status_code in {401, 403}
        acting = ["--url", stack.url("intake"), "--token", officer["Authorization"].removeprefix("Bearer ")]
        for command in (["settle", one, "--reason", said["reason"]], ["disowned", "--round", round_id]):
            told = await asyncio.to_thread(CliRunner().invoke, assembled(), ["contact", *command, *acting])
            assert told.exit_code == 0, told.output
        assert two in told.output
        assert one not in told.output
        assert (await client.post(settlement, json=said, headers=officer)).status_code == 404
        assert (await client.get(f"/applications/{one}/status", headers=officer)).json()["contact_disowned_at"] is None
        assert len((await client.get("/contacts/disowned", headers=officer)).json()) == 1
        (await client.post(found.group())).raise_for_status()
        database = await asyncpg.connect(stack.database_url("notify"))
        await database.execute("DELETE FROM suppressions")
        await database.close()
        (await client.post(found.group())).raise_for_status()
        await until(flagged, "let in again and disowned again, it is to be settled again")
        rows = (await client.get("/audit", headers=officer)).json()["rows"]
        settled = [row["detail"] for row in rows if row["action"] == "settle-disowned"]
        assert any({"application": one, **said}.items() <= detail.items() for detail in settled)


async def test_the_page_of_an_entry_says_what_was_told_until_its_address_is_disowned_or_replaced(
    notify: Notify,
) -> None:
    notified = await notify()
    parties, applications = ids(2), ids(2)
    await notified.publish(
        opened(),
        contact(parties[0], email=VICTIM),
        contact(parties[1], email="other@elsewhere.example", language="en"),
        *(submitted(one, party) for one, party in zip(applications, parties, strict=True)),
    )
    await notified.until(all_sent(2))
    await notified.publish(submitted(applications[0], parties[0], 2))
    await notified.until(all_sent(3))
    first, second = links(notified)[0], links(notified, "other@elsewhere.example")[0]
    async with httpx2.AsyncClient() as client:
        shown = await client.get(first.replace("/not-me/", "/entry/"))
        assert shown.status_code == 200
        assert [words in shown.text for words in (applications[0], "신청이 접수", "변경한 신청이")] == [True] * 3
        assert shown.text.index("변경한 신청이") < shown.text.index("신청이 접수"), "the newest first"
        assert applications[1] not in shown.text
        assert VICTIM.lower() not in shown.text.lower()
        assert "script-src" not in shown.headers["content-security-policy"]
        assert shown.headers["cache-control"] == "no-store"
        assert "Application received" in (await client.get(second.replace("/not-me/", "/entry/"))).text
        for unknown in (ids(1)[0], "x", first.rpartition("/")[2] + "x"):
            assert (await client.get(f"{first.partition('/not-me/')[0]}/entry/{unknown}")).status_code == 404
        await client.post(first)
        assert (await client.get(first.replace("/not-me/", "/entry/"))).status_code == 404, "disowned"
        later = "2018-12-01T00:00:00Z"
        await notified.publish(contact(parties[1], email="new@elsewhere.example", changed_at=later))

        async def hidden() -> bool:
            return (await client.get(second.replace("/not-me/", "/entry/"))).status_code == 404

        await until(hidden, "another address has it now")

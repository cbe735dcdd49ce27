"""Whom notices reach at institutions: webhooks to a real receiver, mails to desks, digests; and what stops a mail."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from shared.contracts import topics
from shared.kafka.cloudevents import Outgoing, event_id
from tests.support.notified import ROUND, Notified, Notify, all_sent, contact, erased, event, ids, opened, submitted
from tests.support.receiver import Receiver

SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="
PARTY = "e2a7d6c5-3b18-4f90-8c44-5a1d9b3e7f11"
"""Of the golden results."""
BEFORE = "whsec_MTIzNDU2QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="


def webhook(institution: str, url: str, **changes: Any) -> Outgoing:
    stated = {"institution": institution, "url": url, "secret": SECRET, "secret_before": None, "before_until": None}
    return event(topics.CONTACTS, institution, "WebhookChanged", **stated | changes)


def desk(party: str, institution: str, **changes: Any) -> Outgoing:
    return contact(party, institution=institution, **changes)


def selected(application: str, institution: str) -> Outgoing:
    awards = [{"request": f"{institution}/1", "institution": institution, "quantity": 1, "amount_won": 1000}]
    return event(topics.SELECTIONS, application, "ProductSelected", application=application, awards=awards)


async def known(notified: Notified, table: str, count: int) -> None:
    """Waits until notify has read so many of `table`: topics are not ordered among each other."""
    async with asyncio.timeout(20):
        while (await notified.rows(f"SELECT count(*) FROM {table}"))[0]["count"] < count:  # noqa: S608
            await asyncio.sleep(0.05)


async def ask(notified: Notified, method: str, path: str, **sent: Any) -> Any:
    headers = {"Authorization": f"Bearer {notified.stack.operator_token}"} | sent.pop("headers", {})
    async with httpx2.AsyncClient(base_url=notified.stack.url("notify")) as client:
        answer = await client.request(method, path, headers=headers, **sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_webhook_is_signed_as_the_official_library_checks_it(notify: Notify, receiver: Receiver) -> None:
    notified = await notify()
    await notified.onboard("kwater")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await notified.publish(webhook("kwater", receiver.url("/ok"), secret_before=BEFORE, before_until=until))
    await known(notified, "webhooks", 1)
    await notified.publish(opened("kwater"))
    await notified.until(all_sent(1, "webhook"))
    ((headers, body),) = receiver.taken("/ok")
    for secret in (SECRET, BEFORE):
        assert Webhook(secret).verify(body, dict(headers))["type"] == "kr.firstbuy.RoundNoticed.v1"
    (record,) = await notified.records("institution.kwater.outbox.v1", 1)
    assert json.loads(body)["data"] == json.loads(record.value)
    deliveries = [json.loads(record.value) for record in await notified.records(topics.DELIVERIES.name, 2)]
    assert headers["webhook-id"] in {
        delivery["message_id"] for delivery in deliveries if delivery["channel"] == "webhook"
    }


async def test_a_receiver_that_fails_gets_the_same_notice_again_until_it_takes_it(
    notify: Notify, receiver: Receiver
) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_RETRY_SECONDS": "0.2"})
    await notified.onboard("kwater")
    receiver.moods["/moody"] = [
        web.Response(status=500),
        web.Response(status=429, headers={"Retry-After": "1"}),
        web.Response(status=302, headers={"Location": receiver.url("/elsewhere")}),
    ]
    await notified.publish(webhook("kwater", receiver.url("/moody")))
    await known(notified, "webhooks", 1)
    await notified.publish(opened("kwater"))
    await notified.until(all_sent(1, "webhook"))
    taken = receiver.taken("/moody")
    assert len(taken) == 4
    assert len({headers["webhook-id"] for headers, _ in taken}) == 1
    assert len({body for _, body in taken}) == 1
    assert receiver.taken("/elsewhere") == []


async def test_a_receiver_that_never_answers_holds_up_nobody_else(notify: Notify, receiver: Receiver) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_WEBHOOK_TIMEOUT_SECONDS": "1"})
    await notified.onboard("kwater", "kepco")
    await notified.publish(webhook("kwater", receiver.url("/silent")), webhook("kepco", receiver.url("/ok")))
    await known(notified, "webhooks", 2)
    applications = ids(40)
    await notified.publish(opened("kepco"), *(selected(application, "kwater") for application in applications))
    await notified.publish(*(selected(one, "kepco") for one in ids(20)))
    async with asyncio.timeout(20):
        while len(receiver.taken("/ok")) < 21:
            await asyncio.sleep(0.05)
    rows = await notified.rows(
        "SELECT count(*), max(attempts) AS attempts FROM deliveries WHERE recipient = 'kwater' AND channel = 'webhook'"
        " AND state = 'pending'"
    )
    assert rows[0]["count"] == 40
    assert len(receiver.taken("/silent")) < 40


async def test_a_webhook_that_ended_is_given_up_and_told_so(notify: Notify, receiver: Receiver) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_RETRY_SECONDS": "0.3"})
    await notified.onboard("kwater")
    await notified.publish(webhook("kwater", receiver.url("/status/500")))
    await known(notified, "webhooks", 1)
    await notified.publish(opened("kwater"))
    async with asyncio.timeout(20):
        while not receiver.got:
            await asyncio.sleep(0.05)
    now, identifier = datetime.now(UTC), event_id("webhook-ended", "kwater")
    ended = Outgoing(
        topic=topics.CONTACTS.name,
        key="kwater",
        type="WebhookChanged",
        id=identifier,
        subject="kwater",
        time=now,
        body=None,
    )
    await notified.publish(ended)
    await notified.until(lambda told: told["channels"].get("webhook", {}).get("failed") == 1)
    (failed,) = await ask(notified, "GET", f"/deliveries/failed?round={ROUND}")
    assert (failed["error"], failed["recipient"], failed["channel"]) == ("webhook-ended", "kwater", "webhook")

    late_copy = webhook("kwater", receiver.url("/status/500"))
    anew = webhook("kwater", receiver.url("/ok"), changed_at="2018-08-22T00:00:00Z")
    await notified.publish(late_copy, anew)
    await known(notified, "webhooks WHERE url IS NOT NULL", 1)
    (row,) = await notified.rows("SELECT url, since FROM webhooks")
    assert row["url"] == receiver.url("/ok")
    assert row["since"] == datetime(2018, 8, 22, tzinfo=UTC), "a copy of what was ended did not bring it back before"


async def test_a_turn_is_mailed_to_each_at_the_desk_in_their_language(notify: Notify) -> None:
    notified = await notify()
    await notified.onboard("kwater")
    first, second = ids(2)
    await notified.publish(
        desk(first, "kwater", email="ko@kwater.example", language="ko"),
        desk(second, "kwater", email="en@kwater.example", language="en"),
    )
    await known(notified, "contacts", 2)
    await notified.publish(opened("kwater"), event(topics.MILESTONES, ROUND, "InputsCommitted"))
    await notified.until(all_sent(4))
    subjects = {str(mail["To"].addresses[0].addr_spec): str(mail["Subject"]) for mail in notified.mails()}
    assert "[시범구매]" in subjects["ko@kwater.example"]
    assert "[Pilot purchase]" in subjects["en@kwater.example"]
    text = "\n".join(str(mail.get_body(("plain",)).get_content()) for mail in notified.mails())  # type: ignore[union-attr]
    assert "862b431e91afba3d4700336d782282985579cff60863324cfafa25cb574be27b" in text


async def test_many_awards_go_to_a_desk_in_one_mail_and_few_alone(notify: Notify) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_DIGEST_SECONDS": "1", "FIRSTBUY_NOTIFY_DIGEST_FROM": "5"})
    await notified.onboard("kwater", "kepco")
    many, few = ids(2)
    await notified.publish(desk(many, "kwater", email="many@x.example"), desk(few, "kepco", email="few@x.example"))
    await known(notified, "contacts", 2)
    await notified.publish(opened(), contact(PARTY))
    await notified.publish(*(selected(one, "kwater") for one in ids(12)), *(selected(one, "kepco") for one in ids(2)))
    told = await notified.until(
        lambda told: told["settled"] and told["kinds"].get("award", {}).get("mail", {}).get("sent") == 14
    )
    assert told["kinds"]["digest"]["mail"]["sent"] == 1
    mails = [(str(mail["To"].addresses[0].addr_spec), str(mail["Subject"])) for mail in notified.mails()]
    to_many = [subject for address, subject in mails if address == "many@x.example"]
    assert len(to_many) == 1
    assert "12건" in to_many[0]
    assert len([address for address, _ in mails if address == "few@x.example"]) == 2
    deliveries = [json.loads(record.value) for record in await notified.records(topics.DELIVERIES.name, 43)]
    said = [delivery for delivery in deliveries if delivery["channel"] == "mail" and delivery["recipient"] == many]
    assert len({one["message_id"] for one in said}) == 1
    assert len(said) == 13


async def test_verdicts_are_told_when_they_are_committed_and_a_withdrawn_one_is_not(notify: Notify) -> None:
    notified = await notify()
    (kept, withdrawn), parties = ids(2), ids(2)
    judged = [
        event(topics.VERDICTS, one, "ApplicationJudged", application=one, version=1, outcome="eligible")
        for one in (kept, withdrawn)
    ]
    gone = event(topics.APPLICATIONS, withdrawn, "ApplicationWithdrawn", application=withdrawn, party=parties[1])
    await notified.publish(opened(), submitted(kept, parties[0]), submitted(withdrawn, parties[1]), gone)
    await notified.publish(*map(contact, parties), *judged)
    await notified.until(all_sent(3))
    await notified.publish(event(topics.MILESTONES, ROUND, "InputsCommitted"))
    told = await notified.until(lambda told: told["settled"] and "verdict" in told["kinds"])
    assert told["kinds"]["verdict"]["mail"]["sent"] == 1
    (mail,) = (mail for mail in notified.mails() if "자격 심사 결과" in str(mail["Subject"]))
    assert "요건을 모두 충족" in str(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]


async def test_institutions_hear_of_an_announcement_and_are_reminded_before_the_close(notify: Notify) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_CLOSING_SOON_HOURS": "24"})
    await notified.onboard("kwater")
    now = datetime.now(UTC)
    window = {"opens_at": (now - timedelta(days=3)).isoformat(), "closes_at": (now + timedelta(hours=23)).isoformat()}
    joined = event(topics.INSTITUTIONS, "kwater", "InstitutionChanged", institution="kwater", status="active")
    invited = [{"institution": "kwater", "pledge_won": 1}]
    announced = event(topics.ROUNDS, ROUND, "RoundAnnounced", **window)
    begun = event(topics.ROUNDS, ROUND, "RoundOpened", institutions=invited, rehearsal=None, **window)
    await notified.publish(joined)
    await known(notified, "institutions", 1)
    await notified.publish(announced, begun)
    records = await notified.records("institution.kwater.outbox.v1", 3)
    turns = {json.loads(record.value)["turn"]: json.loads(record.value) for record in records}
    assert turns.keys() == {"announced", "opened", "closing-soon"}
    assert turns["announced"]["title"].startswith("2018년 하반기")
    assert datetime.fromisoformat(turns["closing-soon"]["closes_at"]) == datetime.fromisoformat(window["closes_at"])


async def test_what_can_wait_waits_for_the_end_of_the_quiet_hours_and_a_receipt_does_not(notify: Notify) -> None:
    here = datetime.now(UTC) + timedelta(hours=9)
    quiet = f"{here - timedelta(hours=1):%H:%M}-{here + timedelta(hours=2):%H:%M}"
    notified = await notify(environment={"FIRSTBUY_NOTIFY_QUIET_HOURS": quiet})
    (application,), (party,) = ids(1), ids(1)
    begun = event(topics.ROUNDS, ROUND, "RoundOpened", institutions=[], rehearsal=None)
    result = event(topics.SELECTIONS, application, "ProductReserved", application=application, party=party)
    await notified.publish(begun, contact(party), submitted(application, party), result)
    await notified.until(lambda told: told["channels"].get("mail", {}).get("sent") == 1)
    async with asyncio.timeout(20):
        while True:
            (row,) = await notified.rows(
                "SELECT state, due_at > now() + interval '1 hour' AS put_off FROM deliveries WHERE kind = 'reserve'"
            )
            if row["put_off"]:
                break
            await asyncio.sleep(0.05)
    assert row["state"] == "pending"
    assert len(notified.mails()) == 1


BOUNCE = """\
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; contact@hanbit.example
Action: failed
Status: {status}
Diagnostic-Code: smtp; {words}

--b--
"""


async def come_back(notified: Notified, mail: bytes) -> Any:
    return await ask(notified, "POST", "/bounces", content=mail, headers={"Content-Type": "message/rfc822"})


async def test_a_mail_that_came_back_has_failed_and_its_address_gets_no_other_until_it_is_released(
    notify: Notify,
) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_BOUNCE_ADDRESS": "bounces@firstbuy.example"})
    (party,), applications = ids(1), ids(2)
    await notified.publish(opened(), contact(party), submitted(applications[0], party))
    await notified.until(all_sent(1))
    (mail,) = notified.mails()
    delivery = str(mail["Message-ID"]).strip("<>").partition("@")[0]
    envelope = str(mail["X-Envelope-From"])
    assert re.fullmatch(rf"<bounces\+{delivery}-[0-9a-f]{{12}}@firstbuy\.example>", envelope)

    returned = BOUNCE.format(to=envelope, status="5.1.1", words="550 5.1.1 user unknown").encode()
    told = await come_back(notified, returned)
    assert (told["delivery"], told["status"], told["failed"], told["suppressed"]) == (delivery, "5.1.1", True, True)
    assert (await come_back(notified, returned))["failed"] is False
    assert await ask(notified, "GET", "/bounces") == []
    assert [row["party"] for row in await ask(notified, "GET", "/suppressions")] == [party]

    await notified.publish(submitted(applications[1], party))
    await notified.until(lambda told: told["channels"]["mail"]["failed"] == 2)
    failed = {row["error"]: row["delivery"] for row in await ask(notified, "GET", "/deliveries/failed")}
    assert failed.keys() == {"bounced", "suppressed"}
    (first,) = await ask(notified, "GET", "/deliveries/failed?limit=1")
    (second,) = await ask(notified, "GET", f"/deliveries/failed?limit=1&after={first['delivery']}")
    assert {first["delivery"], second["delivery"]} == set(failed.values())
    assert await ask(notified, "GET", f"/deliveries/failed?after={second['delivery']}") == []

    await ask(notified, "POST", "/suppressions/release", json={"email": "Contact@Hanbit.example"})
    await ask(notified, "POST", f"/deliveries/{failed['suppressed']}/retry")
    await notified.until(lambda told: told["channels"]["mail"]["sent"] == 1)
    assert len(notified.mails()) == 2
    async with httpx2.AsyncClient(base_url=notified.stack.url("notify")) as client:
        rows = (await client.get("/audit")).json()["rows"]
    assert [row["action"] for row in rows if row["actor"] == "operator"] == ["release", "retry"]
    assert "hanbit" not in json.dumps(rows), "the log has no address"


async def test_a_mail_that_came_back_in_doubt_gives_up_no_address_and_waits_for_a_person(notify: Notify) -> None:
    notified = await notify()
    (party,), (application,) = ids(1), ids(1)
    await notified.publish(opened(), contact(party), submitted(application, party))
    await notified.until(all_sent(1))
    (mail,) = notified.mails()
    delivery = str(mail["Message-ID"]).strip("<>").partition("@")[0]
    returned = BOUNCE.format(to=f"bounces+{delivery}@f.example", status="5.1.1", words="550 5.1.1 your IP is listed")

    told = await come_back(notified, returned.encode())
    assert (told["failed"], told["suppressed"], told["why"]) == (True, False, "contradicted")
    assert await ask(notified, "GET", "/suppressions") == []
    assert [row["error"] for row in await ask(notified, "GET", "/deliveries/failed")] == ["returned"]
    (row,) = await ask(notified, "GET", "/bounces")
    assert (row["id"], row["delivery"], row["words"]) == (told["listed"], delivery, "smtp; 550 5.1.1 your IP is listed")

    unreadable, unknown = b"Subject: x\r\n\r\nout of office", returned.replace(delivery, ids(1)[0]).encode()
    assert (await come_back(notified, unreadable))["why"] == "unreadable"
    assert (await come_back(notified, unknown))["why"] == "unknown-notice"
    again = await come_back(notified, unreadable)
    rows = await ask(notified, "GET", "/bounces")
    assert len(rows) == 3, "one that comes twice stands once"
    async with httpx2.AsyncClient(base_url=notified.stack.url("notify")) as client:
        path, headers = f"/bounces/{again['listed']}", {"Authorization": f"Bearer {notified.stack.operator_token}"}
        shown = await client.get(path, headers=headers)
        assert (shown.content, shown.headers["content-type"]) == (unreadable, "text/plain; charset=utf-8")
        assert (await client.get("/bounces")).status_code == 401
        assert (await client.get("/metrics")).text.count('firstbuy_returned_mails_total{outcome="listed"} 4.0') == 1
        await ask(notified, "DELETE", path)
        assert (await client.get(path, headers=headers)).status_code == 404
    assert len(await ask(notified, "GET", "/bounces")) == 2


@pytest.mark.parametrize("tag", ["", "-000000000000"])
async def test_a_return_without_the_tag_of_its_mail_is_not_believed(notify: Notify, tag: str) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_BOUNCE_ADDRESS": "bounces@firstbuy.example"})
    (party,), (application,) = ids(1), ids(1)
    await notified.publish(opened(), contact(party), submitted(application, party))
    await notified.until(all_sent(1))
    delivery = notified.message_ids()[0].strip("<>").partition("@")[0]
    forged = BOUNCE.format(to=f"bounces+{delivery}{tag}@firstbuy.example", status="5.1.1", words="550 5.1.1")
    told = await come_back(notified, forged.encode())
    assert (told["failed"], told["suppressed"], told["why"]) == (False, False, "unproven")
    assert await ask(notified, "GET", "/suppressions") == []


async def test_a_returned_mail_is_erased_with_the_contact_it_went_to(notify: Notify) -> None:
    notified = await notify()
    (party,), (application,) = ids(1), ids(1)
    await notified.publish(opened(), contact(party), submitted(application, party))
    await notified.until(all_sent(1))
    delivery = notified.message_ids()[0].strip("<>").partition("@")[0]
    returned = BOUNCE.format(to=f"bounces+{delivery}@f.example", status="5.1.1", words="550 5.1.1 no way")
    assert (await come_back(notified, returned.encode()))["why"] == "unclear"
    await notified.publish(erased(party))
    await known(notified, "contacts WHERE email IS NULL", 1)
    await notified.stack.restart("notify")
    async with asyncio.timeout(20):
        while await notified.rows("SELECT FROM returned_mails"):
            await asyncio.sleep(0.1)

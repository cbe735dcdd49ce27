"""Notify as a process, on real Kafka, PostgreSQL and a mail server: events in, `.eml` files and deliveries.v1 out."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import pytest

from shared.contracts import topics
from shared.kafka.cloudevents import Outgoing, event_id
from shared.service.audit import AuditRow, faults
from tests.integration.conftest import DEFAULT_RATES
from tests.support.notified import (
    NOW,
    ROUND,
    Facts,
    Notified,
    Notify,
    all_sent,
    contact,
    erased,
    event,
    golden,
    ids,
    opened,
    submitted,
)


def head(service: str, count: int, **changes: Any) -> Outgoing:
    body = json.dumps(golden("AuditHeadPublished", service=service, count=count, **({"signature": "c2ln"} | changes)))
    identifier = event_id("head", service, count, str(changes))
    return Outgoing(
        topic=topics.AUDIT_HEADS.name,
        key=service,
        type="AuditHeadPublished",
        id=identifier,
        subject=service,
        time=NOW,
        body=body.encode(),
        traceparent=None,
    )


async def reconciled(notified: Notified, count: int) -> list[Facts]:
    """Mail files and deliveries.v1 tell of the same messages, each exactly once; returns the deliveries."""
    records = await notified.records(topics.DELIVERIES.name, count)
    delivered = [json.loads(record.value) for record in records]
    mailed = [one for one in delivered if one["channel"] == "mail" and "message_id" in one]
    assert sorted(one["message_id"] for one in mailed) == sorted(notified.message_ids())
    return delivered


async def test_mail_files_are_reconciled_with_deliveries(notify: Notify) -> None:
    notified = await notify()
    parties, applications = ids(10), ids(30)
    submissions = [submitted(one, parties[index % 10]) for index, one in enumerate(applications)]
    await notified.publish(opened(), *submissions, *map(contact, parties))
    told = await notified.until(all_sent(30))
    assert told["kinds"]["receipt"]["mail"] == {"waiting": 0, "gathered": 0, "pending": 0, "sent": 30, "failed": 0}
    delivered = await reconciled(notified, 30)
    mailed = [one for one in delivered if one["channel"] == "mail"]
    assert {one["subject"] for one in mailed} == set(applications)
    assert {one["recipient"] for one in mailed} == set(parties)
    assert "@hanbit" not in json.dumps(delivered)
    assert "contact@hanbit.example" not in notified.stack.log("notify").read_text()


async def test_a_mail_has_the_words_of_its_rounds_policy(notify: Notify) -> None:
    notified = await notify()
    (party,), (application,) = ids(1), ids(1)
    stated = golden("RoundOpened")["policy"] | {"notices": {"contact": {"ko": "운영사무국", "en": "the office"}}}
    await notified.publish(
        event(topics.ROUNDS, ROUND, "RoundOpened", institutions=[], policy=stated),
        submitted(application, party),
        contact(party, language="en"),
    )
    await notified.until(all_sent(1))
    (mail,) = notified.mails()
    assert "Whom to ask: the office" in mail.get_body(("plain",)).get_content().splitlines()  # type: ignore[union-attr]


async def test_a_result_names_what_failed_and_the_right_of_appeal(notify: Notify) -> None:
    notified = await notify()
    await notified.onboard("kwater")
    (party,), (chosen, refused) = ids(1), ids(2)
    failing = [
        finding | {"outcome": "fail"} if finding["rule"] == "sales-or-credit" else finding
        for finding in golden("ApplicationJudged")["findings"]
    ]
    result: Facts = {"party": party, "epoch": 1}
    await notified.publish(
        event(topics.SELECTIONS, refused, "ProductNotSelected", application=refused, **result),
        event(topics.SELECTIONS, chosen, "ProductSelected", application=chosen, **result),
        submitted(chosen, party, 2),
        submitted(refused, party, 2),
        event(topics.INSTITUTIONS, "kwater", "InstitutionChanged"),
        contact(party, language="en"),
        opened("kwater"),
    )
    await notified.until(lambda told: told["kinds"].get("not-selected", {}).get("mail", {}).get("waiting") == 1)
    verdict: Facts = {"application": refused, "outcome": "ineligible", "findings": failing}
    await notified.publish(event(topics.VERDICTS, refused, "ApplicationJudged", **verdict))
    await notified.until(lambda told: told["settled"] and "not-selected" in told["kinds"])
    bodies = {str(mail["Subject"]): mail.get_body(("plain",)).get_content() for mail in notified.mails()}  # type: ignore[union-attr]
    refusal = next(body for subject, body in bodies.items() if "Not selected" in subject)
    assert "KRW 188,000,000 short" in refusal
    assert "30 days" in refusal
    selection = next(body for subject, body in bodies.items() if "] Selected" in subject)
    assert "한국수자원공사" in selection
    assert "KRW 158,400,000" in selection
    (award, notice) = sorted(await notified.records("institution.kwater.outbox.v1", 2), key=lambda r: len(r.value))[
        ::-1
    ]
    assert json.loads(award.value)["awards"][0]["request"] == "kwater/PR-2018-0007"
    assert json.loads(notice.value)["turn"] == "opened"


async def test_every_turn_of_a_round_reaches_each_institution_once(notify: Notify) -> None:
    notified = await notify()
    codes = ("kwater", "kepco", "lh")
    await notified.onboard(*codes)
    turns = [
        event(topics.MILESTONES, ROUND, "InputsCommitted"),
        opened(*codes),
        event(topics.ROUNDS, ROUND, "RoundExtended"),
        event(topics.ROUNDS, ROUND, "RoundFrozen"),
        event(topics.MILESTONES, ROUND, "CommitmentTimeStamped"),
        event(topics.ROUNDS, ROUND, "SelectionConfirmed"),
    ]
    await notified.publish(*turns)
    await notified.until(all_sent(18, "outbox"))
    await notified.publish(*turns)
    await asyncio.sleep(1.5)
    for code in codes:
        notices = [json.loads(record.value) for record in await notified.records(f"institution.{code}.outbox.v1", 6)]
        assert Counter(notice["turn"] for notice in notices) == dict.fromkeys(
            ("opened", "extended", "frozen", "committed", "time-stamped", "published"), 1
        )
        committed = next(notice for notice in notices if notice["turn"] == "committed")
        assert committed["roots"]["commitment"] == golden("InputsCommitted")["commitment_root"]
        extended = next(notice for notice in notices if notice["turn"] == "extended")
        assert extended["closes_at"] == golden("RoundExtended")["closes_at"]
    assert len(await notified.records(topics.DELIVERIES.name, 18)) == 18


async def test_whom_an_extension_lets_in_again_is_told_by_mail_until_erased(notify: Notify) -> None:
    notified = await notify()
    told, gone = ids(2)
    invitations = [event(topics.APPLICATIONS, one, "RefusalReconsidered", party=one) for one in (told, gone)]
    await notified.publish(opened(), *invitations, *invitations, contact(told, language="en"))
    await notified.until(lambda found: found["kinds"].get("extended", {}).get("mail", {}).get("sent") == 1)
    (mail,) = notified.mails()
    assert "You may apply again" in str(mail["Subject"])
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "17 September 2018, 18:00:00 (Korean time)" in text
    assert told not in text, "the party is no application's number"
    await notified.publish(erased(told), erased(gone))
    await notified.until(lambda found: found["settled"])
    (failure,) = [one for one in await reconciled(notified, 2) if "error" in one]
    assert (failure["kind"], failure["error"], failure["recipient"]) == ("extended", "contact-erased", gone)


async def test_signed_heads_reach_the_institutions_that_take_part(notify: Notify) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_HEADS_SECONDS": "3600"})
    codes = ("kwater", "kepco", "left")
    await notified.onboard(*codes)
    heads = [head("selection", 7), head("selection", 9), head("selection", 8), head("intake", 3)]
    heads += [head("intake", 4, signature=None), head("notify", 5)]
    await notified.publish(*heads)
    while len(await notified.rows("SELECT FROM audit_heads WHERE count IN (3, 9)")) < 2:
        await asyncio.sleep(0.1)
    joined = [
        event(
            topics.INSTITUTIONS,
            code,
            "InstitutionChanged",
            institution=code,
            status="left" if code == "left" else "active",
        )
        for code in codes
    ]
    await notified.publish(*joined)

    async def told(code: str, count: int) -> list[tuple[str, int]]:
        records = await notified.records(f"institution.{code}.outbox.v1", count)
        assert {dict(record.headers)["ce_type"] for record in records} <= {b"kr.firstbuy.AuditHeadNoticed.v1"}
        bodies = [json.loads(record.value) for record in records]
        assert {body["institution"] for body in bodies} <= {code}
        return sorted((body["service"], body["count"]) for body in bodies)

    newest = [("intake", 3), ("selection", 9)]
    for code in ("kwater", "kepco"):
        assert await told(code, 2) == newest
    await notified.publish(head("selection", 10), head("selection", 9))
    while not await notified.rows("SELECT FROM audit_heads WHERE count = 10 AND NOT spread"):
        await asyncio.sleep(0.1)
    assert await told("kepco", 2) == newest, "one head of a service an hour"
    await notified.rows("UPDATE audit_heads SET spread_at = spread_at - interval '1 hour'")
    assert await told("kepco", 3) == [*newest, ("selection", 10)]
    assert await told("left", 0) == []


async def test_a_delivery_given_up_is_a_decision_in_the_audit_log(notify: Notify) -> None:
    notified = await notify()
    parties, applications = ids(3), ids(3)
    submissions = [submitted(*pair) for pair in zip(applications, parties, strict=True)]
    await notified.publish(opened(), contact(parties[0]), *submissions, *map(erased, parties[1:]))
    await notified.until(lambda told: told["settled"] and told["channels"].get("mail", {}).get("failed") == 2)
    failures = [one for one in await reconciled(notified, 3) if "error" in one]
    operator = {"Authorization": f"Bearer {notified.stack.operator_token}"}
    async with httpx2.AsyncClient(base_url=notified.stack.url("notify")) as client:
        rows = (await client.get("/audit", headers=operator)).json()["rows"]
        public = (await client.get("/audit")).json()["rows"]
    assert faults(map(AuditRow.of_json, rows)) == faults(map(AuditRow.of_json, public)) == []
    assert [{"notices", "seal"}] == [set(row["detail"]) for row in public]
    assert {row["action"] for row in rows} == {"give-up"}
    logged = {identifier for row in rows for identifier, _ in row["sealed"]["events"]}
    assert logged == {event_id("notice-failed", failure["delivery"], failure["attempts"]) for failure in failures}


async def test_an_institution_without_its_topic_holds_up_nobody(notify: Notify) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_RETRY_SECONDS": "0.5"})
    await notified.onboard("kwater")
    (party,), (application,) = ids(1), ids(1)
    await notified.publish(opened("nowhere", "kwater"), submitted(application, party), contact(party))
    await notified.until(lambda told: told["channels"].get("outbox", {}).get("sent") == 1, 10)
    await notified.until(lambda told: told["channels"].get("mail", {}).get("sent") == 1, 10)
    await notified.onboard("nowhere")
    await notified.until(all_sent(2, "outbox"), 60)


async def test_redelivery_sends_nothing_twice(notify: Notify) -> None:
    notified = await notify()
    parties, applications = ids(5), ids(20)
    events = [opened(), *map(contact, parties)]
    events += [submitted(one, parties[index % 5]) for index, one in enumerate(applications)]
    await notified.publish(*events)
    await notified.until(all_sent(20))
    await notified.publish(*events)
    await notified.stack.stop("notify")
    connection = await asyncpg.connect(notified.stack.database_url("notify"))
    await connection.execute("DELETE FROM consumer_offsets")  # every topic is read from its start again
    await connection.close()
    await notified.stack.restart("notify")
    last = ids(1)[0]
    await notified.publish(submitted(last, parties[0]))
    await notified.until(all_sent(21))
    await reconciled(notified, 21)
    assert len(notified.mails()) == 21


async def test_a_notify_that_lost_its_database_tells_nothing_twice(notify: Notify) -> None:
    notified = await notify()
    await notified.onboard("kepco")
    parties, applications = ids(5), ids(20)
    gone = submitted(ids(1)[0], parties[4])
    await notified.publish(opened("kepco"), *map(contact, parties[:4]), erased(parties[4]), gone)
    await notified.publish(*(submitted(one, parties[index % 4]) for index, one in enumerate(applications)))
    await notified.until(lambda told: told["settled"] and told["channels"].get("mail", {}).get("sent") == 20)
    await notified.stack.stop("notify")
    connection = await asyncpg.connect(notified.stack.database_url("notify"))
    for row in await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'"
    ):
        await connection.execute(f'TRUNCATE "{row["tablename"]}"')
    await connection.close()
    await notified.stack.restart("notify")
    await notified.publish(submitted(ids(1)[0], parties[0]))
    told = await notified.until(lambda told: told["settled"] and told["channels"].get("mail", {}).get("sent") == 21)
    assert told["channels"]["mail"]["failed"] == 1
    assert len(notified.mails()) == 21
    assert len(await notified.records("institution.kepco.outbox.v1", 1)) == 1
    delivered = [json.loads(record.value) for record in await notified.records(topics.DELIVERIES.name, 23)]
    assert len(delivered) == 23


async def test_a_missing_contact_waits_and_an_erased_one_is_given_up(notify: Notify) -> None:
    notified = await notify()
    (late, gone), applications = ids(2), ids(2)
    await notified.publish(opened(), submitted(applications[0], late), submitted(applications[1], gone))
    await notified.until(lambda told: told["channels"].get("mail", {}).get("waiting") == 2)
    await notified.publish(contact(late), erased(gone))
    told = await notified.until(lambda told: told["settled"])
    assert told["channels"]["mail"] == {"waiting": 0, "gathered": 0, "pending": 0, "sent": 1, "failed": 1}
    delivered = await reconciled(notified, 2)
    failure = next(one for one in delivered if "error" in one)
    assert (failure["error"], failure["recipient"]) == ("contact-erased", gone)
    await notified.publish(erased(late))
    known = "SELECT FROM contacts WHERE party = $1 AND email IS NOT NULL"
    while await notified.rows(known, late):
        await asyncio.sleep(0.1)
    await notified.publish(contact(late, phone=None), contact(ids(1)[0]))  # a late copy of what was erased
    while not await notified.rows("SELECT FROM contacts WHERE email IS NOT NULL"):
        await asyncio.sleep(0.1)
    assert not await notified.rows(known, late)


async def test_a_killed_sender_loses_nothing_and_remembers_the_doubt(notify: Notify) -> None:
    notified = await notify()
    count = 2500
    parties, applications = ids(50), ids(count)
    await notified.publish(opened(), *map(contact, parties))
    await notified.publish(*(submitted(one, parties[index % 50]) for index, one in enumerate(applications)))
    await notified.until(lambda told: told["channels"].get("mail", {}).get("sent", 0) > 100)
    await notified.stack.kill("notify")
    await notified.stack.wait_ready("notify")
    told = await notified.until(all_sent(count), 60)
    mailed = Counter(notified.message_ids())
    delivered = [json.loads(record.value) for record in await notified.records(topics.DELIVERIES.name, count)]
    assert {one["message_id"] for one in delivered} == set(mailed)
    assert len(mailed) == count
    repeated = {message for message, times in mailed.items() if times > 1}
    doubted = await notified.rows("SELECT delivery::text FROM deliveries WHERE doubts > 0")
    assert repeated <= {f"<{row['delivery']}@firstbuy.example>" for row in doubted}
    assert told["doubtful"] == len(doubted) <= 200


async def test_an_orderly_end_repeats_nothing(notify: Notify) -> None:
    notified = await notify()
    count = 2000
    parties, applications = ids(50), ids(count)
    await notified.publish(opened(), *map(contact, parties))
    await notified.publish(*(submitted(one, parties[index % 50]) for index, one in enumerate(applications)))
    await notified.until(lambda told: told["channels"].get("mail", {}).get("sent", 0) > 100)
    await notified.stack.restart("notify")
    told = await notified.until(all_sent(count), 60)
    assert told["doubtful"] == 0
    await reconciled(notified, count)


async def test_two_replicas_share_the_work(notify: Notify) -> None:
    notified = await notify(replicas={"notify": 2})
    count = 1500
    parties, applications = ids(50), ids(count)
    await notified.publish(opened(), *map(contact, parties))
    await notified.publish(*(submitted(one, parties[index % 50]) for index, one in enumerate(applications)))
    await notified.until(all_sent(count), 60)
    await reconciled(notified, count)
    shares = await notified.rows("SELECT claimed_by, count(*) FROM deliveries GROUP BY claimed_by")
    assert {row["claimed_by"] for row in shares} == {"0", "1"}


async def test_mails_wait_for_a_mail_server_that_is_away(notify: Notify) -> None:
    notified = await notify(environment={"FIRSTBUY_NOTIFY_RETRY_SECONDS": "0.3"})
    (party,), (application,) = ids(1), ids(1)
    await notified.stack.mail.pause()
    await notified.publish(opened(), contact(party), submitted(application, party))
    await notified.until(lambda told: told["channels"].get("mail", {}).get("pending") == 1)
    await asyncio.sleep(1)
    await notified.stack.mail.restart()
    await notified.until(all_sent(1))
    (row,) = await notified.rows("SELECT attempts, doubts FROM deliveries")
    assert row["attempts"] > 1
    assert row["doubts"] == 0
    await reconciled(notified, 1)


async def test_a_trace_is_followed_into_the_mail(notify: Notify) -> None:
    notified = await notify()
    (party,), (application,) = ids(1), ids(1)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    await notified.publish(
        opened(), contact(party), submitted(application, party, trace=f"00-{trace}-00f067aa0ba902b7-01")
    )
    await notified.until(all_sent(1))
    (mail,) = notified.mails()
    assert str(mail["traceparent"]).split("-")[1] == trace
    (record,) = await notified.records(topics.DELIVERIES.name, 1)
    assert dict(record.headers)["traceparent"].decode().split("-")[1] == trace


@asynccontextmanager
async def timed(name: str, count: int) -> AsyncIterator[None]:
    begun = time.monotonic()
    yield
    seconds = time.monotonic() - begun
    print(f"{name}: {count} in {seconds:.2f} s, {count / seconds:.0f}/s")  # noqa: T201 -- shown with -s


@pytest.mark.alone("five thousand receipts within a minute take the whole machine")
async def test_a_burst_of_receipts_is_told_within_seconds(notify: Notify) -> None:
    """With the rates that are set, at one provider: each of them is another person."""
    notified = await notify(environment=DEFAULT_RATES)
    count = 5000
    parties, applications = ids(count), ids(count)
    people = [contact(party, email=f"{party}@naver.com") for party in parties]
    await notified.publish(opened(), *people)
    async with timed("receipts", count):
        await notified.publish(*map(submitted, applications, parties))
        await notified.until(all_sent(count), 60)
    assert len(set(notified.message_ids())) == count

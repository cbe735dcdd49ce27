"""What an applicant's forms keep, whatever happens in between: on a real stack with two replicas of the portal."""

import asyncio
import re
import secrets
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest

from deploy.local.stack import Stack
from tests.browser.conftest import ROUND
from tests.support.portal_forms import Applicant, answers
from tests.support.portal_pages import link_to, mails_to
from tests.support.rounds import Office, clock_map

pytestmark = pytest.mark.xdist_group("portal")
_EN = {"Accept-Language": "en"}


@pytest.fixture
async def office(portal_stack: Stack) -> AsyncIterator[Office]:
    async with httpx2.AsyncClient(base_url=portal_stack.url("intake"), timeout=30) as client:
        yield await Office.of(portal_stack, client)


async def test_a_link_is_used_up_by_its_button_alone(http: httpx2.AsyncClient, portal_stack: Stack) -> None:
    email = "scanner@hanbit.example"
    await http.post("/sign-in", data={"email": email})
    path = urlsplit(await link_to(portal_stack.mail_folder, email)).path
    for _ in range(2):
        assert (await http.head(path)).status_code == 405
        looked = await http.get(path)
        assert looked.status_code == 200
        assert email in looked.text
        assert "set-cookie" not in looked.headers
    used = await http.post(path, data={"press": ""})
    assert used.status_code == 303
    cookie = used.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert [(await http.post(path, data={"press": ""})).status_code, (await http.get(path)).status_code] == [410, 410]
    assert [(await http.get("/sign-in/nothing")).status_code] == [410]


async def test_links_to_an_address_are_few_and_each_answer_is_the_same(http: httpx2.AsyncClient) -> None:
    email = "often@hanbit.example"
    sent = [await http.post("/sign-in", data={"email": email}) for _ in range(4)]
    assert [answer.status_code for answer in sent] == [200, 200, 200, 429]
    assert int(sent[-1].headers["retry-after"]) > 0
    assert "Several links were sent already" in sent[-1].text
    wrong = await http.post("/sign-in", data={"email": "no address"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text


async def test_a_mail_server_that_is_away_is_told(http: httpx2.AsyncClient, portal_stack: Stack) -> None:
    await portal_stack.mail.pause()
    answer = await http.post("/sign-in", data={"email": "patient@hanbit.example"})
    await portal_stack.mail.restart()
    assert answer.status_code == 503
    assert "no link was sent" in answer.text
    assert (await http.post("/sign-in", data={"email": "patient@hanbit.example"})).status_code == 200


async def test_a_step_saves_with_what_is_there_and_says_how_it_was_read(applicant: Applicant) -> None:
    draft = await applicant.begin(ROUND)
    saved = await applicant.post(
        f"{draft}/steps/product", {"product": "센서", "price": "１２０,０００", "then": "stay"}
    )
    assert saved.headers["location"].endswith("/steps/product")
    told = await applicant.page(f"{draft}/steps/product")
    assert 'value="１２０,０００"' in told, "as it was typed"
    assert "KRW 120,000" in told
    assert "센서" in await applicant.page(draft)
    wrong = await applicant.post(f"{draft}/steps/firm", {"business_number": "123-45-67890", "then": "next"})
    told = await applicant.page(wrong.headers["location"])
    assert "check digit is wrong" in told
    assert 'aria-invalid="true"' in told
    refused = await applicant.post(f"{draft}/submission")
    assert refused.status_code == 422
    assert "these steps have to be completed" in refused.text


async def test_what_two_tabs_type_is_shown_and_nothing_overwritten(applicant: Applicant) -> None:
    draft = await applicant.begin(ROUND)
    step = f"{draft}/steps/contact"
    typed = {"contact_email": applicant.email, "version": "0"}
    first = await applicant.post(step, {**typed, "contact_name": "김가상"})
    second = await applicant.post(step, {**typed, "contact_name": "이가상"})
    assert [first.status_code, second.status_code] == [303, 409]
    assert "Saved elsewhere: 김가상" in second.text
    assert 'value="이가상"' in second.text
    assert 'value="김가상"' in await applicant.page(step)
    assert (await applicant.post(step, {**typed, "contact_name": "이가상", "version": "1"})).status_code == 303
    by_itself = await applicant.client.post(
        step, data={"form": applicant.form, **typed, "contact_name": "박가상"}, headers={"Accept": "application/json"}
    )
    assert by_itself.status_code == 409
    other_step = await applicant.post(f"{draft}/steps/product", {"product": "센서", "version": "0"})
    assert other_step.status_code == 303, "another step is no conflict"


async def test_a_certificate_is_added_and_removed_alone(applicant: Applicant) -> None:
    draft = await applicant.begin(ROUND)
    step = f"{draft}/steps/certificates"
    two = {"certificate_kind": "nep", "certificate_number": "A-1", "certificate_number-1": "B-2", "then": "stay"}
    await applicant.post(step, two)
    assert (await applicant.page(step)).count("<fieldset>") == 3
    await applicant.post(step, {**two, "version": "1", "then": "remove-0"})
    told = await applicant.page(step)
    assert 'value="B-2"' in told
    assert "A-1" not in told


async def test_it_is_entered_once_however_often_it_is_pressed(applicant: Applicant, portal_stack: Stack) -> None:
    draft = await applicant.begin(ROUND)
    await applicant.fill_in(draft, 21)
    pressed = await asyncio.gather(*(applicant.post(f"{draft}/submission") for _ in range(5)))
    led = {urlsplit(each.headers["location"]).path for each in pressed if "/applications/" in each.headers["location"]}
    assert len(led) == 1
    assert all(each.status_code == 303 for each in pressed)
    again = await applicant.post(f"{draft}/submission")
    assert urlsplit(again.headers["location"]).path in led
    told = await applicant.page("/account")
    assert told.count("제품 21") == 1


async def test_while_intake_is_away_it_waits_and_goes_on_by_itself(applicant: Applicant, portal_stack: Stack) -> None:
    draft = await applicant.begin(ROUND)
    await applicant.fill_in(draft, 22)
    await applicant.page(draft)
    await portal_stack.stop("intake")
    sent = await applicant.post(f"{draft}/submission")
    assert sent.headers["location"] == f"{draft}/sending"
    waits = await applicant.client.get(f"{draft}/sending")
    assert waits.status_code == 200
    assert int(waits.headers["refresh"]) > 0
    await portal_stack.portals[0].kill()
    await portal_stack.restart("intake")
    await portal_stack.portals[0].ready(60)
    async with asyncio.timeout(30):
        while (await applicant.client.get(f"{draft}/sending")).status_code == 200:
            await asyncio.sleep(0.2)
    assert "제품 22" in await applicant.page("/account")


async def test_the_other_replica_goes_on_with_a_draft(applicant: Applicant, portal_stack: Stack) -> None:
    draft = await applicant.begin(ROUND)
    await applicant.post(f"{draft}/steps/product", {"product": "둘째 복제"})
    other = portal_stack.portal_urls[1]
    async with httpx2.AsyncClient(base_url=other, cookies=applicant.client.cookies, timeout=30, headers=_EN) as client:
        there = Applicant(client, applicant.email)
        assert "둘째 복제" in await there.page(draft)
        await there.fill_in(draft, 23)
        assert (await there.post(f"{draft}/submission")).status_code == 303


async def test_what_is_anothers_is_no_page(applicant: Applicant, portal_stack: Stack, portal: str) -> None:
    draft, entered = await applicant.begin(ROUND), await applicant.apply(ROUND, 24)
    async with httpx2.AsyncClient(base_url=portal, timeout=30, headers=_EN) as client:
        other = await Applicant.signed_in(client, portal_stack.mail_folder, "other@hanbit.example")
        for path in (draft, f"{draft}/steps/firm", f"{draft}/check", entered, f"{entered}/receipt.json"):
            assert (await client.get(path)).status_code == 404, path
        for path in (f"{draft}/steps/firm", f"{draft}/submission", f"{entered}/withdrawal", f"{entered}/replacement"):
            assert (await other.post(path)).status_code == 404, path
    for path in (f"{draft}/delete", f"{draft}/submission", f"{entered}/replacement", "/account/erasure"):
        assert (await applicant.client.post(path, data={"form": "x"})).status_code == 403, path
    foreign = await applicant.client.post(f"{entered}/withdrawal", data={"reason": "", "form": "of another session"})
    assert foreign.status_code == 403


async def test_after_the_close_a_draft_is_kept_and_told_so(applicant: Applicant, office: Office) -> None:
    round_id = await office.announce(rehearsal=clock_map(8))
    await office.status(round_id, "open")
    draft = await applicant.begin(round_id)
    await applicant.fill_in(draft, 25)
    await office.status(round_id, "frozen")
    await asyncio.sleep(1.5)  # what the portal keeps of the round is as old as that
    step = await applicant.save(f"{draft}/steps/contact", {"contact_name": "이가상", "contact_email": applicant.email})
    assert step.status_code == 410
    assert "can&#39;t be sent any more" in step.text
    sent = await applicant.post(f"{draft}/submission")
    assert sent.status_code == 410
    shown = await applicant.client.get(draft)
    assert shown.status_code == 410
    assert "The round closed at" in shown.text
    assert "It was not sent before the close" in await applicant.page("/account")
    assert 'value="이가상"' in (await applicant.client.get(f"{draft}/steps/contact")).text


async def test_a_change_that_crosses_another_is_shown(applicant: Applicant) -> None:
    entered = await applicant.apply(ROUND, 26)
    await applicant.page(entered)
    draft = (await applicant.post(f"{entered}/replacement")).headers["location"]
    await applicant.fill_in(draft, 26)
    receipt = (await applicant.client.get(f"{entered}/receipt.json")).json()
    assert receipt["version"] == 1
    assert (await applicant.post(f"{entered}/withdrawal", {"reason": ""})).status_code == 303
    crossed = await applicant.post(f"{draft}/submission")
    assert crossed.status_code == 412
    assert "version 2 stands" in crossed.text
    assert (await applicant.post(f"{draft}/submission")).status_code == 412, "not by pressing again"
    assert (await applicant.post(f"{draft}/submission", {"over": "7"})).status_code == 412, "nor of another version"
    over = await applicant.post(f"{draft}/submission", {"over": "2"})
    assert over.status_code == 303, over.text
    assert (await applicant.client.get(f"{entered}/receipt.json")).json()["version"] == 3


async def test_a_lost_database_loses_no_application(applicant: Applicant, portal_stack: Stack) -> None:
    entered = await applicant.apply(ROUND, 27)
    connection = await asyncpg.connect(portal_stack.database_url("portal"))
    await connection.execute("TRUNCATE accounts, links, sessions, drafts, entries CASCADE")
    await connection.close()
    assert (await applicant.client.get(entered)).status_code == 303, "signed out"
    again = await Applicant.signed_in(applicant.client, portal_stack.mail_folder, applicant.email)
    assert (await again.client.get(entered)).status_code == 404
    asked = {"round": ROUND, "business_number": answers(27, "")["firm"]["business_number"]}
    told = await again.post("/applications/find", asked)
    assert "its new token is in your mail" in told.text
    found = {"application": entered.rpartition("/")[2], "token": await token_to(portal_stack, applicant.email)}
    assert (await again.post("/applications/opened", found)).headers["location"] == entered
    assert "제품 27" in await again.page("/account")
    assert (await again.post(f"{entered}/replacement")).status_code == 303
    wrong = {"application": entered.rpartition("/")[2], "token": "fba_wrong"}
    assert (await again.post("/applications/opened", wrong)).status_code == 422


async def token_to(stack: Stack, email: str) -> str:
    """The token that was mailed anew."""
    async with asyncio.timeout(60):
        while True:
            found = [token for text in mails_to(stack.mail_folder, email) for token in re.findall(r"fba_[\w-]+", text)]
            if found:
                return str(found[-1])
            await asyncio.sleep(0.2)


async def test_an_end_of_a_session_loses_nothing(applicant: Applicant, portal_stack: Stack) -> None:
    draft = await applicant.begin(ROUND)
    await applicant.page(draft)
    connection = await asyncpg.connect(portal_stack.database_url("portal"))
    await connection.execute(
        "UPDATE sessions SET expires_at = now() - interval '1 hour' FROM accounts a"
        " WHERE a.account = sessions.account AND email = $1",
        applicant.email,
    )
    await connection.close()
    saved = await applicant.post(f"{draft}/steps/product", {"product": "끝난 뒤에 저장"})
    assert saved.status_code == 403
    assert "What you typed was saved" in saved.text
    assert (await applicant.client.get(draft)).status_code == 303
    again = await Applicant.signed_in(applicant.client, portal_stack.mail_folder, applicant.email)
    assert "끝난 뒤에 저장" in await again.page(draft)
    assert (await again.post("/account/erasure")).status_code == 303
    assert (await again.client.get("/account")).status_code == 303


async def test_a_draft_that_was_begun_signed_out_is_carried_in(http: httpx2.AsyncClient, portal_stack: Stack) -> None:
    email = "carried@hanbit.example"
    asked = await http.post(f"/rounds/{ROUND}/drafts", data={"product": "가져온 제품", "firm": "한빛"})
    carried = re.search(r'name="carried" value="([^"]+)"', asked.text)
    assert carried is not None
    value = carried[1].replace("&#34;", '"').replace("&amp;", "&")
    await http.post("/sign-in", data={"email": email, "carried": value})
    path = urlsplit(await link_to(portal_stack.mail_folder, email)).path
    led = (await http.post(path, data={"press": ""})).headers["location"]
    assert led.startswith("/drafts/")
    assert "가져온 제품" in (await http.get(led)).text
    assert len(mails_to(portal_stack.mail_folder, email)) == 1


@pytest.mark.parametrize(
    "carried",
    [
        '{"round": "portal-round", "fields": {"firm": "\\u0000"}}',
        '{"round": "portal-round", "fields": {"firm": "\\ud800"}}',
        '{"round": "portal-round", "fields": {"firm": 1}}',
        '{"round": "no-such-round", "fields": {}}',
        '{"round": "rolling", "fields": {}}',
        "[]",
        "{",
    ],
)
async def test_what_can_be_no_draft_is_not_carried(http: httpx2.AsyncClient, portal_stack: Stack, carried: str) -> None:
    email = f"{secrets.token_hex(4)}@hanbit.example"
    assert (await http.post("/sign-in", data={"email": email, "carried": carried})).status_code == 200
    path = urlsplit(await link_to(portal_stack.mail_folder, email)).path
    assert (await http.post(path, data={"press": ""})).headers["location"] == "/account"


async def test_a_mailed_link_leads_here_whatever_host_the_request_names(
    http: httpx2.AsyncClient, portal_stack: Stack, portal: str
) -> None:
    email = "victim@hanbit.example"
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    await http.post("/sign-in", data={"email": email}, headers=headers)
    assert (await link_to(portal_stack.mail_folder, email)).startswith(f"{portal}/sign-in/")
    feed = await http.get("/rounds.atom", headers=headers)
    assert "evil.example" not in feed.text


@pytest.mark.parametrize(
    "name", ["nothing", "%00", "%ED%A0%80", "1", "x" * 500, "..%2F..", "00000000-0000-4000-8000-00000000000"]
)
async def test_what_is_no_draft_and_no_application_is_no_page(applicant: Applicant, name: str) -> None:
    below = ("", "/steps/firm", "/steps/documents", "/check", "/sending")
    for path in (*(f"/drafts/{name}{each}" for each in below), f"/applications/{name}", f"/applications/{name}/appeal"):
        answer = await applicant.client.get(path)
        assert answer.status_code == 404, path
        assert "There is no such page" in answer.text
    assert (await applicant.post(f"/drafts/{name}/submission")).status_code == 404


async def test_what_the_portal_had_read_before_the_close_is_in(
    applicant: Applicant, office: Office, portal_stack: Stack
) -> None:
    """The round closes between the two: intake hangs from before the close until after it."""
    seconds = 12.0
    round_id = await office.announce(rehearsal=clock_map(seconds))
    closes = asyncio.get_running_loop().time() + seconds
    await office.status(round_id, "open")
    draft = await applicant.begin(round_id)
    await applicant.fill_in(draft, 28)
    await asyncio.sleep(closes - 2 - asyncio.get_running_loop().time())
    portal_stack.send("intake", signal.SIGSTOP)
    try:
        pressed = asyncio.create_task(applicant.post(f"{draft}/submission"))
        await asyncio.sleep(closes + 0.5 - asyncio.get_running_loop().time())
    finally:
        portal_stack.send("intake", signal.SIGCONT)
    sent = await pressed
    entered = urlsplit(sent.headers["location"]).path
    receipt = (await applicant.client.get(f"{entered}/receipt.json")).json()
    shown = await office.shown(round_id)
    received, arrived, closed = (
        datetime.fromisoformat(each) for each in (receipt["received_at"], receipt["arrived_at"], shown["closes_at"])
    )
    assert received < closed <= arrived

"""A founder follows her application from the verdict to the drawn result, on a phone without JavaScript, and checks the
proof in the page with it."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from playwright.async_api import Browser, Page

from deploy.local.stack import Stack
from tests.support.portal_forms import Applicant
from tests.support.portal_pages import fill_in, sign_in
from tests.support.rounds import Office, application, clock_map, purchase_request, write_inbox

pytestmark = pytest.mark.xdist_group("portal")
FOUNDER = "follows@hanbit.example"


@pytest.fixture
async def office(portal_stack: Stack) -> AsyncIterator[Office]:
    async with httpx2.AsyncClient(base_url=portal_stack.url("intake"), timeout=30) as client:
        yield await Office.of(portal_stack, client)


async def test_a_founder_sees_verdict_chance_and_result_and_verifies_them(
    phone: Page, browser: Browser, portal: str, portal_stack: Stack, office: Office
) -> None:
    await office.institution("kepco", followed=500_000_000)
    round_id = await office.announce("followed", rehearsal=clock_map(14))
    await office.status(round_id, "open")
    asked = [("SubmitPurchaseRequest", f"m-{each}", purchase_request(round_id, f"B-{each}")) for each in range(6)]
    await write_inbox(portal_stack, "kepco", *asked)
    await sign_in(phone, portal, portal_stack.mail_folder, FOUNDER)
    await phone.goto(f"{portal}/rounds/{round_id}/apply")
    await phone.get_by_role("button", name="신청서 쓰기 시작").click()
    await fill_in(phone, 71)
    await phone.get_by_role("link", name="확인하고 보내기").click()
    await phone.get_by_role("button", name="신청서 보내기").click()
    entered = phone.url.partition("?")[0]
    assert "접수되었습니다" in await phone.inner_text("main")
    for number in (72, 73):
        await office.client.post(f"/rounds/{round_id}/applications", json=application(number))
    await office.milestone(round_id, "InputsCommitted")
    await phone.goto(entered)
    told = await phone.inner_text("main")
    assert "자격 있음" in told
    assert "추첨권" in told
    assert "가장 먼저 뽑힐 확률은" in told
    await office.confirm(round_id)
    await office.results(round_id, 3)
    assert "선정됨" in await _told(phone, entered, "이의신청을 할 수 있습니다")
    await phone.get_by_role("link", name="이 화면에서 추첨 검증하기").click()
    assert phone.url.startswith(f"{portal}/rounds/{round_id}/verify")
    await phone.goto(entered)
    await _numbers(phone, portal, round_id)
    await phone.goto(entered)
    await phone.get_by_role("link", name="이의신청").click()
    await phone.get_by_label("이의신청의 이유").fill("실적을 잘못 읽었습니다.")
    await phone.get_by_role("button", name="이의신청 내기").click()
    assert "이의신청이 접수되었습니다" in await phone.inner_text("main")
    await _proves(browser, portal, portal_stack, entered)


async def _told(page: Page, path: str, words: str) -> str:
    """The page once it says so: the time to appeal begins when the applicant is told."""
    async with asyncio.timeout(60):
        while True:
            await page.goto(path)
            if words in (told := await page.inner_text("main")):
                return told
            await asyncio.sleep(0.5)


async def _numbers(page: Page, portal: str, round_id: str) -> None:
    """Pledges, chances and results, as bars and as a table that says the same."""
    await page.goto(f"{portal}/rounds/{round_id}")
    assert "5억원" in await page.inner_text("main")
    await page.get_by_role("link", name="숫자로 보는 라운드").click()
    assert await page.locator("svg rect").count() == 3 + 2 + 1
    told = await page.inner_text("main")
    for words in ("약정과 구매", "기관 kepco", "선정될 가능성과 추첨 결과", "100.0 %"):
        assert words in told
    async with httpx2.AsyncClient(base_url=portal) as client:
        for name in ("statistics.csv", "pledges.csv", "purchases.csv", "ocds.json"):
            assert (await client.get(f"/rounds/{round_id}/{name}")).status_code == 200, name


async def _proves(browser: Browser, portal: str, stack: Stack, entered: str) -> None:
    """With JavaScript the page computes the trees itself; a manifest that was changed on the way does not pass."""
    context = await browser.new_context(locale="ko-KR")
    page = await context.new_page()
    await sign_in(page, portal, stack.mail_folder, FOUNDER)
    await page.goto(entered)
    await page.get_by_role("button", name="이 화면에서 확인하기").click()
    await page.get_by_text("공개된 명단에 이 판이 들어 있습니다").wait_for()
    await page.route("**/manifest.json", _changed)
    await page.get_by_role("button", name="이 화면에서 확인하기").click()
    await page.get_by_text("공개된 명단에 이 판이 없습니다").wait_for()
    await context.close()


async def _changed(route: object) -> None:
    answer = await route.fetch()  # type: ignore[attr-defined]
    manifest = await answer.json()
    root = manifest["applications"]["root"]
    manifest["applications"]["root"] = ("1" if root[0] != "1" else "2") + root[1:]
    await route.fulfill(response=answer, json=manifest)  # type: ignore[attr-defined]


async def test_who_is_told_can_be_changed_and_erased(applicant: Applicant, portal_stack: Stack) -> None:
    entered = await applicant.apply("portal-round", 74)
    wrong = await applicant.post(f"{entered}/contact", {"contact_name": "", "contact_email": "nobody"})
    assert wrong.status_code == 422
    changed = await applicant.post(
        f"{entered}/contact", {"contact_name": "이가상", "contact_email": "i@hanbit.example"}
    )
    assert changed.headers["location"].endswith("done=contact")
    assert "From now on mail goes to the new contact" in await applicant.page(changed.headers["location"])
    assert (await applicant.post(f"{entered}/erasure")).status_code == 303
    too_early = await applicant.post(f"{entered}/appeal", {"grounds": "zu früh"})
    assert too_early.status_code == 409
    assert (await applicant.client.get(f"{entered}/proof.json")).status_code == 409
    assert (await applicant.post(f"{entered}/removal")).headers["location"] == "/account"
    assert (await applicant.client.get(entered)).status_code == 404

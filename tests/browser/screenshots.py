"""Pictures of the portal's main pages for the README: `make screenshots` writes them into docs/img.

It is run by pytest for its servers, and is no test: its name keeps it out of a run of all tests.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Browser, Page

from deploy.local.stack import Stack
from tests.browser.conftest import PHONE
from tests.support.portal_pages import fill_in, sign_in
from tests.support.rounds import PROJECT, Office, application, clock_map, purchase_request, write_inbox

IMAGES = PROJECT / "docs/img"
FOUNDER = "kim@hanbit.example"
PAST = "2018-h2"
TITLE = "2018년 하반기 기술개발제품 시범구매 (Pilot purchase of technology products, second half of 2018)"
COMING = "2019년 상반기 기술개발제품 시범구매 (Pilot purchase of technology products, first half of 2019)"
BUYERS = {
    "kepco": ("한국전력공사", 900_000_000),
    "kwater": ("한국수자원공사", 600_000_000),
    "lh": ("한국토지주택공사", 300_000_000),
}


@pytest.fixture
async def office(portal_stack: Stack) -> AsyncIterator[Office]:
    async with httpx2.AsyncClient(base_url=portal_stack.url("intake"), timeout=30) as client:
        yield await Office.of(portal_stack, client)


async def take(page: Page, name: str) -> None:
    """What is seen first; with the whole height where a page is short."""
    IMAGES.mkdir(exist_ok=True)
    await page.screenshot(path=IMAGES / f"{name}.png")


async def pledge(office: Office) -> None:
    """Institutions by their names, each with requests."""
    for code, (name, won) in BUYERS.items():
        await office.institution(code, **{PAST.replace("-", "_"): won})
        headers = office.officers[0]
        reason = {"name": name, "reason": "as it is registered"}
        (await office.client.put(f"/institutions/{code}/name", json=reason, headers=headers)).raise_for_status()
        asked = [
            ("SubmitPurchaseRequest", f"m-{each}", purchase_request(PAST, f"B-{each}", budget_won=won // 8))
            for each in range(6)
        ]
        await write_inbox(office.stack, code, *asked)


async def test_pictures_of_the_main_pages(browser: Browser, portal: str, portal_stack: Stack, office: Office) -> None:
    await office.announce("2019-h1", title=COMING, rehearsal=clock_map(36_000, opens_in=-6000))
    await office.announce(PAST, title=TITLE, rehearsal=clock_map(25))
    await office.status(PAST, "open")
    await pledge(office)
    context = await browser.new_context(locale="ko-KR", viewport=PHONE, device_scale_factor=2)
    phone = await context.new_page()
    await sign_in(phone, portal, portal_stack.mail_folder, FOUNDER)
    await phone.goto(f"{portal}/rounds/{PAST}/apply")
    await phone.get_by_role("button", name="신청서 쓰기 시작").click()
    await fill_in(phone, 71)
    await take(phone, "draft")
    draft = phone.url
    await phone.goto(f"{draft}/steps/firm")
    await take(phone, "step")
    await phone.goto(f"{draft}/check")
    await phone.get_by_role("button", name="신청서 보내기").click()
    await phone.get_by_role("heading", name="신청이 접수되었습니다").wait_for()
    await take(phone, "receipt")
    entered = phone.url.partition("?")[0]
    await asyncio.gather(
        *(office.client.post(f"/rounds/{PAST}/applications", json=application(each)) for each in range(72, 100))
    )
    await office.confirm(PAST)
    await office.results(PAST, 29)
    await _desk(browser, portal)
    await phone.goto(entered)
    await phone.locator("#stages").scroll_into_view_if_needed()
    await take(phone, "application")
    await context.close()


async def _desk(browser: Browser, portal: str) -> None:
    context = await browser.new_context(locale="ko-KR", viewport={"width": 1000, "height": 760})
    page = await context.new_page()
    for name, path in (
        ("home", "/"),
        ("round", f"/rounds/{PAST}"),
        ("statistics", f"/rounds/{PAST}/statistics"),
        ("verify", f"/rounds/{PAST}/verify"),
    ):
        await page.goto(portal + path)
        if name == "verify":
            await page.wait_for_timeout(4000)  # it draws again by itself
        await take(page, name)
    await context.close()


def test_every_picture_is_small_enough_for_a_page() -> None:
    assert {path.name: size for path in IMAGES.glob("*.png") if (size := _size(path)) > 400_000} == {}


def _size(path: Path) -> int:
    return path.stat().st_size

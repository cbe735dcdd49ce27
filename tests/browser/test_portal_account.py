"""Pages of an account: accessible in both languages and in every state, strict in what they load; and with JavaScript
they save by themselves."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from playwright.async_api import Browser, BrowserContext, Page

from services.portal.api.answers import FETCHES, HEADERS
from tests.browser.conftest import ROUND
from tests.support.portal_forms import Applicant
from tests.support.reading_pages import NARROW, faults_of
from tests.support.rounds import business_number

pytestmark = pytest.mark.xdist_group("portal")
STEPS = ("firm", "product", "certificates", "documents", "contact")
ACTS = ("withdrawal", "appeal", "contact", "erasure", "removal")


async def signed_in(browser: Browser, portal: str, applicant: Applicant, **options: object) -> BrowserContext:
    """A browser with the applicant's session."""
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    cookies = [{"name": each.name, "value": str(each.value), "url": portal} for each in applicant.client.cookies.jar]
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_each_page_and_error_is_accessible_on_a_narrow_screen(
    browser: Browser, portal: str, applicant: Applicant, language: str
) -> None:
    draft, entered = await applicant.begin(ROUND), await applicant.apply(ROUND, 51 if language == "ko" else 52)
    await applicant.save(f"{draft}/steps/firm", {"business_number": "1234567890", "started_on": "어제"})
    await applicant.save(f"{draft}/steps/certificates", {"certificate_number": "A-1", "certificate_number-1": "B-2"})
    context = await signed_in(
        browser, portal, applicant, locale=language, viewport=NARROW, bypass_csp=True, java_script_enabled=True
    )
    page = await context.new_page()
    drafted = [f"{draft}/steps/{step}" for step in STEPS]
    acts = [f"{entered}/{act}" for act in ACTS]
    asked = ["/account", "/account/erasure", "/applications/find", draft, *drafted, f"{draft}/check", entered, *acts]
    for path in (f"/rounds/{ROUND}/apply", "/sign-in", "/sign-in/nothing", *asked):
        await page.goto(portal + path)
        assert await page.get_attribute("html", "lang") == language
        assert await faults_of(page) == [], path
    await page.goto(f"{portal}/sign-in")
    await page.get_by_role("button", name=re.compile("링크 보내기|Mail me a link")).click()
    assert await page.locator("[aria-invalid=true]").count() == 1
    assert await faults_of(page) == [], "a form that is wrong"
    await context.close()


async def test_each_page_has_its_strict_policy_and_no_trace_elsewhere(portal: str, applicant: Applicant) -> None:
    draft, entered = await applicant.begin(ROUND), await applicant.apply(ROUND, 53)
    scripted = {f"{draft}/steps/firm", entered}
    for path in (
        draft,
        f"{draft}/steps/firm",
        f"{draft}/check",
        f"{draft}/steps/documents",
        entered,
        "/account",
        "/sign-in",
    ):
        answer = await applicant.client.get(path)
        policy = HEADERS["Content-Security-Policy"] + (FETCHES if path in scripted else "")
        assert answer.headers["content-security-policy"] == policy, path
        assert answer.headers["cache-control"] == "no-store"
        assert ("<script" in answer.text) == (path in scripted)
        assert not re.search(r'\sstyle=|\son[a-z]+="|https?://(?!127\.0\.0\.1)', answer.text), path
    async with httpx2.AsyncClient(base_url=portal) as nobody:
        led = await nobody.get(draft)
        assert (led.status_code, led.headers["location"]) == (303, f"/sign-in?back={draft.replace('/', '%2F')}")
        assert (await nobody.post(f"{draft}/submission", data={"form": "x"})).status_code == 303
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await nobody.post("/sign-in", data={"email": "a@b.kr"}, headers=foreign)).status_code == 403


@pytest.fixture
async def desk(browser: Browser, portal: str, applicant: Applicant) -> AsyncIterator[Page]:
    """A desk in English, with JavaScript and the policy as it is; a complaint fails the test."""
    context = await signed_in(
        browser, portal, applicant, locale="en", viewport={"width": 1280, "height": 900}, java_script_enabled=True
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert complaints == []


async def test_with_javascript_a_step_saves_by_itself_and_checks_while_it_is_typed(
    desk: Page, portal: str, applicant: Applicant
) -> None:
    draft = await applicant.begin(ROUND)
    await desk.goto(f"{portal}{draft}/steps/firm")
    number = desk.get_by_label("Business registration number")
    await number.fill("123-45-67890")
    assert "check digit is wrong" in await desk.inner_text("#read-business_number")
    await number.fill(business_number(61))
    assert await desk.locator("#read-business_number").is_hidden()
    await desk.get_by_label("Sold to public institutions (KRW)").fill("120000000")
    assert "120,000,000" in await desk.inner_text("#read-record_won")
    await desk.get_by_label("Began on: Calendar").fill("2015-03-02")
    assert await desk.get_by_label("Began on", exact=True).input_value() == "2015-03-02"
    await desk.locator("#saved", has_text="Saved").wait_for()
    assert business_number(61) in await applicant.page(f"{draft}/steps/firm")
    await desk.get_by_label("Name of the firm").fill("한빛")
    await desk.get_by_role("button", name="Save and continue").click()
    await desk.wait_for_url(f"{portal}{draft}/steps/product")
    assert "한빛" in await applicant.page(f"{draft}/steps/firm")


async def test_it_can_all_be_done_with_the_keyboard(desk: Page, portal: str, applicant: Applicant) -> None:
    draft = await applicant.begin(ROUND)
    await desk.goto(f"{portal}{draft}/steps/contact")
    await desk.keyboard.press("Tab")
    assert await desk.evaluate("document.activeElement.className") == "skip"
    await desk.keyboard.press("Enter")
    reached = []
    for _ in range(30):
        await desk.keyboard.press("Tab")
        reached.append(await desk.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        if reached[-1] == "contact_name":
            await desk.keyboard.type("김가상")
        if reached[-1] == "Save":
            await desk.keyboard.press("Enter")
            break
    await desk.wait_for_url(f"{portal}{draft}")
    assert {"contact_name", "contact_email", "Save and continue"} <= set(reached)
    assert "김가상" in await applicant.page(f"{draft}/steps/contact")

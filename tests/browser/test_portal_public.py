"""The portal's public pages on a real stack, in a real Chromium: in both languages, on a phone, without JavaScript."""

import json
from html import unescape
from urllib.parse import urljoin

import httpx2
import pytest
from playwright.async_api import Browser, Page

from deploy.local.stack import Stack
from services.portal.api.answers import HEADERS
from tests.browser.conftest import ROUND
from tests.support.reading_pages import NARROW, faults_of
from tests.support.rounds import business_number

pytestmark = pytest.mark.xdist_group("portal")
PAGES = [
    "/",
    f"/rounds/{ROUND}",
    f"/rounds/{ROUND}/check",
    f"/rounds/{ROUND}/results",
    f"/rounds/{ROUND}/statistics",
    "/rounds/nothing",
]
TITLES = {
    "ko": [
        "시범구매 라운드",
        "시험 라운드 (접수 중)",
        "우리 제품이 자격이 되나요?",
        "결과",
        "숫자로 보는 라운드",
        "없는 페이지입니다",
    ],
    "en": [
        "Rounds of the pilot purchase",
        "시험 라운드 (Open)",
        "Is our product eligible?",
        "Results",
        "The round in numbers",
        "There is no such",
    ],
}


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_whole_accessible_and_fits_a_narrow_screen(
    browser: Browser, portal: str, path: str, language: str
) -> None:
    context = await browser.new_context(locale=language, viewport=NARROW, bypass_csp=True)
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(portal + path)
    title = await page.title()
    assert TITLES[language][PAGES.index(path)] in title
    assert await page.get_attribute("html", "lang") == language
    assert await faults_of(page) == []
    assert {urljoin(url, "/") for url in asked} == {f"{portal}/"}
    await context.close()


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_the_strict_policy_and_sets_no_cookie(portal: str, path: str) -> None:
    async with httpx2.AsyncClient(base_url=portal) as client:
        answer = await client.get(path, headers={"Accept-Language": "ko"})
        again = await client.get(
            path, headers={"Accept-Language": "ko", "If-None-Match": answer.headers.get("etag", "")}
        )
        plain = await client.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-language"] == "ko"
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    if answer.status_code == 200:
        assert answer.headers["cache-control"] == "public, max-age=5, stale-while-revalidate=60"
        assert again.status_code in {200, 304}  # a minute may have passed between the two
        assert answer.headers["content-encoding"] == "gzip"
        assert plain.text.startswith("<!DOCTYPE html>")
        assert "content-encoding" not in plain.headers


async def test_a_founder_learns_what_is_missing_and_what_would_help(phone: Page, portal: str) -> None:
    await phone.goto(portal)
    await phone.locator(f'a[href="/rounds/{ROUND}"]').click()
    await phone.get_by_role("link", name="우리 제품이 자격이 되는지 보기").click()
    await phone.get_by_role("button", name="자격 보기").click()
    assert (await phone.title()).startswith("고쳐야 할 곳이 있습니다")
    summary = phone.get_by_role("alert")
    assert await summary.get_by_role("link").count() == 7
    await phone.get_by_label("기업 이름").fill("한빛")
    await phone.get_by_label("사업자등록번호").fill("１２３-４５-６７８９０")
    await phone.get_by_label("기업 형태").select_option("sole-proprietor")
    await phone.get_by_label("창업일").fill("2015.03.02")
    await phone.get_by_label("제품 이름").fill("센서")
    await phone.get_by_label("물품분류번호").fill("41112201")
    await phone.get_by_label("단가 (원)").fill("비쌈")
    await phone.get_by_role("button", name="자격 보기").click()
    price = phone.get_by_label("단가 (원)")
    assert await price.get_attribute("aria-invalid") == "true"
    described = str(await price.get_attribute("aria-describedby"))
    assert "단가 (원)" in await phone.locator(f"#{described}").inner_text()
    assert await phone.get_by_label("기업 이름").input_value() == "한빛", "what was typed is kept"
    await price.fill("1,000,000")
    await phone.get_by_role("button", name="자격 보기").click()
    assert "적은 것만으로는 알 수 없습니다" in await phone.inner_text("h1") or "자격이 되지" in await phone.inner_text(
        "h1"
    )
    told = await phone.inner_text("main")
    assert "기술개발제품 인증" in told
    assert "사업자등록번호: １２３-４５-６７８９０ → 1234567890" in told


async def test_a_startup_with_a_certificate_is_told_its_tickets(phone: Page, portal: str) -> None:
    await phone.goto(f"{portal}/rounds/{ROUND}/check")
    typed = {
        "기업 이름": "한빛",
        "사업자등록번호": business_number(1),
        "창업일": "2015-03-02",
        "공공기관 납품 금액 (원)": "0",
        "공공기관 납품 건수": "0",
        "제품 이름": "센서",
        "물품분류번호": "41112201",
        "단가 (원)": "1,000,000",
        "인증 번호": "NEP-MOTIE-2017-012",
        "인증 발급일": "2017-05-01",
        "인증 유효기간의 끝": "2020-04-30",
    }
    for label, value in typed.items():
        await phone.get_by_label(label).fill(value)
    await phone.get_by_label("기업 형태").select_option("sole-proprietor")
    await phone.get_by_label("인증 종류").select_option("nep")
    await phone.get_by_role("button", name="자격 보기").click()
    assert await phone.inner_text("h1") == "적은 대로라면 자격이 됩니다"
    assert "추첨권 6개" in await phone.inner_text("main")


@pytest.mark.parametrize(
    "path",
    [f"/rounds/{ROUND}/verify", "/verify/verify.js", "/verify/nothing.js", f"/rounds/{ROUND}/evidence", "/verify.py"],
)
async def test_what_verifies_is_selections_own(portal_stack: Stack, portal: str, path: str) -> None:
    async def asked(address: str) -> tuple[int, bytes, dict[str, str]]:
        async with httpx2.AsyncClient(base_url=address, timeout=30) as client:
            answer = await client.get(path)
        names = ("content-type", "etag", "content-security-policy", "cache-control")
        return answer.status_code, answer.content, {name: answer.headers.get(name, "") for name in names}

    assert await asked(portal) == await asked(portal_stack.url("selection"))


async def test_a_rolling_intake_leads_to_its_cut(portal: str) -> None:
    async with httpx2.AsyncClient(base_url=portal) as client:
        answer = await client.get("/rounds/rolling")
        cut = await client.get("/rounds/rolling-01")
    assert (answer.status_code, answer.headers["location"]) == (302, "/rounds/rolling-01")
    assert cut.status_code == 200


@pytest.mark.parametrize(
    "name", ["x%3Fepoch=1", "x%23y", "%2E%2E", "%00", "%0D%0Ax", "%ED%A0%80", "x" * 500, f"{ROUND}%3Fa=b", "%25"]
)
@pytest.mark.parametrize("below", ["", "/check", "/results", "/results.csv"])
async def test_a_name_that_is_no_rounds_is_no_page(portal: str, name: str, below: str) -> None:
    """Whatever it would mean in an address of a service."""
    async with httpx2.AsyncClient(base_url=portal) as client:
        answer = await client.get(f"/rounds/{name}{below}", headers={"Accept-Language": "en"})
    assert answer.status_code == 404, answer.text
    assert "There is no such page" in answer.text


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/asyncapi", "/nothing"])
async def test_it_describes_no_api_since_it_has_none(portal: str, path: str) -> None:
    async with httpx2.AsyncClient(base_url=portal) as client:
        answer = await client.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


async def test_what_is_no_form_is_told_so(portal: str) -> None:
    async with httpx2.AsyncClient(base_url=portal, headers={"Accept-Language": "en"}) as client:
        other = await client.post("/language", json={"language": "en"})
        unreadable = await client.post(
            "/language", content=b"%ff%fe", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        long = await client.post("/language", data={"language": "x" * 100_000})
    assert [other.status_code, unreadable.status_code, long.status_code] == [415, 400, 413]
    assert all("This form can't be read" in unescape(each.text) for each in (other, unreadable))
    assert "What was sent is too long" in long.text


@pytest.mark.parametrize(("path", "kind"), [("/rounds.atom", "application/atom+xml"), ("/rounds.ics", "text/calendar")])
async def test_a_feed_names_the_round_and_leads_to_it(portal: str, path: str, kind: str) -> None:
    async with httpx2.AsyncClient(base_url=portal) as client:
        answer = await client.get(path)
    assert answer.headers["content-type"].startswith(kind)
    assert f"{portal}/rounds/{ROUND}" in answer.text.replace("\r\n ", "")


async def test_a_language_is_kept_once_somebody_switches(phone: Page, portal: str) -> None:
    await phone.goto(f"{portal}/rounds/{ROUND}")
    await phone.get_by_role("button", name="English").click()
    assert phone.url == f"{portal}/rounds/{ROUND}"
    assert await phone.get_attribute("html", "lang") == "en"
    await phone.goto(portal)
    assert await phone.get_attribute("html", "lang") == "en"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
    ids=json.dumps,
)
async def test_a_form_of_another_site_is_refused(portal: str, headers: dict[str, str]) -> None:
    async with httpx2.AsyncClient(base_url=portal) as client:
        answer = await client.post("/language", data={"language": "en"}, headers=headers)
        led = await client.post("/language", data={"language": "en", "back": "//evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert led.headers["location"] == "/"


async def test_a_service_that_is_away_leaves_the_page_and_its_age(portal_stack: Stack, portal: str) -> None:
    async with httpx2.AsyncClient(base_url=portal, timeout=30) as client:
        assert (await client.get(f"/rounds/{ROUND}")).status_code == 200
        await portal_stack.stop("intake")
        kept = await client.get(f"/rounds/{ROUND}")
        unseen = await client.get("/rounds/other", headers={"Accept-Language": "en"})
        await portal_stack.restart("intake")
    assert kept.status_code == 200
    assert unseen.status_code == 503
    assert "Nothing is lost" in unseen.text
    assert unseen.headers["retry-after"] == "5"

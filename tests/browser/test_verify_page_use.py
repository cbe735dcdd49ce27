"""The page as people use it: languages, keyboard, labels, hostile names."""

import pytest
from playwright.async_api import Browser, Page

from services.selection.domain.evidence import Depth
from shared.service.problems import Problem
from tests.support.forger import records_of, rewritten
from tests.support.forgeries import BUNDLES, ROUND
from tests.support.serving import TITLE, Served, shown

HOSTILE = '<img src="https://elsewhere.test/x" onerror="document.title=1"></td><script>alert(1)</script>\u202e&amp;'


async def test_hostile_names_are_shown_as_text(page: Page, served: Served) -> None:
    records = records_of(BUNDLES[Depth.PUBLIC])
    for record in records:
        if record.get("awards"):
            record["product"] = record["applicant"] = HOSTILE
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    await page.goto(served.page("hostile", rewritten(records, Depth.PUBLIC)))
    await page.locator("#check").click()
    seen = await shown(page)
    assert seen.rows
    assert all(product == HOSTILE * 2 for _, product, _, _ in seen.rows)
    assert await page.locator("main img, main script").count() == 0
    assert await page.title() == f"Check a round's result · {TITLE}"
    assert all(address.startswith((served.address, "data:")) for address in sent), sent


async def test_both_languages_say_everything(page: Page, browser: Browser, served: Served) -> None:
    address = served.page("bundled", BUNDLES[Depth.PUBLIC])
    context = await browser.new_context(locale="ko-KR")
    korean = await context.new_page()
    await korean.goto(address)
    assert await korean.title() == f"회차 결과 검증 · {TITLE}"
    assert await korean.locator("html").get_attribute("lang") == "ko"
    await korean.get_by_role("button", name="공표된 증거 검증").click()
    seen = await shown(korean)
    assert "다른 점이 없고 담당자 두 명이 확정했습니다: 43줄, 공개용, 회차 bundled, 1차." in seen.status
    await korean.get_by_role("button", name="English").click()
    assert await korean.locator("html").get_attribute("lang") == "en"
    english = await shown(korean)
    assert "Nothing differs" in english.status
    assert len(english.checked) == len(seen.checked)
    assert not set(english.checked) & set(seen.checked)
    await context.close()
    await page.goto(address)
    lacking = await page.evaluate(
        """async () => {
            const { PAGE, STATUS } = await import("/verify/words.js");
            const words = Object.entries({ ...PAGE, ...STATUS });
            return words.filter(([, word]) => !(word.ko && word.en)).map(([key]) => key);
        }"""
    )
    assert lacking == []


async def test_it_can_be_used_with_the_keyboard_alone(page: Page, served: Served) -> None:
    await page.goto(served.page("bundled", BUNDLES[Depth.PUBLIC]))
    proposed = next(told.body for told in ROUND.events if told.type == "SelectionProposed")
    reached = []
    for _ in range(20):
        await page.keyboard.press("Tab")
        focused = str(await page.evaluate("document.activeElement.id || document.activeElement.dataset.language || ''"))
        reached.append(focused)
        if focused == "held-commitment":
            await page.keyboard.type(proposed["commitment_root"])
        if focused == "ko":
            await page.keyboard.press("Enter")
        if focused == "check":
            await page.keyboard.press("Enter")
            break
    assert [one for one in reached if one in ("ko", "en")] == ["ko", "en"]
    seen = await shown(page)
    assert seen.state == "right"
    assert any("가지고 계신" in told and proposed["commitment_root"] in told for told in seen.checked)


async def test_every_field_has_a_label_and_the_outcome_is_announced(page: Page, served: Served) -> None:
    await page.goto(served.page("bundled", BUNDLES[Depth.PUBLIC]))
    for label in ("Commitment root", "Selection root", "Or check a file of yours", "Application id", "Or your receipt"):
        assert await page.get_by_label(label).count() == 1
    assert await page.get_by_role("heading", level=1).count() == 1
    for announced in ("#status", "#heard", "#found"):
        assert await page.locator(announced).get_attribute("aria-live") == "polite"
    assert await page.get_by_role("banner").count() == await page.get_by_role("main").count() == 1
    await page.locator("#check").click()
    await shown(page)
    sections = ["Check a round's result", "Find an application", "What was checked"]
    sections.append("Results as the bundle states them")
    assert await page.get_by_role("heading", level=2).all_text_contents() == sections
    for section in sections:
        assert await page.locator("section").and_(page.get_by_role("region", name=section)).count() == 1
    assert await page.get_by_role("columnheader").count() == 4


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Problem(404, "not-frozen", "No frozen round other is known here."), "no evidence of that name"),
        (Problem(409, "not-published", "There is no result yet."), "the result is not confirmed"),
        (Problem(503, "away", "The database is away."), "status 503"),
    ],
)
async def test_why_there_is_nothing_to_check_is_a_sentence(
    browser: Browser, served: Served, problem: Problem, told: str
) -> None:
    context = await browser.new_context(locale="en-GB")
    page = await context.new_page()
    await page.goto(served.page("other", problem))
    await page.locator("#check").click()
    seen = await shown(page)
    assert told in seen.status
    assert problem.title in seen.status
    assert (seen.differs, seen.checked) == ([], [])
    await context.close()

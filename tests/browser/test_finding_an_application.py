"""An applicant finds their own application on the page: by id or receipt, in words, and nothing is sent anywhere."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page

from services.selection.domain.evidence import Depth
from services.selection.domain.matching import Result
from services.selection.domain.proposal import Proposed
from shared.service.problems import Problem
from tests.support.bundles import make_round, with_batches
from tests.support.forger import records_of, rewritten
from tests.support.forgeries import BUNDLES, ROUND, batches_of, entry
from tests.support.screens import SCREENS, Screen, hard_to_touch, runs_over
from tests.support.serving import INSTITUTIONS, TITLE, Served, shown

PUBLIC = BUNDLES[Depth.PUBLIC]
UNKNOWN = "00000000-0000-4000-8000-00000000abcd"
LINES = {line.placement.application: line for line in ROUND.proposal.lines}
JUDGED = {one.application: one for one in ROUND.judged}


@dataclass(frozen=True, slots=True)
class Found:
    state: str
    heading: str
    lines: list[str]

    def says(self, words: str) -> bool:
        return any(words in line for line in self.lines)


async def found(page: Page) -> Found:
    await page.wait_for_function(
        "() => !['', 'searching'].includes(document.getElementById('found').dataset.state ?? '')"
    )
    place = page.locator("#found")
    return Found(
        str(await place.get_attribute("data-state")),
        await place.locator("p").inner_text(),
        await place.locator("li").all_text_contents(),
    )


async def sought(page: Page, text: str) -> Found:
    await page.locator("#sought").fill(text)
    await page.locator("#find button").click()
    return await found(page)


def one_of(result: Result) -> Proposed:
    return next(line for line in ROUND.proposal.lines if line.placement.result is result)


def receipt(application: str, **changed: Any) -> dict[str, Any]:
    stated = {"round": "bundled", "application": application, "version": 1, "withdrawn": False}
    return stated | {"payload_hash": JUDGED[application].payload_hash} | changed


def stood() -> int:
    return sum(1 for line in ROUND.proposal.lines if line.position is not None)


def file_of(stated: Any) -> Any:
    return {"name": "receipt.json", "mimeType": "application/json", "buffer": json.dumps(stated).encode()}


@SCREENS
async def test_the_page_names_its_round_before_anything_else(page: Page, served: Served, screen: Screen) -> None:
    await screen.open(page, served.page("bundled", PUBLIC))
    first = await page.evaluate("document.querySelector('body :is(h1, h2, p, button, a, input)').outerHTML")
    assert first.startswith("<h1")
    heading = await page.get_by_role("heading", level=1).inner_text()
    assert heading.split("\n") == ["2018년 하반기 기술개발제품 시범구매", "(second half of 2018)", "bundled"]
    assert TITLE in await page.title()
    assert await page.locator("h1 [lang=ko]").count() == await page.locator("h1 [lang=en]").count() == 1


async def test_the_browser_of_the_tests_draws_hangul(page: Page) -> None:
    """Else a Korean page would be narrower here than for its readers."""
    drawn = """(text) => {
        const canvas = document.createElement("canvas");
        const pen = canvas.getContext("2d");
        pen.font = "40px sans-serif";
        pen.fillText(text, 0, 50);
        return canvas.toDataURL();
    }"""
    assert await page.evaluate(drawn, "가") != await page.evaluate(drawn, "힣")


@SCREENS
async def test_nothing_runs_over_the_edge_and_all_can_be_touched(page: Page, served: Served, screen: Screen) -> None:
    records = records_of(PUBLIC)
    entry(records, "reserve")["tickets"] += 500
    await screen.open(page, served.page("bundled", rewritten(records, Depth.PUBLIC)))
    assert (await runs_over(page), await hard_to_touch(page)) == ([], [])
    await sought(page, one_of(Result.SELECTED).placement.application)
    assert (await shown(page)).state == "wrong"
    assert await page.locator("#rows tr").count() > 0
    assert (await runs_over(page), await hard_to_touch(page)) == ([], [])


@SCREENS
async def test_a_selected_application_is_found(page: Page, served: Served, screen: Screen) -> None:
    line = one_of(Result.SELECTED)
    application = line.placement.application
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    await screen.open(page, served.page("bundled", PUBLIC))
    seen = await sought(page, f" {application.upper()} ")
    award = line.placement.awards[0]
    institution = award.request.partition("/")[0]
    name, product = INSTITUTIONS.get(institution, institution), JUDGED[application].facts["product"]["name"]
    expected = {
        "ko": (
            "선정",
            f"목록에 있습니다: 신청 {application}, 버전 1.",
            "조건을 갖추었습니다",
            f"추첨 순위: {stood()}건 중 {line.position}번째.",
            f"제품: {product}",
            f"구매 배정: {name} / {award.request}: {award.quantity:,}개, {award.amount_won:,}원.",
        ),
        "en": (
            "Selected",
            f"Application {application} is in the manifest of the {len(LINES)} applications of epoch 1, as version 1.",
            "It met the conditions.",
            f"Place in the draw: {line.position} of {stood()}.",
            f"Product: {product}",
            f"Awarded: {name} / {award.request}: {award.quantity:,} units, {award.amount_won:,} won.",
        ),
    }
    heading, *said = expected[screen.language]
    assert (seen.state, seen.heading) == ("right", heading)
    assert [words for words in said if not seen.says(words)] == []
    other = "en" if screen.language == "ko" else "ko"
    await page.locator(f"[data-language={other}]").click()
    assert (await found(page)).heading == expected[other][0], "what was found follows the language"
    assert [one.partition("/rounds/")[2] for one in served.asked] == ["bundled/evidence"]
    assert [one for one in sent if application in one.lower()] == []


@SCREENS
async def test_one_in_reserve_is_found(page: Page, served: Served, screen: Screen) -> None:
    line = one_of(Result.RESERVE)
    await screen.open(page, served.page("bundled", PUBLIC))
    seen = await sought(page, line.placement.application)
    place = line.placement.reserve_position
    assert seen.heading == {"ko": f"예비 {place}번", "en": f"In reserve, at place {place}"}[screen.language]
    tickets = next(one.entry.tickets for one in ROUND.judged if one.application == line.placement.application)
    assert seen.says({"ko": f"추첨권 {tickets}장.", "en": f"Tickets: {tickets}."}[screen.language])
    assert not seen.says(JUDGED[line.placement.application].facts["product"]["name"]), "only the selected are named"


@SCREENS
async def test_one_that_is_unknown_is_said_to_be_in_no_manifest(page: Page, served: Served, screen: Screen) -> None:
    await screen.open(page, served.page("bundled", PUBLIC))
    seen = await sought(page, UNKNOWN)
    told = {"ko": ("이 증거 파일에 없음", "목록에도 없습니다"), "en": ("Not in this evidence", "not in the manifest")}
    heading, line = told[screen.language]
    assert (seen.state, seen.heading) == ("absent", heading)
    assert seen.says(line)
    assert seen.says(UNKNOWN)
    assert (await sought(page, one_of(Result.SELECTED).placement.application)).heading in ("선정", "Selected")
    assert len(served.asked) == 1, "the evidence is read once"


@SCREENS
async def test_a_whole_receipt_is_dropped_in(page: Page, served: Served, screen: Screen) -> None:
    line = one_of(Result.SELECTED)
    await screen.open(page, served.page("bundled", PUBLIC))
    await page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "receipt.json", { type: "application/json" }));
            for (const kind of ["dragover", "drop"]) {
                const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
                document.querySelector("#finding h2").dispatchEvent(event);
            }
        }""",
        json.dumps(receipt(line.placement.application, token="fba_secret", nonce="ff" * 16)),
    )
    seen = await found(page)
    assert seen.state == "right"
    assert seen.says(
        {"ko": "접수증의 버전과 해시가 이것과 같습니다", "en": "version and hash are the same"}[screen.language]
    )


async def test_who_is_not_selected_is_told_why(page: Page, served: Served) -> None:
    await page.goto(served.page("bundled", PUBLIC))
    left_out = [line for line in ROUND.proposal.lines if line.placement.result is Result.NOT_SELECTED]
    reasons = {}
    for line in left_out:
        seen = await sought(page, line.placement.application)
        assert seen.heading == "Not selected"
        assert seen.says("It did not stand in the draw.") is (line.position is None)
        reasons[str(line.placement.reason)] = next(words for words in seen.lines if words.startswith("Why: "))
    assert reasons["no-demand"] == "Why: no purchase request that it meets had money left at its turn."
    assert reasons["ineligible"] == "Why: it does not meet the conditions, or had no ticket."


@pytest.mark.parametrize(
    ("changed", "state_of_it", "words"),
    [
        ({"payload_hash": "0" * 64}, "wrong", f"✗ Your receipt of this version has the hash {'0' * 64}"),
        ({"version": 3}, "right", "Your receipt is of version 3, and version 1 is the one that counts here."),
        ({"round": "2018-h1"}, "right", "Your receipt is of round 2018-h1; this evidence is of round bundled."),
    ],
)
async def test_a_receipt_is_held_against_the_manifest(
    page: Page, served: Served, changed: dict[str, Any], state_of_it: str, words: str
) -> None:
    await page.goto(served.page("bundled", PUBLIC))
    stated = receipt(one_of(Result.RESERVE).placement.application) | changed
    await page.locator("#receipt").set_input_files(file_of(stated))
    seen = await found(page)
    assert seen.state == state_of_it
    assert seen.says(words)


async def test_of_several_receipts_the_newest_counts(page: Page, served: Served) -> None:
    application = one_of(Result.RESERVE).placement.application
    stated = [receipt(application, version=number, payload_hash=f"{number}" * 64) for number in (0, 1)]
    stated[1] = receipt(application)
    await page.goto(served.page("bundled", PUBLIC))
    await page.locator("#receipt").set_input_files(file_of(stated))
    assert (await found(page)).says("version and hash are the same")


async def test_a_receipt_of_a_withdrawal_says_why_it_is_not_there(page: Page, served: Served) -> None:
    stated = receipt(one_of(Result.RESERVE).placement.application) | {"application": UNKNOWN, "withdrawn": True}
    await page.goto(served.page("bundled", PUBLIC))
    seen = await sought(page, json.dumps(stated, indent=1))
    assert seen.says("Your receipt says that it was withdrawn.")


@pytest.mark.parametrize("text", ["", "no id", "{}", "[null]", '{"application": 7}', "f" * 300, f"{UNKNOWN}\n" * 30])
async def test_what_is_no_application_is_told_so(page: Page, served: Served, text: str) -> None:
    await page.goto(served.page("bundled", PUBLIC))
    seen = await sought(page, text)
    assert (seen.state, seen.lines) == ("unreadable", [])
    assert await page.locator("#sought").get_attribute("aria-invalid") == "true"
    assert await page.evaluate("document.activeElement.id") == "sought"
    assert served.asked == []


async def test_the_auditors_file_says_no_more_of_it(page: Page, served: Served, tmp_path: Path) -> None:
    application = one_of(Result.RESERVE).placement.application
    await page.goto(served.page("bundled", PUBLIC))
    public = await sought(page, application)
    file = tmp_path / "bundle.jsonl"
    file.write_bytes(BUNDLES[Depth.AUDITOR])
    await page.locator("#file").set_input_files(file)
    await page.wait_for_function("() => document.getElementById('status').textContent.includes('auditor')")
    assert await found(page) == public


async def test_a_file_of_another_round_is_said_to_be_one(page: Page, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "bundle.jsonl"
    file.write_bytes(PUBLIC)
    await page.goto(served.page("other-round"))
    await page.locator("#file").set_input_files(file)
    assert (await shown(page)).state == "right"
    assert "another round than this page" in await page.locator("#elsewhere").inner_text()
    assert "(bundled)" in await page.locator("#elsewhere").inner_text()


async def test_what_a_later_batch_moved_is_told(page: Page, served: Served) -> None:
    made = make_round(60, 20, 3, {"requests_per_product": 3})
    given_out = with_batches(made, *batches_of(made, Random(5)))  # noqa: S311
    await page.goto(served.page("bundled", given_out.bundle(Depth.PUBLIC)))
    newest = {moved.application: moved for batch in given_out.released for moved in batch.moved}
    headings = {Result.SELECTED: "Selected", Result.NOT_SELECTED: "Not selected"}
    headings[Result.RESERVE] = "In reserve again, at its place in the draw"
    for application, moved in newest.items():
        seen = await sought(page, application)
        assert seen.heading == headings[moved.result]
        assert seen.says("Changed by batch ")
        assert all(seen.says(f"{award.quantity:,} units, {award.amount_won:,} won") for award in moved.awards)
    assert {moved.result for moved in newest.values()} == set(Result)


async def test_a_forged_result_is_shown_as_it_is_stated(page: Page, served: Served) -> None:
    records = records_of(PUBLIC)
    forged = entry(records, "reserve")
    forged |= {"result": "not-selected", "reason": "no-demand"}
    await page.goto(served.page("forged", rewritten(records, Depth.PUBLIC)))
    seen = await sought(page, forged["application"])
    assert (seen.state, seen.heading) == ("wrong", "Not selected")
    assert seen.says("what follows is what the evidence states")
    assert seen.says("Why: no purchase request that it meets had money left at its turn.")


@pytest.mark.parametrize("stated", ["constructor", "chosen", "<b>selected</b>"])
async def test_a_result_that_the_format_has_not_ends_the_reading(page: Page, served: Served, stated: str) -> None:
    records = records_of(PUBLIC)
    forged = entry(records, "reserve")
    forged["result"] = stated
    await page.goto(served.page("forged", rewritten(records, Depth.PUBLIC)))
    seen = await sought(page, forged["application"])
    assert (seen.state, seen.heading) == ("absent", "Nothing can be said")
    assert [f'entry.result is "{stated}", which is no result' in told for told in (await shown(page)).differs] == [True]


async def test_nothing_is_said_where_the_evidence_is_cut_off(page: Page, served: Served) -> None:
    await page.goto(served.page("bundled", b"".join(PUBLIC.splitlines(keepends=True)[:8])))
    seen = await sought(page, UNKNOWN)
    assert seen.heading == "Nothing can be said"
    assert seen.says("could not be read to its end")


async def test_before_the_result_there_is_nothing_to_look_in(page: Page, served: Served) -> None:
    await page.goto(served.page("waiting", Problem(409, "not-published", "There is no result yet.")))
    seen = await sought(page, UNKNOWN)
    assert "no evidence to look in" in seen.heading
    assert "not confirmed" in (await shown(page)).status


async def test_it_is_found_with_the_keyboard_alone(page: Page, served: Served) -> None:
    await page.goto(served.page("bundled", PUBLIC))
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == "sought":
            break
    await page.keyboard.type(one_of(Result.SELECTED).placement.application)
    await page.keyboard.press("Enter")
    assert (await found(page)).heading == "Selected"


@SCREENS
async def test_an_unknown_round_is_said_to_be_one(page: Page, served: Served, screen: Screen) -> None:
    await page.set_viewport_size({"width": screen.width, "height": screen.height})
    answer = await page.goto(served.page("unknown<img src=x>" + "0" * 200))
    assert answer is not None
    assert (answer.status, await page.locator("img").count()) == (404, 0)
    heading = await page.get_by_role("heading", level=1).inner_text()
    assert "알 수 없는 회차" in heading
    assert "Unknown round" in heading
    assert "unknown<img src=x>" in heading
    assert await runs_over(page) == []


async def test_a_title_is_text_and_changes_the_pages_tag(served: Served) -> None:
    """Needs no browser."""
    async with httpx2.AsyncClient(base_url=served.address) as client:
        plain, marked = [await client.get(f"/rounds/{name}/verify") for name in ("bundled", "marked")]
    assert "<script>alert" not in marked.text
    assert "&lt;script&gt;alert" in marked.text
    assert plain.headers["etag"] != marked.headers["etag"]

"""Each part of the page decides as verify.py's does, at its bounds too, and places markets as the rule does."""

from playwright.async_api import Page

from tests.support.page_parts import DECIDED, asked, right
from tests.support.serving import Served


async def test_each_part_decides_rightly(page: Page, served: Served) -> None:
    await page.goto(served.page("any", b""))
    found = await page.evaluate(DECIDED, asked())
    assert list(found) == list(right())
    for part, answers in right().items():
        assert found[part] == answers, part

"""The true and forged bundles of tests/data/evidence: the page refuses each for exactly what verify.py does."""

from playwright.async_api import Page

from tests.support.both_verifiers import found_by_python, in_the_browser
from tests.support.serving import Served
from tests.support.vectors import EXPECTED, kept


async def test_each_is_refused_for_exactly_what_is_forged(page: Page, served: Served) -> None:
    bundles, held = [kept(name) for name in EXPECTED], [one["held"] for one in EXPECTED.values()]
    found = await in_the_browser(page, served, bundles, held)
    expected = [found_by_python(bundle, roots) for bundle, roots in zip(bundles, held, strict=True)]
    assert dict(zip(EXPECTED, found, strict=True)) == dict(zip(EXPECTED, expected, strict=True))
    assert [one["names"] for one in found] == [one["names"] for one in EXPECTED.values()]

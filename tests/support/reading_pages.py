"""What every page is held to: accessible by axe, no overflow on a narrow screen, targets that a finger hits."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.async_api import Page, ViewportSize

NARROW: ViewportSize = {"width": 320, "height": 640}
_AXE = Path(str(find_spec("axe_playwright_python").origin)).with_name("axe.min.js")  # type: ignore[union-attr]
_SMALL = """[...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary')]
    .filter(e => !e.classList.contains('skip') && getComputedStyle(e).display !== 'inline')
    .filter(e => e.offsetParent !== null)
    .map(e => [e.textContent, e.getBoundingClientRect().height]).filter(([, height]) => height < 24)"""
_UNDESCRIBED = """[...document.querySelectorAll('[aria-invalid=true]')].filter(e =>
    !(e.getAttribute('aria-describedby') ?? '').split(' ').some(id => document.getElementById(id)))
    .map(e => e.id)"""
_TAGS = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']"


async def faults_of(page: Page) -> list[Any]:
    """What is wrong with the page that is open, on a narrow screen; its context must bypass the policy of scripts."""
    faults: list[Any] = []
    width = await page.evaluate("document.documentElement.scrollWidth")
    if width > NARROW["width"]:
        faults.append(f"{width} pixels wide")
    faults += await page.evaluate(_SMALL)
    faults += [f"no word for the fault of {each}" for each in await page.evaluate(_UNDESCRIBED)]
    await page.add_script_tag(path=_AXE)
    found: dict[str, Any] = await page.evaluate(f"axe.run({{runOnly: {_TAGS}}})")
    return faults + [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]

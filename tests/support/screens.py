"""A page as it is read on a telephone and on a desk, in both languages."""

from dataclasses import dataclass

import pytest
from playwright.async_api import Page


@dataclass(frozen=True, slots=True)
class Screen:
    language: str
    width: int
    height: int

    async def open(self, page: Page, address: str) -> None:
        await page.set_viewport_size({"width": self.width, "height": self.height})
        await page.goto(address)
        await page.locator(f"[data-language={self.language}]").click()


SCREENS = pytest.mark.parametrize(
    "screen",
    [Screen(language, *size) for language in ("ko", "en") for size in ((390, 844), (1280, 800))],
    ids=lambda one: f"{one.language}-{one.width}",
)


async def runs_over(page: Page) -> list[str]:
    """What stands beyond the right edge, unless it scrolls within itself; nothing where the page does not scroll."""
    found: list[str] = await page.evaluate(
        """() => document.scrollingElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest(".scroll"))
            .map((one) => one.outerHTML.slice(0, 120))"""
    )
    return found


async def hard_to_touch(page: Page) -> list[str]:
    """What is pressed and is less than 44 px high or wide."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, summary")]
            .map((one) => [one, one.getBoundingClientRect()])
            .filter(([, { width, height }]) => height > 0 && (height < 43.5 || width < 43.5))
            .map(([one, { width, height }]) => `${one.outerHTML.slice(0, 80)} ${width}x${height}`)"""
    )
    return found

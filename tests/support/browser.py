"""A real browser. Where none can be had, tests that ask for one are listed as not run, or fail where `FIRSTBUY_REQUIRE`
names `browser`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest

from deploy.local.kafka_choice import required
from deploy.local.state import State
from tests.support.told import Section, tell

if TYPE_CHECKING:  # every run reads this file; most need no browser
    from playwright.async_api import Browser, Page

FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP plain.test 127.0.0.1",  # an address that is no secure context
)
FONTS: Final = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">{known}</include><dir>{hangul}</dir></fontconfig>
"""
"""With Hangul, which many a machine for tests has none of: what a page's Korean takes of a line is what readers see."""


@pytest.fixture(scope="session")
async def browser_or_why(
    state: State, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser | str]:
    import pylopdf_fonts_ko  # noqa: PLC0415
    from playwright.async_api import async_playwright  # noqa: PLC0415

    from tests.support.chromium import NoBrowserError, find  # noqa: PLC0415

    async with async_playwright() as playwright:
        try:
            found = await find(playwright, state.cache, os.environ)
        except NoBrowserError as error:
            if required("browser", os.environ):
                raise
            yield str(error)
            return
        environment: dict[str, str | float | bool] = {**os.environ, **found.environment}
        fonts = tmp_path_factory.mktemp("fonts") / "fonts.conf"
        known = environment.get("FONTCONFIG_FILE", "/etc/fonts/fonts.conf")
        fonts.write_text(FONTS.format(known=known, hangul=pylopdf_fonts_ko.sans_path().parent), encoding="utf-8")
        environment["FONTCONFIG_FILE"] = str(fonts)
        browser = await playwright.chromium.launch(executable_path=found.program, args=FLAGS, env=environment)
        tell(pytestconfig, Section.BROWSER, f"Chromium {browser.version} ({found.why})")
        yield browser
        await browser.close()


@pytest.fixture
def browser(browser_or_why: Browser | str, request: pytest.FixtureRequest) -> Browser:
    if isinstance(browser_or_why, str):
        tell(request.config, Section.WITHOUT_BROWSER, f"{request.node.nodeid}: {browser_or_why}")
        pytest.skip(browser_or_why)
    return browser_or_why


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """In English. Whatever the browser complains of, a breach of the content policy too, fails the test."""
    context = await browser.new_context(locale="en-GB")
    page = await context.new_page()
    page.set_default_timeout(120_000)  # of a busy machine
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    yield page
    await context.close()
    refused = "Failed to load resource: the server responded with a status of 4"
    assert [told for told in complaints if not told.startswith(refused)] == []

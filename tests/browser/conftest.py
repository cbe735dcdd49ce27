"""A real browser for the tests of this folder. Where none can be had they are listed as not run, or fail where
`FIRSTBUY_REQUIRE` names `browser`."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from deploy.local.kafka_choice import required
from deploy.local.state import State
from tests.browser.chromium import NoBrowserError, find

BROWSER = pytest.StashKey[str]()
WITHOUT = pytest.StashKey[list[str]]()
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP plain.test 127.0.0.1",  # an address that is no secure context
)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if told := config.stash.get(BROWSER, None):
        terminalreporter.section("browser")
        terminalreporter.line(told)
    if missing := config.stash.get(WITHOUT, []):
        terminalreporter.section("not run: they need a browser")
        for line in missing:
            terminalreporter.line(line)
        terminalreporter.line("FIRSTBUY_REQUIRE=browser makes its absence an error.")


@pytest.fixture(scope="session")
async def browser_or_why(state: State, pytestconfig: pytest.Config) -> AsyncIterator[Browser | str]:
    async with async_playwright() as playwright:
        try:
            found = await find(playwright, state.cache, os.environ)
        except NoBrowserError as error:
            if required("browser", os.environ):
                raise
            yield str(error)
            return
        environment: dict[str, str | float | bool] = {**os.environ, **found.environment}
        browser = await playwright.chromium.launch(executable_path=found.program, args=FLAGS, env=environment)
        pytestconfig.stash[BROWSER] = f"Chromium {browser.version} ({found.why})"
        yield browser
        await browser.close()


@pytest.fixture
def browser(browser_or_why: Browser | str, request: pytest.FixtureRequest) -> Browser:
    if isinstance(browser_or_why, str):
        request.config.stash.setdefault(WITHOUT, []).append(f"{request.node.nodeid}: {browser_or_why}")
        pytest.skip(browser_or_why)
    return browser_or_why

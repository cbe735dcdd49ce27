import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx2
import pytest
from playwright.async_api import Browser, Page, ViewportSize

from deploy.local.stack import Stack
from tests.support.portal_forms import Applicant
from tests.support.rounds import Office, clock_map, shipped_policy
from tests.support.serving import Served, serving
from tests.support.stacks import LastingStack

ROUND = "portal-round"
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as one:
        yield one


@pytest.fixture(scope="package")
async def portal_stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    """For all tests of the portal (`xdist_group("portal")`): two replicas of it, and a round that is open."""
    services = ("intake", "eligibility", "selection", "notify")
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "5"}  # an edge's moment counts as far back
    async with lasting_stack(services, portals=2, environment=environment) as running:
        async with httpx2.AsyncClient(base_url=running.url("intake"), timeout=30) as client:
            office = await Office.of(running, client)
            await office.announce(ROUND, rehearsal=clock_map(3600))
            await announce_rolling(office)
            await office.status(ROUND, "open")
        yield running


async def announce_rolling(office: Office) -> None:
    """A rolling intake, whose first cut has not opened."""
    policy = shipped_policy("rolling")
    closes = datetime.fromisoformat(f"{policy['as_of']}T09:00:00+00:00")
    opens = (closes - timedelta(days=20)).isoformat()
    rehearsal = clock_map(3600, opens_in=3600) | {"programme_anchor": opens}
    await office.announce(
        "rolling", policy, opens_at=opens, closes_at=closes.isoformat(), rehearsal=rehearsal, title="상시"
    )


@pytest.fixture
def portal(portal_stack: Stack) -> str:
    return portal_stack.portal_urls[0]


@pytest.fixture
async def phone(browser: Browser) -> AsyncIterator[Page]:
    """A phone in Korean, without JavaScript; a request to elsewhere or a complaint fails the test."""
    context = await browser.new_context(locale="ko-KR", viewport=PHONE, java_script_enabled=False)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: complaints.append(request.url))
    yield page
    await context.close()
    refused = "Failed to load resource: the server responded with a status of 4"
    assert [told for told in complaints if not told.startswith(refused)] == []


@pytest.fixture
async def http(portal: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=portal, timeout=30, headers={"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture
async def applicant(http: httpx2.AsyncClient, portal_stack: Stack) -> Applicant:
    return await Applicant.signed_in(http, portal_stack.mail_folder, f"{secrets.token_hex(4)}@hanbit.example")

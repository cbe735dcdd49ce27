"""The page as selection serves it, with bundles of the tests' own beside it; and what a reader sees of it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request, Response
from playwright.async_api import Page

from services.selection.api.page import page_router
from services.selection.storage.naming import RoundNames
from shared.service.problems import Problem, problem_response

TITLE = "2018년 하반기 기술개발제품 시범구매 (second half of 2018)"
INSTITUTIONS = {"kepco": "한국전력공사 (Korea Electric Power Corporation, KEPCO)", "lh": "한국토지주택공사"}


async def named(round_id: str) -> RoundNames | None:
    if round_id.startswith("unknown"):
        return None
    return RoundNames("<script>alert(1)</script>" if round_id == "marked" else TITLE, INSTITUTIONS)


@dataclass
class Served:
    """Bundles, or problems, by the round they are served as."""

    address: str
    rounds: dict[str, bytes | Problem] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def page(self, round_id: str, bundle: bytes | Problem | None = None) -> str:
        if bundle is not None:
            self.rounds[round_id] = bundle
        return f"{self.address}/rounds/{round_id}/verify"


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    app = FastAPI()
    app.include_router(page_router(named))
    listening = socket.create_server(("127.0.0.1", 0))
    served = Served(f"http://127.0.0.1:{listening.getsockname()[1]}")

    @app.get("/rounds/{round_id}/evidence")
    async def evidence(round_id: str, request: Request) -> Response:
        served.asked.append(str(request.url))
        found = served.rounds[round_id]
        return found.response() if isinstance(found, Problem) else Response(found, media_type="application/x-ndjson")

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return problem_response(error.status, error.code, error.title)

    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield served
    finally:
        server.should_exit = True
        await task


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says once it is done."""

    status: str
    state: str
    differs: list[str]
    checked: list[str]
    not_checked: list[str]
    rows: list[list[str]]


async def shown(page: Page) -> Shown:
    """Waits for the end of the check."""
    await page.wait_for_function(
        "() => !['', 'reading'].includes(document.getElementById('status').dataset.state ?? '')"
    )

    async def lines(part: str) -> list[str]:
        return await page.locator(f"#{part} li").all_text_contents()

    return Shown(
        await page.locator("#status").inner_text(),
        str(await page.locator("#status").get_attribute("data-state")),
        await lines("differs"),
        await lines("checked"),
        await lines("notChecked"),
        [await row.locator("td").all_text_contents() for row in await page.locator("#rows tr").all()],
    )

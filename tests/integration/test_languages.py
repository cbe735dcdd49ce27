"""Every service answers in the language of who asks: problems, previews, warnings, and what is refused before a route
hears of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from deploy.local.stack import Stack
from shared.contracts.access import SERVICES
from shared.contracts.topics import outbox
from tests.support.consuming import until
from tests.support.rounds import Office, write_inbox
from tests.support.stacks import LastingStack
from tests.support.uploading import CODE, answered, on, opened, send, table

pytestmark = pytest.mark.xdist_group("languages")  # one stack for the whole file
KOREAN = {"Accept-Language": "ko-KR, ko;q=0.9, en;q=0.8"}


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {"FIRSTBUY_INTAKE_DRAIN_SECONDS": "0.5"}
    async with lasting_stack(SERVICES, environment=environment) as started:
        yield started


@dataclass(frozen=True)
class World:
    office: Office
    round: str
    token: dict[str, str]


@pytest.fixture(scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        office = await Office.of(stack, client)
        yield World(office, *await opened(office))


@pytest.mark.parametrize(
    ("service", "path", "code", "title"),
    [
        ("intake", "/rounds/none", "unknown-round", "none 라운드가 없습니다. GET /rounds에서 확인해 주십시오."),
        ("selection", "/rounds/none/results", "not-frozen", "접수가 확정된 none 라운드가 없습니다."),
        ("eligibility", "/rounds/none/summary", "http-404", "찾을 수 없는 주소입니다."),
        ("notify", "/nowhere", "http-404", "찾을 수 없는 주소입니다."),
    ],
)
async def test_each_service_says_its_problems_in_korean_and_in_english(
    stack: Stack, service: str, path: str, code: str, title: str
) -> None:
    async with httpx2.AsyncClient(base_url=stack.url(service), timeout=30) as client:
        korean, english = await client.get(path, headers=KOREAN), await client.get(path)
        garbled = await client.get(path, headers={"Accept-Language": "ko;q=x"})
    assert (korean.json()["title"], korean.headers["content-language"]) == (title, "ko")
    assert english.headers["content-language"] == garbled.headers["content-language"] == "en"
    assert english.json() == garbled.json()
    assert "Accept-Language" in korean.headers["vary"]
    for name in ("type", "status"):
        assert korean.json()[name] == english.json()[name]
    assert korean.json()["type"] == f"urn:firstbuy:problem:{code}"


async def test_errors_of_fields_keep_their_codes_and_pointers(world: World) -> None:
    office, round_id = world.office, world.round
    body = {"track": 1, "applicant": {"business_number": "12"}, "surplus": None}
    path = f"/rounds/{round_id}/applications"
    english, korean = (
        await office.client.post(path, json=body),
        await office.client.post(path, json=body, headers=KOREAN),
    )
    assert (english.status_code, korean.status_code) == (422, 422)
    before, after = english.json()["errors"], korean.json()["errors"]
    assert [(one["pointer"], one["code"]) for one in before] == [(one["pointer"], one["code"]) for one in after]
    number = next(one for one in after if one["pointer"] == "/applicant/business_number")
    assert number["detail"] == "입력값: '12'. 필요한 형식과 다릅니다."
    assert number["fix"] == "다음 형식으로 적어 주십시오: 숫자 열 자리. 예: 1234567891"
    assert all(one["detail"] != other["detail"] for one, other in zip(before, after, strict=True))


async def test_what_is_refused_before_a_route_hears_of_it_is_in_korean_too(stack: Stack) -> None:
    address = httpx2.URL(stack.url("intake"))
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"GET / HTTP/1.1\r\nAccept-Language: ko\r\n\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    body = (await reader.read()).decode()
    writer.close()
    assert head.startswith("http/1.1 400")
    assert "content-language: ko" in head
    assert "Host 헤더에 호스트를 적어 주십시오" in body


async def test_a_table_is_told_its_errors_and_warnings_in_korean(world: World) -> None:
    office, round_id, token = world.office, world.round, world.token
    wrong = table("r-1,41112201,쉰,20000000")
    (error,) = (await send(office, round_id, token | KOREAN, wrong)).json()["errors"]
    assert (error["row"], error["header"], error["value"]) == (2, "quantity", "쉰")
    assert error["detail"] == "숫자로 적은 정수가 아닙니다."
    assert error["fix"].endswith("이 열에 적는 값: 1 이상의 정수 수량. 예: 50")
    unlikely = table(
        "r-2,41112201,50,120000000,2000", header="request,class_code,quantity,budget_won,price_ceiling_won"
    )
    preview = await send(office, round_id, token | KOREAN, unlikely, preview=True)
    (warned,) = preview.json()["rows"][0]["warnings"]
    assert (warned["cell"], warned["code"]) == ("E2", "ceiling-far-below")
    assert warned["detail"] == "2000원씩 50개이면 예산 120000000원 중 100000원만 쓰게 됩니다."
    assert preview.headers["content-language"] == "ko"
    upload = (await send(office, round_id, token, unlikely)).raise_for_status().json()["upload"]
    rows = await answered(office, token, upload)
    assert rows[2]["state"] == "accepted"
    (told,) = rows[2]["warnings"]
    assert told["detail"] == "50 units of 2000 won use 100000 won of a budget of 120000000 won"


async def test_an_answer_on_the_outbox_warns_in_english(world: World) -> None:
    office, round_id = world.office, world.round
    facts = {"class_code": "41112201", "quantity": 120_000_000, "budget_won": 50}
    message = {"round": round_id, "request": "q-1", "facts": facts}
    await write_inbox(office.stack, CODE, *(("SubmitPurchaseRequest", quoted, message) for quoted in ("m-1", "m-2")))

    async def told() -> list[dict[str, Any]]:
        return [body for _, body in await on(office, outbox(CODE).name) if body.get("quotes") in ("m-1", "m-2")]

    async def both() -> bool:
        return len(await told()) == 2

    await until(both, "an answer to each")
    answers = await told()
    assert [answer["answer"] for answer in answers] == ["accepted", "duplicate"]
    assert [[each["code"] for each in answer["warnings"]] for answer in answers] == [["budget-below-any-price"]] * 2
    assert answers[0]["warnings"][0]["detail"] == "50 won for 120000000 units is less than 10 won for each"

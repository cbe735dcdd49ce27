"""No request fails a service: not by a body that is too long, slow or endless, nor by a value of any parameter.

Every route that a service's OpenAPI lists is tried on the running services, without a token and with one.
"""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlsplit

import httpx2
import pytest

from deploy.local.stack import Stack
from shared.contracts.access import SERVICES
from shared.service.bodies import BoundedBodies
from shared.service.headers import HEADERS as HEADERS_OF_ALL
from shared.service.problems import Problem
from tests.support.rounds import Office, application, clock_map
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("bodies")  # one stack for the whole file
HUGE = 20_000_000
PATIENCE = 60.0
VALUES = {"partition": "0", "offset": "0", "code": "kepco"}
"""Of path parameters; any other is a UUID."""
HEADERS = (
    *("If-Match", "If-None-Match", "Idempotency-Key", "Upload-Key"),
    *("Authorization", "Accept", "Content-Type", "traceparent"),
)
"""Tried on every route with every eighth value: a route reads what it likes of them."""
HOSTILE = (
    "",
    "%20",
    "%00",
    "%0D%0ASet-Cookie:%20a=b",
    "%C3%A9%ED%95%9C%EA%B8%80",
    "%F0%9F%92%A9",
    "%FF%FE",
    "%ED%A0%80",
    "%5Cu0063",
    "%5C",
    "%22quoted%22",
    "'",
    "%25",
    "..%2F..%2Fetc",
    "{}",
    "null",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "1" * 5000,
    "%C2%B2",
    "%D9%A3",
    "1e999",
    "NaN",
    "a" * 3000,
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "https://[",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)
"""Each parses as something, and overflows, breaks or escapes what comes next."""


@dataclass(frozen=True)
class Route:
    service: str
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    """(where, name) of each."""

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"

    @property
    def target(self) -> str:
        return re.sub(r"{(\w+)}", lambda named: VALUES.get(named[1], "0b5ed0a2-6a30-4b3b-9a1f-53a5c07b9c55"), self.path)


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    async with lasting_stack(SERVICES) as started:
        yield started


@pytest.fixture(scope="module")
async def routes(stack: Stack) -> list[Route]:
    found = []
    async with httpx2.AsyncClient() as client:
        for service in SERVICES:
            told = (await client.get(f"{stack.url(service)}/openapi.json")).raise_for_status().json()
            found += [
                Route(
                    service, method.upper(), path, tuple((one["in"], one["name"]) for one in of.get("parameters", ()))
                )
                for path, methods in told["paths"].items()
                for method, of in methods.items()
            ]
    assert len(found) > 70
    assert {route.service for route in found} == set(SERVICES)
    return found


async def answer_to(stack: Stack, route: Route, length: int | None) -> tuple[int, int]:
    """The status, and how much of the body could be sent before it came. Without a length the body does not end."""
    host, _, port = urlsplit(stack.url(route.service)).netloc.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (f"{route.method} {route.target} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", framing)
    sent, chunk = 0, b"[" * 65_536

    async def send() -> None:
        nonlocal sent
        while length is None or sent < length:
            piece = chunk if length is None else chunk[: length - sent]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if length is None else piece)
            await writer.drain()
            await asyncio.sleep(0)  # drain does not let anybody else run while there is room
            sent += len(piece)

    writer.write("\r\n".join([*lines, "", ""]).encode())
    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(PATIENCE):
            line = await reader.readline()
        return int(line.split()[1]), sent
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        writer.transport.abort()


def most_memory(stack: Stack, service: str) -> int:
    """Bytes that its process ever held at once."""
    status = Path(f"/proc/{stack.pid(service)}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


@pytest.mark.parametrize("length", [HUGE, None], ids=["huge", "endless"])
async def test_a_long_body_is_answered_before_all_of_it_is_sent_and_no_service_holds_it(
    stack: Stack, routes: list[Route], length: int | None
) -> None:
    for route in routes:
        before = most_memory(stack, route.service)
        status, sent = await answer_to(stack, route, length)
        assert 200 <= status < 500, str(route)
        if route.method != "GET":
            assert status >= 400, f"{route} took it"
            assert sent < HUGE, f"{route} read {sent} bytes"
        assert most_memory(stack, route.service) - before < HUGE // 2, str(route)


async def test_a_body_that_stops_coming_is_given_up() -> None:
    heard: list[dict[str, object]] = []

    async def app(scope: object, receive: object, send: object) -> None:
        while True:
            heard.append(await receive())  # type: ignore[operator]

    async def receive() -> dict[str, object]:
        if heard:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"{", "more_body": True}

    with pytest.raises(Problem) as refused:
        await BoundedBodies(app, 100, 0.05)({"type": "http"}, receive, None)  # type: ignore[arg-type]
    assert (refused.value.status, len(heard)) == (408, 1)


@pytest.mark.parametrize(("sizes", "status"), [([60, 40], None), ([60, 41], 413), ([101], 413)])
async def test_a_body_is_bounded_however_it_is_cut(sizes: list[int], status: int | None) -> None:
    left = list(sizes)

    async def receive() -> dict[str, object]:
        size = left.pop(0)
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(left)}

    async def app(scope: object, receive: object, send: object) -> None:
        for _ in sizes:
            await receive()  # type: ignore[operator]

    bounded = BoundedBodies(app, 100, 1)
    if status is None:
        await bounded({"type": "http"}, receive, None)  # type: ignore[arg-type]
        return
    with pytest.raises(Problem) as refused:
        await bounded({"type": "http"}, receive, None)  # type: ignore[arg-type]
    assert refused.value.status == status


async def test_a_body_that_is_too_long_is_a_problem_to_who_may_send_one(stack: Stack) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("selection")) as client:
        operator = {"Authorization": f"Bearer {stack.operator_token}"}
        url = "/parked/rounds.v1/0/0/settlement"
        answer = await client.post(url, content=json.dumps({"reason": "x" * 100_000}), headers=operator | JSON)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert (await client.post(url, json={"reason": ""}, headers=operator)).status_code == 422
        assert (await client.post(url, content=b"{", headers=JSON)).status_code == 401, "who asks is asked first"


async def test_a_body_that_breaks_off_is_no_fault(stack: Stack, routes: list[Route]) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("intake")) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
    operator = {"Authorization": f"Bearer {stack.operator_token}"}
    before = {service: stack.log(service).stat().st_size for service in SERVICES}
    for route in routes:
        address = urlsplit(stack.url(route.service))
        target = re.sub(r"{round(_id)?}", round_id, route.path)
        told = office.officers[0] if route.service == "intake" else operator
        for headers in ({}, told):
            _, writer = await asyncio.open_connection(address.hostname, address.port)
            lines = [f"{route.method} {Route('', '', target).target} HTTP/1.1", "Host: here", "Content-Length: 1000"]
            lines += [*(f"{name}: {value}" for name, value in (JSON | headers).items()), "", "{"]
            writer.write("\r\n".join(lines).encode())
            await writer.drain()
            await asyncio.sleep(0.05)  # the service waits for the rest
            writer.transport.abort()
    await asyncio.sleep(0.5)
    said = {service: stack.log(service).read_bytes()[size:] for service, size in before.items()}
    assert [service for service, log in said.items() if b"Traceback" in log] == []
    assert b"hung up in the middle of the body" in said["intake"]


def hostile_requests(route: Route, tokens: list[str | None]) -> Iterator[bytes]:
    """One parameter or header at a time."""
    named = [each for each in route.parameters if each[0] != "header"]
    headed = [("header", name) for name in HEADERS]
    tries = [*itertools.product(named, HOSTILE), *itertools.product(headed, HOSTILE[::8])]
    for (where, name), value in tries:
        target = route.target
        if where == "path":
            target = re.sub(r"{(\w+)}", lambda of: value if of[1] == name else VALUES.get(of[1], "1"), route.path)  # noqa: B023
        elif where == "query":
            target += f"?{quote(name)}={value}"
        for token in tokens:
            headers = {b"Host": b"127.0.0.1", b"Connection": b"close", b"Content-Length": b"2"}
            headers[b"Content-Type"] = b"application/json"
            if token is not None:
                headers[b"Authorization"] = f"Bearer {token}".encode()
            if where == "header":
                sent = unquote_to_bytes(value)
                headers[name.encode()] = sent.replace(b"\r\n", b" ").replace(b"\x00", b"")
            lines = [f"{route.method} {target} HTTP/1.1".encode(), *(b": ".join(each) for each in headers.items())]
            yield b"\r\n".join([*lines, b"", b"{}"])


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
@pytest.mark.parametrize("sent", ['"²"', '"³¹"', f'"{"1" * 5000}"', '"9999999999"', '"-1"', '"1.0"', '"0x1"', "*"])
async def test_a_version_that_is_none_is_a_version_that_does_not_match(stack: Stack, sent: str, encoding: str) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        entered = await client.post(f"/rounds/{round_id}/applications", json=application(1))
        receipt = entered.raise_for_status().json()
        headers = {b"Authorization": f"Bearer {receipt['token']}".encode(), b"If-Match": sent.encode(encoding)}
        body = application(1)
        answer = await client.put(f"/applications/{receipt['application']}", json=body, headers=headers)
        assert answer.status_code == 412, answer.text


async def status_of(address: str, request: bytes) -> int:
    host, _, port = urlsplit(address).netloc.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            return int((await reader.readline()).split()[1])
    finally:
        writer.transport.abort()


SERVED = ("/health/live", "/health/ready", "/metrics", "/asyncapi", "/openapi.json", "/docs", "/redoc", "/", "/none")
"""Beside what an OpenAPI lists."""


FORGED = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}


@pytest.fixture(scope="module")
async def answers(stack: Stack, routes: list[Route]) -> list[tuple[str, httpx2.Response]]:
    """Of every route without a token and with one, of what is no route, and of a slash too many; about a round there
    is."""
    async with httpx2.AsyncClient(base_url=stack.url("intake")) as client:
        office = await Office.of(stack, client)
        round_id = await office.announce(rehearsal=clock_map(3600))
        await office.status(round_id, "open")
        async with asyncio.timeout(PATIENCE):
            while (await client.get(f"{stack.url('selection')}/rounds/{round_id}/ocds")).status_code != 200:
                await asyncio.sleep(0.1)
    found = []
    for service in SERVICES:
        token = office.officers[0] if service == "intake" else {"Authorization": f"Bearer {stack.operator_token}"}
        mine = [route for route in routes if route.service == service]
        of = [(route.method, re.sub(r"{round(_id)?}", round_id, route.path)) for route in mine]
        of = [(method, re.sub(r"{(\w+)}", lambda named: VALUES.get(named[1], "none"), path)) for method, path in of]
        of += [*(("GET", path) for path in SERVED), ("PUT", "/docs"), ("GET", "/docs/")]
        of += [(method, f"{path}/") for method, path in of if method == "GET"]
        async with httpx2.AsyncClient(base_url=stack.url(service), timeout=PATIENCE) as client:
            for method, path in of:
                for sent in ({}, token):
                    answer = await client.request(method, path, headers=sent | FORGED)
                    found.append((f"{service} {method} {path}", answer))
    return found


async def test_every_answer_says_that_it_runs_nothing(answers: list[tuple[str, httpx2.Response]]) -> None:
    assert {answer.status_code for _, answer in answers} >= {200, 401, 404, 405}
    for asked, answer in answers:
        for name, value in HEADERS_OF_ALL:
            said = answer.headers.get_list(name.decode())
            if name == b"content-security-policy":
                assert len(said) == 1, asked
                form = "'self'" if asked.endswith("/not-me/none") else "'none'"  # the one page with a button
                for wanted in (
                    "default-src 'none'",
                    "frame-ancestors 'none'",
                    "base-uri 'none'",
                    f"form-action {form}",
                ):
                    assert wanted in said[0], asked
                assert "unsafe" not in said[0]
                assert "http" not in said[0]
            else:
                assert said == [value.decode()], asked
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert not re.search(r"(src|href)=.?(https?:)?//", answer.text), asked


async def test_no_answer_names_the_host_that_was_asked_for(answers: list[tuple[str, httpx2.Response]]) -> None:
    for asked, answer in answers:
        assert "evil" not in answer.text, asked
        assert "evil" not in str(answer.headers), asked


async def test_no_value_of_any_parameter_fails_a_service(stack: Stack, routes: list[Route]) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("intake")) as client:
        office = await Office.of(stack, client)
    officer = office.officers[0]["Authorization"].removeprefix("Bearer ")
    failed: list[str] = []
    at_once = asyncio.Semaphore(4)

    async def tried(route: Route, request: bytes) -> None:
        async with at_once:
            status = await status_of(stack.url(route.service), request)
        if status >= 500:
            failed.append(f"{status} {route}: {request[:300]!r}")

    for route in routes:
        tokens = [None, officer if route.service == "intake" else stack.operator_token]
        await asyncio.gather(*(tried(route, request) for request in hostile_requests(route, tokens)))
    assert failed == []


JSON = {"Content-Type": "application/json"}

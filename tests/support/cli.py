"""The command run in this process, with services that answer what a test says."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from firstbuy.cli import assembled

URL = ["--url", "http://firstbuy.test"]


Answered = Callable[..., list[httpx2.Request]]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(assembled(), list(arguments))


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answered:
    """`answering(status, body, …)`: what the service says, call after call; returns what it was sent."""

    def answer(*answers: tuple[int, Any]) -> list[httpx2.Request]:
        sent: list[httpx2.Request] = []
        left = iter(answers)

        def handle(request: httpx2.Request) -> httpx2.Response:
            sent.append(request)
            status, body = next(left)
            return httpx2.Response(status, json=body) if body is not None else httpx2.Response(status)

        client = httpx2.Client(transport=httpx2.MockTransport(handle))
        monkeypatch.setattr(httpx2, "request", client.request)
        return sent

    return answer


PROBLEM = {
    "type": "urn:firstbuy:problem:invalid-fields",
    "title": "Some fields can't be accepted.",
    "status": 422,
    "errors": [
        {"pointer": "/track", "code": "missing", "detail": "Field required", "fix": "add this field"},
        {"pointer": "", "code": "header", "detail": "Idempotency-Key", "fix": "1 to 200 printable characters"},
    ],
}

"""The page of a service's routes: it says what OpenAPI says, and runs nothing."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from shared.contracts.access import SERVICES
from shared.service.http import add_service_routes
from shared.service.openapi_page import page
from shared.service.telemetry import open_metrics
from tests.support.apps import APPS


@pytest.mark.parametrize("service", SERVICES)
def test_it_shows_every_route_and_no_script_nor_foreign_address(service: str) -> None:
    create, settings = APPS[service]
    given = {"database_url": "postgresql://x/y", "http_port": 1}
    app = create(settings(**given | ({"smtp_url": "smtp://x"} if service == "notify" else {})))
    client = TestClient(app)
    answer = client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}</h2>" in answer.text
    markup = re.sub(r"<pre>.*?</pre>", "", answer.text, flags=re.DOTALL)
    assert not re.search(r"<script|<link|<img|src=|://|\son\w+=", markup)
    assert client.get("/redoc").status_code in {404, 503}, "intake is not open yet"


def test_what_it_shows_is_text() -> None:
    evil = "<script>alert(1)</script>"
    shown = page(
        {
            "info": {"title": evil},
            "paths": {
                f"/{evil}": {
                    "get": {
                        "summary": evil,
                        "parameters": [{"name": evil, "in": "query", "schema": {"default": evil}}],
                        "responses": {"200": {"description": evil}},
                    }
                }
            },
            "components": {"schemas": {evil: {"description": evil}}},
        }
    )
    assert "<script" not in shown


def test_asyncapi_is_drawn_once() -> None:
    drawn = []

    class Drawing:
        def asyncapi(self) -> dict[str, object]:
            drawn.append(1)
            return {"asyncapi": "3.0.0"}

    app = FastAPI()
    add_service_routes(app, Drawing(), open_metrics(), 1)  # type: ignore[arg-type]
    client = TestClient(app)
    assert [client.get("/asyncapi").json() for _ in range(3)] == [{"asyncapi": "3.0.0"}] * 3
    assert len(drawn) == 1

"""No route has its body read before it knows who asks: FastAPI reads the body of a parameter first."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from shared.contracts.access import SERVICES
from shared.contracts.values import Contract
from tests.support.apps import APPS


def every_route(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from every_route(getattr(getattr(route, "original_router", None), "routes", ()))


def reading_first(app: FastAPI) -> list[str]:
    return [route.path for route in every_route(app.routes) if route.dependant.body_params]


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_takes_its_body_as_a_parameter(service: str) -> None:
    create, settings = APPS[service]
    given = {"database_url": "postgresql://x/y", "http_port": 1}
    app = create(settings(**given | ({"smtp_url": "smtp://x"} if service == "notify" else {})))
    assert len(list(every_route(app.routes))) > 5
    assert reading_first(app) == []


def test_one_that_did_would_be_found() -> None:
    class Body(Contract):
        reason: str

    router = APIRouter()

    @router.post("/forgetful")
    async def forgetful(body: Body) -> None: ...

    app = FastAPI()
    app.include_router(router)
    assert reading_first(app) == ["/forgetful"]

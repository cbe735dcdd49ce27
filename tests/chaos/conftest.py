"""Services run as in production, and are disturbed."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from deploy.local.process import Launch, executed
from tests.conftest import StartStack
from tests.support.disturbing import ENVIRONMENT
from tests.support.rounds import Office


@pytest.fixture
def launch() -> Launch:
    """As in production: `python -m services.<name>`."""
    return executed


@pytest.fixture
async def office(start_stack: StartStack, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    replicas = getattr(request, "param", {})
    stack = await start_stack(
        services=("intake", "eligibility", "selection"), replicas=replicas, environment=ENVIRONMENT
    )
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=60) as client:
        yield await Office.of(stack, client)

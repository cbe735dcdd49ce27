"""Fixtures over a module's own `stack`: a client of its intake, and the programme's office there."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from deploy.local.stack import Stack
from tests.support.receiver import Receiver, receiving
from tests.support.registries import Local, local_registries
from tests.support.rounds import Office


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as made:
        yield made


@pytest.fixture
async def office(stack: Stack, client: httpx2.AsyncClient) -> Office:
    return await Office.of(stack, client)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
def local() -> Iterator[Local]:
    with local_registries() as running:
        yield running

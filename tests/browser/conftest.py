from collections.abc import AsyncIterator

import pytest

from tests.browser.serving import Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as one:
        yield one

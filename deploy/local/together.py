"""Starts several things at once, and ends them in turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any


@asynccontextmanager
async def given(server: Any) -> AsyncIterator[Any]:
    """A server that runs already, as one that is started: it is left running."""
    yield server


async def entered(held: AsyncExitStack, *contexts: Any) -> list[Any]:
    """Enter them at once. If one fails, those that were entered are left again by `held`, and the others cancelled."""

    async def enter(context: Any) -> Any:
        value = await context.__aenter__()
        held.push_async_exit(context)
        return value

    return await all_of(enter(context) for context in contexts)


async def all_of(works: Any) -> list[Any]:
    """Together; the first fault ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None
    return [task.result() for task in tasks]

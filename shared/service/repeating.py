"""Jobs that run again and again while a process is open."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.service.postgres import CONTENDED, DATABASE_AWAY

_log = structlog.get_logger()
Job = Callable[[], Awaitable[None]]
"""One pass of a periodic job. It must be safe to run in several replicas at once."""


async def repeat(name: str, job: Job, every: float) -> None:
    """Runs the job for ever, `every` seconds after it ended. Its errors are logged, and it is tried again."""
    while True:
        try:
            await job()
        except DATABASE_AWAY as error:
            _log.warning("waits for the database", job=name, error=type(error).__name__)
            await asyncio.sleep(1)
        except CONTENDED as error:
            _log.info("yields lock", job=name, error=type(error).__name__)  # another replica holds it
        except Exception:  # noqa: BLE001 -- reported, and retried at the next pass
            _log.exception("job failed", job=name)
            await asyncio.sleep(1)
        await asyncio.sleep(every)

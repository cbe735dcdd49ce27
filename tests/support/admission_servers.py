"""Intake's servers on connections that break."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx2
from fastapi import FastAPI
from starlette.routing import Route

from services.intake.adapters.identity.port import NobodyAsked
from services.intake.api import acts, applications, withdrawal
from services.intake.api.state import Intake
from services.intake.api.submission import submit_application
from services.intake.domain.documents import DocumentLimits
from services.intake.domain.submissions import Submission
from services.intake.settings import IntakeSettings
from services.intake.storage import tokens
from services.intake.storage.entries import Answer
from services.intake.storage.tokens import Bearer
from services.intake.usecases.fitness import Fitnesses
from services.intake.usecases.identity import Identities
from services.intake.usecases.inbox_watch import InboxWatch
from shared.clock import SetClock
from shared.service.http import add_service_routes
from shared.service.keys import SigningKey
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Pool, open_pool
from shared.service.telemetry import open_metrics, open_tracing
from tests.support.accidents import CURRENT, BreakingPool, Operation
from tests.support.rounds import OPENS

OFFICERS = ("one", "two")


class _OwnReplica:
    """The admission of whichever operation is asking."""

    async def submit(self, submission: Submission) -> Answer:
        operation = CURRENT.get()
        assert operation is not None
        assert operation.admission is not None
        operation.waiting += 1
        return await operation.admission.submit(submission)


class Servers:
    """The database and intake's routes on it, for all histories of a test. `pool` is asyncpg's own."""

    def __init__(self, url: str, pool: Pool, watch: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.url = url
        self.pool = pool
        self.watch = watch
        self.clock = SetClock(OPENS)
        self.round = ""
        self.operations: list[Operation] = []
        self.gated: Any = BreakingPool(pool, self.standing)
        self.outbox = OutboxPublisher(SimpleNamespace())  # type: ignore[arg-type]
        self.signing = SigningKey(lambda: [bytes(32)])
        metrics = open_metrics()
        runtime: Any = SimpleNamespace(pool=self.gated, tracing=open_tracing("intake", "0", 0, "")[0], metrics=metrics)
        settings = IntakeSettings(database_url=url)
        app = FastAPI()
        own: Any = _OwnReplica()
        no_files: Any = SimpleNamespace()
        limits = DocumentLimits(file_bytes=1, application_bytes=1, network_bytes=1, waiting_bytes=1)
        no_documents: Any = SimpleNamespace(limits=limits)
        inboxes = InboxWatch(settings.kafka, SimpleNamespace, metrics.registry)
        app.state.intake = Intake(
            runtime=runtime,
            settings=settings,
            clock=self.clock,
            outbox=self.outbox,
            admission=own,
            signing=self.signing,
            watch=inboxes,
            sheets=no_files,
            fitnesses=Fitnesses(),
            identities=Identities(NobodyAsked()),
            documents=no_documents,
        )
        app.router.routes.append(Route("/rounds/{round}/applications", submit_application, methods=["POST"]))
        app.include_router(acts.router)
        app.include_router(applications.router)
        app.include_router(withdrawal.router)
        add_service_routes(app, runtime, metrics, settings.body_bytes)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://intake")

    @classmethod
    async def opened(cls, url: str) -> "Servers":
        servers = cls(url, await open_pool(url, 40, "admission machine"), await asyncpg.connect(url))
        async with servers.pool.acquire() as connection:
            for name in OFFICERS:
                await tokens.create(connection, hashlib.sha256(name.encode()).hexdigest(), Bearer("officer", name))
        await servers.signing.signer(servers.pool)
        return servers

    async def close(self) -> None:
        await self.http.aclose()
        await self.watch.close()
        await self.pool.close()

    async def forget(self) -> None:
        """Ends what a history that failed has left."""
        left = [operation.task for operation in self.operations if operation.task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self.operations.clear()

    async def standing(self) -> tuple[str, datetime]:
        """What is committed of the round. While somebody has its lock, nobody else can change it."""
        row = await self.pool.fetchrow("SELECT status, closes_at FROM rounds WHERE round = $1", self.round)
        assert row is not None
        return row["status"], row["closes_at"]

    async def all_wait_for_locks(self, operations: Sequence[Operation]) -> bool:
        """At one and the same moment."""
        if not operations:
            return True
        rows = await self.watch.fetch("SELECT DISTINCT pid FROM pg_locks WHERE NOT granted")
        waiting = {row["pid"] for row in rows}
        return all(operation.pids & waiting for operation in operations)

"""Intake as it is, with two more routes to compare with: validation alone, and one transaction per request.

python -m tests.bench.admission_server   (the environment of services.intake)
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from fastapi import Request, Response
from starlette.routing import Route

from services.intake.api.state import intake
from services.intake.api.submission import read_submission
from services.intake.app import create_app
from services.intake.domain.entries import entry_version
from services.intake.domain.receipts import Receipt, receipt_json, receipt_of, signed
from services.intake.settings import IntakeSettings
from services.intake.storage import tokens
from services.intake.storage.entries import admit
from services.intake.usecases.entry_events import entry_events
from shared.service.http import serve
from shared.service.logs import configure_logs
from shared.service.migrate import migrate

MIGRATIONS = Path(__file__).parents[2] / "services/intake/migrations"


def _answer(receipt: Receipt) -> Response:
    return Response(json.dumps(receipt_json(receipt)), 201, media_type="application/json")


async def validate(request: Request) -> Response:
    """All that intake does with a body, and no storage."""
    state = intake(request)
    submission, _ = await read_submission(request)
    chance = submission.chance
    stated = entry_version(chance.application, 1, submission.received_at, chance.nonce, submission.facts)
    receipt = replace(receipt_of(submission.round, stated), token="fba_none")
    return _answer(signed(receipt, await state.signing.signer(state.runtime.pool)))


async def per_request(request: Request) -> Response:
    """The same admission, in a transaction of its own."""
    state = intake(request)
    submission, _ = await read_submission(request)
    signer = await state.signing.signer(state.runtime.pool)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        secret = await tokens.secret(connection, "access-tokens")
        admitted = await admit(connection, [submission], secret, signer)
        events += [event for entry in admitted.entries for event in entry_events(entry)]
    (answer,) = admitted.answers
    assert isinstance(answer, Receipt)
    return _answer(answer)


def main() -> int:
    settings = IntakeSettings()
    if sys.argv[1:] == ["migrate"]:
        asyncio.run(migrate(str(settings.database_url), MIGRATIONS))
        return 0
    configure_logs("intake", settings.replica, "WARNING")
    app = create_app(settings)
    app.router.routes.insert(0, Route("/bench/validate/{round}", validate, methods=["POST"]))
    app.router.routes.insert(0, Route("/bench/per-request/{round}", per_request, methods=["POST"]))
    return serve(app, settings.http_host, settings.http_port)


if __name__ == "__main__":
    sys.exit(main())

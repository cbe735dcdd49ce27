"""What the routes share, made by `app.py`, and who may do what."""

import secrets
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from services.intake.adapters.spreadsheets.reader import SheetReader
from services.intake.settings import IntakeSettings
from services.intake.storage import tokens
from services.intake.storage.tokens import Bearer
from services.intake.usecases.access_events import FIRST_OPERATOR
from services.intake.usecases.admission import Admission
from services.intake.usecases.documents import Documents
from services.intake.usecases.fitness import Fitnesses
from services.intake.usecases.identity import Identities
from services.intake.usecases.inbox_watch import InboxWatch
from shared.clock import Clock
from shared.service.http import bearer_hash
from shared.service.keys import SigningKey
from shared.service.networks import network_of
from shared.service.outbox import OutboxPublisher
from shared.service.postgres import Connection, connected
from shared.service.problems import Problem
from shared.service.runtime import Runtime

OPERATOR: Final = "operator"
OFFICER: Final = "officer"
AUDITOR: Final = "auditor"
INSTITUTION: Final = "institution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the routes share: made once, in `app.py`."""

    runtime: Runtime
    settings: IntakeSettings
    clock: Clock
    outbox: OutboxPublisher
    admission: Admission
    signing: SigningKey
    watch: InboxWatch
    sheets: SheetReader
    fitnesses: Fitnesses
    identities: Identities
    documents: Documents


def intake(request: Request) -> Intake:
    """The state that `app.py` made."""
    state: Intake = request.app.state.intake
    return state


def network(request: Request) -> str | None:
    """The sender's network, where it is known."""
    return network_of(request.client.host if request.client else None)


async def holder(request: Request, *roles: str) -> Bearer:
    """Whose token was sent; 401 without one, 403 when its role may not do this. Takes a connection of its own: a caller
    that has one uses `holder_on`."""
    return await _holder(request, roles, None)


async def holder_on(connection: Connection, request: Request, *roles: str) -> Bearer:
    """Like `holder`, on the given connection."""
    return await _holder(request, roles, connection)


async def _holder(request: Request, roles: tuple[str, ...], connection: "Connection | None") -> Bearer:
    state = intake(request)
    token_hash = bearer_hash(request.headers.get("authorization"))
    if token_hash is None:
        raise Problem(
            401, "no-token", "Send your token as 'Authorization: Bearer …'.", headers={"WWW-Authenticate": "Bearer"}
        )
    bearer: Bearer | None
    first = state.settings.newest().operator_token_hash
    if first and secrets.compare_digest(token_hash, first):
        bearer = Bearer(OPERATOR, FIRST_OPERATOR)
    elif connection is not None:
        bearer = await tokens.bearer(connection, token_hash)
    else:
        async with connected(state.runtime.pool) as connection:
            bearer = await tokens.bearer(connection, token_hash)
    if bearer is None:
        raise Problem(401, "unknown-token", "This token is not known, or was revoked: ask an operator for a new one.")
    if bearer.role not in roles:
        raise Problem(403, "wrong-role", f"This takes a token of role {' or '.join(roles)}, not {bearer.role}.")
    return bearer


async def holder_for(request: Request, code: str, *others: str) -> Bearer:
    """Whose token was sent: this institution's own, or one of those roles."""
    bearer = await holder(request, INSTITUTION, *others)
    if bearer.role == INSTITUTION and bearer.institution != code:
        raise Problem(403, "other-institution", f"This token is of {bearer.institution}, not of {code[:40]}.")
    return bearer

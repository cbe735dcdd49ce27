"""HTTP in: the progress of a round's deliveries."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.notify.domain.attempts import State
from services.notify.storage import deliveries
from shared.service.postgres import connected
from shared.service.runtime import Runtime

router = APIRouter(tags=["rounds"])


@router.get("/rounds/{round_id}/deliveries")
async def deliveries_of(round_id: str, request: Request) -> Response:
    """Deliveries by kind, channel and state. `waiting` lacks a contact or another fact that has not arrived yet.

    `settled`: nothing known of is left to do. `doubtful`: an attempt whose outcome was never heard may have arrived,
    so that the notice may have been sent twice, under one message id.
    """
    runtime: Runtime = request.app.state.runtime
    async with connected(runtime.pool) as connection:
        counts, unspread = await deliveries.counts(connection, round_id)
    channels: dict[str, dict[str, int]] = {}
    kinds: dict[str, dict[str, dict[str, int]]] = {}
    for count in counts:
        for states in (
            channels.setdefault(count.channel, dict.fromkeys(State, 0)),
            kinds.setdefault(count.kind, {}).setdefault(count.channel, dict.fromkeys(State, 0)),
        ):
            states[count.state] += count.deliveries
    body: dict[str, Any] = {
        "round": round_id,
        "channels": channels,
        "kinds": kinds,
        "doubtful": sum(count.doubtful for count in counts),
        "unspread_turns": unspread,
        "settled": not unspread and not any(count.state in {State.WAITING, State.PENDING} for count in counts),
    }
    return JSONResponse(body)

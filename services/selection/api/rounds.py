"""HTTP in: the progress of selection, and its commitments."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.selection.storage import current_inputs, drawn, rounds, timestamps
from services.selection.usecases.commitment import MarksState, inputs_of, panel_marks
from shared.service.postgres import connected
from shared.service.problems import Problem
from shared.service.runtime import Runtime

router = APIRouter(prefix="/rounds", tags=["rounds"])


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


@router.get("/{round_id}/completeness")
async def completeness(round_id: str, request: Request) -> Response:
    """The buckets of verdicts and requests that are not yet what was judged and frozen; complete only in the epoch
    that stands."""
    async with connected(_runtime(request).pool) as connection:
        known = await rounds.known(connection, round_id)
        if known is None:
            raise Problem(404, "not-frozen", f"No frozen round {round_id} is known here.")
        answer = {"round": round_id, "epoch": known.epoch, "judged": known.judged_epoch == known.epoch}
        if known.verdicts is None:
            return JSONResponse(answer | {"differing_buckets": {}, "without_facts": 0, "complete": False})
        state = await inputs_of(connection, known, await current_inputs.verdicts(connection, known.round))
        marks, _ = await panel_marks(connection, known)
    return JSONResponse(
        answer
        | {
            "differing_buckets": {
                "verdicts": state.verdicts,
                "requests": state.requests,
                "applications": state.applications,
            },
            "without_facts": len(state.without_facts),
            "panel_marks": marks.value,
            "complete": answer["judged"] and state.complete and marks is not MarksState.DIFFERENT,
        }
    )


@router.get("/{round_id}/commitments")
async def commitments(round_id: str, request: Request) -> Response:
    """Every commitment of the round, oldest first, with its time-stamp where an authority is set and has answered.
    `token` is the authority's proof (DER in base64): `firstbuy verify timestamp` checks it."""
    async with connected(_runtime(request).pool) as connection:
        committed = await drawn.commitments(connection, round_id)
        stamps = await timestamps.of_round(connection, round_id)
    stamped = {root: stamp.stated() for root, stamp in stamps.items()}
    return JSONResponse([body | {"timestamp": stamped.get(body["commitment_root"])} for body in committed])

"""HTTP in: the chances that the committed tickets give, before the draw and beside its result."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.selection.domain.chances import Chance, Chances, FirmChance, Kind, chances, method_in_words
from services.selection.storage import drawn, releases, results, rounds
from services.selection.storage.rounds import KnownRound
from shared.programme.certificates import AcceptedKinds
from shared.service.postgres import connected
from shared.service.problems import Problem, in_language
from shared.service.runtime import Runtime
from shared.wording.in_korean import said

router = APIRouter(prefix="/rounds", tags=["chances"])
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Estimate:
    """The chances of a commitment, and the applications in the draw by kind of firm."""

    chances: Chances
    kinds: Mapping[Kind, Sequence[str]]


class Estimates:
    """A cache of the newest commitments' chances. Each is simulated once, and one at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, Estimate] = {}
        self._one = asyncio.Lock()

    async def of(self, runtime: Runtime, known: KnownRound, commitment: dict[str, Any]) -> Estimate:
        """The estimate of this commitment."""
        root = commitment["commitment_root"]
        async with self._one:
            if root not in self._kept:
                while len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[root] = await self._simulated(runtime, known, commitment)
            return self._kept[root]

    async def _simulated(self, runtime: Runtime, known: KnownRound, commitment: dict[str, Any]) -> Estimate:
        if known.policy is None:
            raise LookupError(f"round {known.round} has no policy")
        accepted = AcceptedKinds.compile(known.policy.as_of, known.policy.certificates)
        async with connected(runtime.pool) as connection:
            entries = [each.entry for each in await drawn.entries(connection, known.round, commitment["epoch"])]
            named = await drawn.offers(connection, known.round, commitment["epoch"], accepted)
            pledges, requests = await drawn.committed(connection, known.round, commitment["epoch"])
            kinds = await drawn.kinds(connection, known.round, commitment["epoch"])
            before = await releases.freed_before(connection, known.round, commitment["epoch"])
        offers = {application: item.offer for application, item in named.items()}
        root = commitment["commitment_root"]
        entries = [entry for entry in entries if entry.application not in before.leaving]
        demands = [each for each in drawn.demands_of(requests) if each.request not in before.cancelled]
        simulated = await asyncio.to_thread(chances, known.policy, root, entries, offers, demands, pledges)
        by_kind: dict[Kind, list[str]] = {}
        for application, kind in kinds.items():
            if application in simulated.standing:
                by_kind.setdefault(kind, []).append(application)
        return Estimate(simulated, by_kind)


@router.get("/{round_id}/chances")
async def show(round_id: str, request: Request, application: UUID | None = None) -> Response:
    """By kind of firm: how many stand, with how many tickets, the chance each has, and, once a result is confirmed, the
    share that was selected; and by how many entries a firm has, its chance with all of them. With `application`, that
    one's alone, and its firm's."""
    runtime: Runtime = request.app.state.runtime
    async with connected(runtime.pool) as connection:
        known = await rounds.known(connection, round_id)
        committed = await drawn.commitments(connection, round_id)
        if known is None or known.policy is None or not committed:
            raise Problem(409, "not-committed", "Tickets are known once they are committed; see GET /rounds/{round}.")
        newest = committed[-1]
    estimates: Estimates = request.app.state.estimates
    estimate = await estimates.of(runtime, known, newest)
    simulated = estimate.chances
    answer = {
        "round": round_id,
        "epoch": newest["epoch"],
        "commitment_root": newest["commitment_root"],
        "method": said(method_in_words(known.policy, simulated.draws)),
        "draws": simulated.draws,
        "of_tickets": simulated.of_tickets,
    }
    if application is not None:
        chance = simulated.of(str(application))
        if chance is None:
            raise Problem(404, "not-in-the-draw", "No application of this id stands in the draw.")
        firm = simulated.of_firm(str(application))
        whole = {"firm": _shown_firm(firm, simulated.of_tickets)} if firm else {}
        return JSONResponse(
            answer | {"application": str(application), **_shown(chance), **whole}, headers=in_language({})
        )
    async with connected(runtime.pool) as connection:
        selected = await results.confirmed_selected(connection, round_id, newest["epoch"])
    rows = [
        {
            "startup": kind.startup,
            "first_timer": kind.first_timer,
            "standing": len(of_kind),
            **_shown(simulated.of_kind(kind.tickets, of_kind)),
            "was_selected": None if selected is None else sum(each in selected for each in of_kind) / len(of_kind),
        }
        for kind, of_kind in sorted(estimate.kinds.items(), key=lambda item: (-item[0].tickets, item[0].startup))
    ]
    firms = [
        {"firms": firm.firms, **_shown_firm(firm, simulated.of_tickets)} for firm in simulated.by_entries().values()
    ]
    return JSONResponse(answer | {"kinds": rows, "firms": firms}, headers=in_language({}))


def _shown_firm(firm: FirmChance, of_tickets: int) -> dict[str, Any]:
    """The chance of a firm with all its entries: it shows what a firm gains by more entries."""
    return {
        "entries": firm.entries,
        "tickets": firm.tickets,
        "first_place": firm.tickets / of_tickets,
        "selected": firm.selected,
    }


def _shown(chance: Chance) -> dict[str, Any]:
    return {
        "tickets": chance.tickets,
        "first_place": chance.tickets / chance.of_tickets,
        "selected": chance.selected,
        "error": chance.error,
    }

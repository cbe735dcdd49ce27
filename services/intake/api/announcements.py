"""Officers announce and amend rounds, with their policy and the institutions' pledges."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.intake.api.proposing import awaiting, keep, proposal, recorded
from services.intake.api.refusals import granted, problem
from services.intake.api.rounds import known_round
from services.intake.api.state import OFFICER, Intake, holder, intake
from services.intake.domain.acts import ActKind
from services.intake.storage import acts, institutions, putback_rounds, rounds
from services.intake.storage.rounds import Announcement
from services.intake.storage.tokens import Bearer
from services.intake.usecases.acts import amendment, announcement, pledging
from services.intake.usecases.acts.announcement import ANNOUNCEMENT, AnnouncementBody
from services.intake.usecases.acts.pledging import Pledged
from services.intake.usecases.announcement import announced_detail
from shared.contracts.events import Reason
from shared.contracts.identity import IdentityLevel
from shared.contracts.values import Actor
from shared.kafka.cloudevents import Outgoing
from shared.service import audit
from shared.service.http import body_of, parse, read_body
from shared.service.postgres import Connection
from shared.service.problems import Problem, in_language
from shared.wording.in_korean import told

router = APIRouter(prefix="/rounds", tags=["rounds"])


@router.post("", openapi_extra=body_of(AnnouncementBody))
async def announce(request: Request) -> Response:
    """Announces a round with its policy and pledges, all or nothing. It takes two officers: the first one's
    announcement is answered 202 and kept as a proposed act, which notifies nobody; where the deployment is set to one
    officer, 201 at once. Repeating the same announcement is no error."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: AnnouncementBody = parse(ANNOUNCEMENT, await read_body(request, state.settings.body_bytes))
    _require_reachable(state, body)
    announced = granted(announcement.of_body(body, state.clock.now()))
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        await pledging.lock(connection, body.pledges)
        if await rounds.load(connection, announced.round) is None:
            answer = await (_propose if state.settings.announcing_officers > 1 else _announce)(
                connection, events, state, officer, body, announced
            )
            if answer is not None:
                return answer
        return JSONResponse(await _again(connection, body, announced), headers=in_language({}))


def _require_reachable(state: Intake, body: AnnouncementBody) -> None:
    """Raises a Problem where no firm could be confirmed as the policy requires."""
    best = state.identities.best
    if best.at_least(body.policy.identity or IdentityLevel.NONE):
        return
    fix = "name the tax service in FIRSTBUY_INTAKE_IDENTITY_URL, or leave identity out of the policy"
    detail = f"firms are confirmed up to {best} here, and this policy asks for {body.policy.identity}"
    reason = Reason(pointer="/policy/identity", code="no-identity-service", detail=detail, fix=fix)
    raise Problem(422, "unsound-policy", "Nobody could enter under this policy.", (reason,))


async def _announce(
    connection: Connection,
    events: list[Outgoing],
    state: Intake,
    officer: Bearer,
    body: AnnouncementBody,
    announced: Announcement,
) -> Response | None:
    """Announces at once; None when the round was announced meanwhile."""
    now = state.clock.now()
    announcing = granted(await announcement.checked(connection, body, announced, now))
    done = await announcement.announce(connection, announcing, (Actor(name=officer.name, role=officer.role),), now)
    if done is None:
        return None
    detail = announced_detail(announced, body.reason) | announcement.pledges_detail(body)
    events += [*done.events, await audit.record(connection, "intake", now, officer.name, "announce", detail)]
    return JSONResponse(dict(done.answer), 201, in_language({}))


async def _propose(
    connection: Connection,
    events: list[Outgoing],
    state: Intake,
    officer: Bearer,
    body: AnnouncementBody,
    announced: Announcement,
) -> Response | None:
    """Keeps the announcement as an act that waits for another officer."""
    announcing = granted(await announcement.checked(connection, body, announced, state.clock.now()))
    terms = announcement.terms_of(body, announced)
    act = proposal(state, body.round.round, ActKind.ANNOUNCE, terms, body.reason, officer.name)
    await keep(connection, act)
    await acts.keep_policy(connection, announced.policy_hash, announced.policy)
    events.append(await recorded(connection, act))
    return JSONResponse(announcing.answer() | awaiting(act), 202, in_language({}))


async def _again(connection: Connection, body: AnnouncementBody, announced: Announcement) -> dict[str, Any]:
    """The answer for a round that exists. Changes nothing, but gives a round that was put back its policy again."""
    await putback_rounds.give_policy(connection, announced.round, announced.policy_hash, announced.policy)
    stored = await rounds.load(connection, announced.round)
    if stored is None or announcement.as_announced(stored) != announcement.as_stated(announced):
        raise problem(announcement.exists(body.round.round))
    remarks = [
        remark
        for place, pledge in enumerate(body.pledges)
        for remark in await _as_pledged(connection, body.round.round, place, pledge)
    ]
    return announcement.named(announced) | ({"warnings": told(remarks)} if remarks else {})


async def _as_pledged(connection: Connection, round_id: str, place: int, pledge: Pledged) -> list[Reason]:
    """A remark where the institution pledges another sum than stated."""
    known = await institutions.institution(connection, pledge.institution)
    won = known.pledges.get(round_id) if known else None
    if won == pledge.pledge_won:
        return []
    detail = f"the round is announced already, and {pledge.institution} pledges nothing to it"
    if won is not None:
        detail = f"the round is announced already, and {pledge.institution} pledges {won:,} won to it"
    fix = f"amend it: firstbuy institution amend {pledge.institution} --pledge {round_id}={pledge.pledge_won}"
    return [Reason(pointer=f"/pledges/{place}/pledge_won", code="pledge-stands", detail=detail, fix=fix)]


@router.post("/{round_id}/amendments", openapi_extra=body_of(AnnouncementBody))
async def propose_amendment(round_id: str, request: Request) -> Response:
    """Proposes an amendment of a round that is not open yet, for another officer to approve.

    Terms, policy and pledges are stated whole, like in an announcement. One amendment of a round waits at a time.
    """
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: AnnouncementBody = parse(ANNOUNCEMENT, await read_body(request, state.settings.body_bytes))
    _require_reachable(state, body)
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        stored = await known_round(connection, round_id)
        amending = granted(await amendment.checked(connection, stored, body))
        act = proposal(state, round_id, ActKind.AMEND_ROUND, amending.terms, body.reason, officer.name)
        await keep(connection, act)
        await acts.keep_policy(connection, amending.announcement.policy_hash, amending.announcement.policy)
        events.append(await recorded(connection, act))
    return JSONResponse(amending.answer() | awaiting(act), 202, in_language({}))

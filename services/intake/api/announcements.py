"""Rounds are announced by an officer, with their policy."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from services.intake import announcing
from services.intake.api.state import OFFICER, holder, intake
from services.intake.domain.judging_day import unfit_day
from services.intake.domain.series import cut_id
from services.intake.domain.terms import first_cut_faults, past_faults, term_faults
from services.intake.storage import putback_rounds, rounds
from services.intake.storage.rounds import Announcement, StoredRound
from shared.canonical import json_hash
from shared.contracts.events import Reason, Source
from shared.contracts.identity import IdentityLevel
from shared.contracts.policy import POLICY, Policy
from shared.contracts.round_file import RoundTerms
from shared.contracts.values import Actor, Contract, Line
from shared.http import body_of, parse, read_body
from shared.policies.soundness import problems_of
from shared.problems import Problem

router = APIRouter(prefix="/rounds", tags=["rounds"])


class AnnouncementBody(Contract):
    round: RoundTerms
    policy: Policy
    reason: Line


_ANNOUNCEMENT = TypeAdapter(AnnouncementBody)


@router.post("", openapi_extra=body_of(AnnouncementBody))
async def announce(request: Request) -> Response:
    """Announces a round with its policy. Neither can be changed afterwards; the same announcement again is no error."""
    state = intake(request)
    officer = await holder(request, OFFICER)
    body: AnnouncementBody = parse(_ANNOUNCEMENT, await read_body(request, state.settings.body_bytes))
    terms, now = body.round, state.clock.now()
    if faults := tuple(term_faults(terms, now)):
        raise Problem(422, "invalid-fields", "A round can't have these terms: see each error.", faults)
    if problems := problems_of(body.policy):
        reasons = tuple(
            Reason(pointer=f"/policy{each.pointer}", code=each.code, detail=each.detail, fix=each.fix)
            for each in problems
        )
        raise Problem(422, "unsound-policy", "The policy can't be judged or selected by: see each error.", reasons)
    if not state.identities.best.at_least(body.policy.identity or IdentityLevel.NONE):
        fix = "name the tax service in FIRSTBUY_INTAKE_IDENTITY_URL, or leave identity out of the policy"
        detail = (
            f"firms are confirmed up to {state.identities.best} here, and this policy asks for {body.policy.identity}"
        )
        reason = Reason(pointer="/policy/identity", code="no-identity-service", detail=detail, fix=fix)
        raise Problem(422, "unsound-policy", "Nobody could enter under this policy.", (reason,))
    announcement = _announcement(terms, POLICY.dump_python(body.policy, mode="json", exclude_none=True))
    async with state.outbox.transaction(state.runtime.pool) as (connection, events):
        actor = Actor(name=officer.name, role=officer.role)
        if await rounds.load(connection, announcement.round) is None:
            _check_new(terms, body.policy, announcement.series, now)
        announced = await announcing.announce(connection, announcement, (actor,), body.reason, now)
        events += announced
        if not announced:
            await putback_rounds.give_policy(
                connection, announcement.round, announcement.policy_hash, announcement.policy
            )
            stored = await rounds.load(connection, announcement.round)
    answer = {"round": announcement.round, "policy_hash": announcement.policy_hash}
    if announcement.series is not None:
        answer["series"] = announcement.series
    if announced:
        return JSONResponse(answer, 201)
    if stored is None or _as_announced(stored) != _as_stated(announcement):
        raise Problem(409, "round-exists", f"Round {terms.round} was announced with other terms: choose another id.")
    return JSONResponse(answer)


def _announcement(terms: RoundTerms, policy: dict[str, Any]) -> Announcement:
    """Of a rolling policy the round is the first cut of a series, which has the round's id."""
    rolling = "rolling" in policy
    if rolling:
        _check_first_cut(terms, policy)
    return Announcement(
        round=cut_id(terms.round, 1) if rolling else terms.round,
        title=terms.title,
        opens_at=terms.opens_at,
        closes_at=terms.closes_at,
        policy=policy,
        policy_hash=json_hash(policy),
        lead_seconds=terms.lead_seconds,
        sources=[source.model_dump(mode="json") for source in terms.sources],
        rehearsal=terms.rehearsal.model_dump(mode="json") if terms.rehearsal else None,
        unattended=terms.unattended,
        series=terms.round if rolling else None,
        cut=1 if rolling else None,
    )


def _check_first_cut(terms: RoundTerms, policy: dict[str, Any]) -> None:
    if faults := tuple(first_cut_faults(terms.round, terms.closes_at, date.fromisoformat(policy["as_of"]))):
        raise Problem(422, "invalid-fields", "A rolling intake can't begin so: see each error.", faults)


def _check_new(terms: RoundTerms, policy: Policy, series: str | None, now: datetime) -> None:
    """Not of one that stands, which may be announced again as it was."""
    unfit = unfit_day(policy.as_of, terms.opens_at, terms.closes_at) if series is None else None
    faults = (*filter(None, (unfit,)), *past_faults(terms.closes_at, terms.rehearsal, now))
    if faults:
        raise Problem(422, "invalid-fields", "A new round can't have these terms: see each error.", faults)


def _as_announced(stored: StoredRound) -> tuple[Any, ...]:
    """All terms that an announcement states."""
    rehearsal = stored.rehearsal.model_dump(mode="json") if stored.rehearsal else None
    window = stored.window.opens_at, stored.announced_close
    sources = [Source.model_validate(source) for source in stored.sources]
    named = stored.title, stored.policy_hash, stored.series, stored.unattended
    return (*window, stored.lead_seconds, sources, rehearsal, *named)


def _as_stated(stated: Announcement) -> tuple[Any, ...]:
    sources = [Source.model_validate(source) for source in stated.sources]
    named = stated.title, stated.policy_hash, stated.series, stated.unattended
    return (stated.opens_at, stated.closes_at, stated.lead_seconds, sources, stated.rehearsal, *named)

"""The act that announces a round: its terms, its policy and its pledges, all or nothing.

It takes two officers, or one where the deployment is set so. There is no round yet, so it is not in `KINDS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from services.intake.domain.acts import ProposedAct
from services.intake.domain.judging_day import unfit_day
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.series import cut_id
from services.intake.domain.terms import first_cut_faults, past_faults, term_faults
from services.intake.storage import acts, rounds
from services.intake.storage.rounds import Announcement, StoredRound
from services.intake.usecases import announcement
from services.intake.usecases.acts import pledging
from services.intake.usecases.acts.act_types import Done, Preview, Terms
from services.intake.usecases.acts.pledging import Pledged, Pledging
from shared.contracts.events import Reason, Source
from shared.contracts.policy import POLICY, Policy
from shared.contracts.round_file import RoundTerms
from shared.contracts.values import Actor, Contract, Line
from shared.policies.soundness import problems_of
from shared.proof.canonical import json_hash
from shared.service.postgres import Connection
from shared.wording.in_korean import told


class AnnouncementBody(Contract):
    """A round to be announced. `pledges`: what institutions pledge to it; unregistered ones need a name."""

    round: RoundTerms
    policy: Policy
    reason: Line
    pledges: tuple[Pledged, ...] = ()


ANNOUNCEMENT = TypeAdapter(AnnouncementBody)


@dataclass(frozen=True, slots=True)
class Announcing:
    """An announcement that could be made now. `pledging`: each institution with its pledge."""

    announcement: Announcement
    pledging: Sequence[Pledging]
    reason: str

    @property
    def remarks(self) -> list[dict[str, Any]]:
        return told(remark for pledge in self.pledging for remark in pledge.remarks)

    def answer(self) -> dict[str, Any]:
        """The answer to the officer, with remarks if there are any."""
        return named(self.announcement) | ({"warnings": self.remarks} if self.remarks else {})


def of_body(body: AnnouncementBody, now: datetime) -> Announcement | Refused:
    """The announcement of a body. Refused with every fault of the round by itself. `now` is real time."""
    if faults := tuple(term_faults(body.round, now)):
        return unfit("invalid-fields", "A round can't have these terms: see each error.", faults)
    if problems := problems_of(body.policy):
        reasons = tuple(
            Reason(pointer=f"/policy{each.pointer}", code=each.code, detail=each.detail, fix=each.fix)
            for each in problems
        )
        return unfit("unsound-policy", "The policy can't be judged or selected by: see each error.", reasons)
    return _announcement(body.round, POLICY.dump_python(body.policy, mode="json", exclude_none=True))


async def checked(
    connection: Connection, body: AnnouncementBody, announcement: Announcement, now: datetime
) -> Announcing | Refused:
    """Checks that it could be announced now."""
    if refused := not_to_come(body, announcement, now):
        return refused
    if await rounds.stands(connection, announcement):
        return exists(body.round.round)
    pledges = await pledging.read(connection, body.round.round, body.pledges)
    return pledges if isinstance(pledges, Refused) else Announcing(announcement, pledges, body.reason)


def not_to_come(body: AnnouncementBody, announcement: Announcement, now: datetime) -> Refused | None:
    """Refused where the window is over, or the policy is of another day."""
    day = None
    if announcement.series is None:
        day = unfit_day(body.policy.as_of, body.round.opens_at, body.round.closes_at)
    if faults := (*filter(None, (day,)), *past_faults(body.round.closes_at, body.round.rehearsal, now)):
        return unfit("invalid-fields", "A new round can't have these terms: see each error.", faults)
    return None


async def announce(
    connection: Connection, announcing: Announcing, actors: Sequence[Actor], now: datetime
) -> Done | None:
    """Announces the round with its pledges, in the caller's transaction; None when the id was taken meanwhile. New
    institutions are recorded as agreed: `registered` names them, since they have no topics yet."""
    if not await rounds.announce(connection, announcing.announcement):
        return None
    changed = await pledging.save(connection, announcing.pledging, now)
    event = await announcement.announced(connection, announcing.announcement, actors, announcing.reason, now)
    new = [pledge.code for pledge in announcing.pledging if pledge.before is None]
    return Done([event, *changed], announcing.answer() | ({"registered": new} if new else {}))


async def carry_out(connection: Connection, act: ProposedAct, actors: Sequence[Actor], now: datetime) -> Done | Refused:
    """Announces as proposed, after checking again: the window may be over by now, or the id taken."""
    await pledging.lock(connection, _pledges(act))
    announcing = await _as_proposed(connection, act, now)
    if isinstance(announcing, Refused):
        return announcing
    return await announce(connection, announcing, actors, now) or exists(act.round)


async def preview(connection: Connection, act: ProposedAct, now: datetime) -> Preview | Refused:
    """The whole policy, and every institution by its present or future name."""
    announcing = await _as_proposed(connection, act, now)
    if isinstance(announcing, Refused):
        return announcing
    terms = RoundTerms.model_validate(act.terms["round"])
    after = {"status": "announced", **terms.model_dump(mode="json", exclude_none=True)}
    after |= {"institutions": [pledge.shown() for pledge in announcing.pledging]}
    after |= {"pledged_won": sum(pledge.won for pledge in announcing.pledging)}
    after |= {"policy_hash": announcing.announcement.policy_hash, "policy": announcing.announcement.policy}
    return Preview({"status": "not announced"}, after)


def _pledges(act: ProposedAct) -> list[Pledged]:
    return [Pledged.model_validate(pledge) for pledge in act.terms["pledges"]]


async def _as_proposed(connection: Connection, act: ProposedAct, now: datetime) -> Announcing | Refused:
    body = await body_of_terms(connection, act.terms, act.reason)
    announcement = of_body(body, now)
    if isinstance(announcement, Refused):
        return announcement
    if announcement.policy_hash != act.terms["policy_hash"]:
        return conflict("terms-differ", "The policy is read otherwise than when it was proposed: propose it anew.")
    return await checked(connection, body, announcement, now)


async def body_of_terms(connection: Connection, terms: Terms, reason: str) -> AnnouncementBody:
    """The body as it was sent."""
    policy = await acts.policy(connection, terms["policy_hash"])
    read = {"round": terms["round"], "pledges": terms["pledges"], "policy": policy, "reason": reason}
    body: AnnouncementBody = ANNOUNCEMENT.validate_python(read)
    return body


def terms_of(body: AnnouncementBody, announcement: Announcement) -> Terms:
    """What both officers agree on; the policy by its hash."""
    return {
        "round": body.round.model_dump(mode="json", exclude_none=True),
        "policy": announcement.policy["policy"],
        "policy_hash": announcement.policy_hash,
        "pledges": [pledge.model_dump(mode="json", exclude_none=True) for pledge in body.pledges],
    }


def pledges_detail(body: AnnouncementBody) -> dict[str, Any]:
    """The pledges, for the audit log."""
    pledges = [{"institution": pledge.institution, "won": pledge.pledge_won} for pledge in body.pledges]
    return {"pledges": pledges} if pledges else {}


def named(announcement: Announcement) -> dict[str, Any]:
    """The ids of the round, for the answer."""
    answer = {"round": announcement.round, "policy_hash": announcement.policy_hash}
    return answer if announcement.series is None else answer | {"series": announcement.series}


def exists(round_id: str) -> Refused:
    """The refusal for a round id that is taken."""
    return conflict("round-exists", f"Round {round_id} was announced with other terms: choose another id.")


def as_announced(stored: StoredRound) -> tuple[Any, ...]:
    """All terms that an announcement states, to be compared with `as_stated`."""
    rehearsal = stored.rehearsal.model_dump(mode="json") if stored.rehearsal else None
    window = stored.window.opens_at, stored.announced_close
    sources = [Source.model_validate(source) for source in stored.sources]
    named = stored.title, stored.policy_hash, stored.series, stored.unattended
    return (*window, stored.lead_seconds, sources, rehearsal, *named)


def as_stated(announcement: Announcement) -> tuple[Any, ...]:
    """All terms of an announcement, to be compared with `as_announced`."""
    sources = [Source.model_validate(source) for source in announcement.sources]
    named = announcement.title, announcement.policy_hash, announcement.series, announcement.unattended
    return (
        announcement.opens_at,
        announcement.closes_at,
        announcement.lead_seconds,
        sources,
        announcement.rehearsal,
        *named,
    )


def _announcement(terms: RoundTerms, policy: dict[str, Any]) -> Announcement | Refused:
    """The announcement of these terms.

    Under a rolling policy the round is the first cut of a series, which takes the round's id.
    """
    rolling = "rolling" in policy
    if rolling and (refused := _unfit_first_cut(terms, policy)):
        return refused
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


def _unfit_first_cut(terms: RoundTerms, policy: dict[str, Any]) -> Refused | None:
    if faults := tuple(first_cut_faults(terms.round, terms.closes_at, date.fromisoformat(policy["as_of"]))):
        return unfit("invalid-fields", "A rolling intake can't begin so: see each error.", faults)
    return None

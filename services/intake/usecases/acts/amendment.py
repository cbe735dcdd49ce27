"""The act that amends a round before it opens: other terms, policy and pledges replace the announced ones as a whole.

What an announcement fixes beyond its terms stays: the id, the clock, who confirms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.intake.domain.acts import ProposedAct
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.rounds import RoundStatus
from services.intake.storage import institutions, rounds
from services.intake.storage.rounds import Announcement, StoredRound
from services.intake.usecases.acts import announcement, pledging
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms
from services.intake.usecases.acts.announcement import AnnouncementBody
from services.intake.usecases.acts.pledging import Pledging
from services.intake.usecases.announcement import rooted
from services.intake.usecases.round_events import round_event
from shared.contracts.events import Reason, RoundAmended
from shared.contracts.round_file import RoundTerms
from shared.service.postgres import Connection
from shared.wording.in_korean import told


@dataclass(frozen=True, slots=True)
class Amending:
    """An amendment that could be made now, with remarks on it."""

    terms: Terms
    announcement: Announcement
    remarks: list[dict[str, Any]]

    def answer(self) -> dict[str, Any]:
        """The answer to the officer, with remarks if there are any."""
        return announcement.named(self.announcement) | ({"warnings": self.remarks} if self.remarks else {})


async def checked(connection: Connection, stored: StoredRound, body: AnnouncementBody) -> Amending | Refused:
    """Checks an amendment that two officers agree on. Refused where the round can't be amended now, by the database's
    clock, or not to these terms."""
    now = await rounds.database_now(connection)
    if refused := _unamendable(stored):
        return refused
    if stored.window.time_map.programme(now) >= stored.window.opens_at:
        return conflict("opens", "The round opens now: what was announced stands.")
    new_terms = announcement.of_body(body, now)
    if isinstance(new_terms, Refused):
        return new_terms
    if faults := tuple(_fixed(stored, body.round, new_terms)):
        return unfit("invalid-fields", "An amendment leaves these as they were announced.", faults)
    if refused := announcement.not_to_come(body, new_terms, now):
        return refused
    if stored.window.time_map.programme(now) >= new_terms.opens_at:
        fix = "give an opening to come: those who are told of it need time"
        past = Reason(pointer="/round/opens_at", code="opening-past", detail="it would open at once", fix=fix)
        return unfit("invalid-fields", "An amendment opens no round at once.", (past,))
    pledges = await pledging.read(connection, stored.window.round, body.pledges)
    if isinstance(pledges, Refused):
        return pledges
    if not _changed(stored, new_terms) and all(pledge.after == pledge.before for pledge in pledges):
        return conflict("nothing-changed", "These are the terms that stand: there is nothing to amend.")
    terms = {"amendment": stored.amendment + 1} | announcement.terms_of(body, new_terms)
    return Amending(terms, new_terms, _remarks(pledges))


async def terms_now(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """The proposed terms, if they could still be approved."""
    body = await announcement.body_of_terms(connection, asked, "amends")
    amending = await checked(connection, stored, body)
    return amending if isinstance(amending, Refused) else amending.terms


async def amend(approved: Approved) -> Done | Refused:
    """Amends the round and its pledges in the same transaction."""
    connection, act, stored = approved.connection, approved.act, approved.stored
    body = await announcement.body_of_terms(connection, act.terms, act.reason)
    await pledging.lock(connection, body.pledges)
    pledges = await pledging.read(connection, act.round, body.pledges)
    new_terms, number = announcement.of_body(body, approved.moment), int(act.terms["amendment"])
    if isinstance(pledges, Refused):
        return pledges
    if isinstance(new_terms, Refused):
        return new_terms
    await rounds.amend(connection, number, new_terms)
    changed = await pledging.save(connection, pledges, approved.moment)
    amended = RoundAmended(
        round=act.round,
        actors=approved.actors,
        reason=act.reason,
        amendment=number,
        amended_at=approved.moment,
        title=new_terms.title,
        opens_at=new_terms.opens_at,
        closes_at=new_terms.closes_at,
        policy=new_terms.policy["policy"],
        policy_hash=new_terms.policy_hash,
        lead_seconds=new_terms.lead_seconds,
        sources=new_terms.sources,
        rehearsal=stored.rehearsal,
        unattended=stored.unattended,
        pledges=await institutions.invited(connection, act.round),
    )
    new = [pledge.code for pledge in pledges if pledge.before is None]
    answer = Amending(act.terms, new_terms, _remarks(pledges)).answer() | ({"registered": new} if new else {})
    event = round_event(await rooted(connection, amended), f"amended {number}", 0, approved.now)
    return Done([event, *changed], answer | {"amendment": number})


async def preview(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview | Refused:
    """Both terms whole, and both policies where they differ; `changed` names the fields that do."""
    body = await announcement.body_of_terms(connection, act.terms, act.reason)
    new_terms = announcement.of_body(body, await rounds.database_now(connection))
    pledges = await pledging.read(connection, act.round, body.pledges)
    if isinstance(new_terms, Refused):
        return new_terms
    if isinstance(pledges, Refused):
        return pledges
    before, after = _as_terms(stored), body.round.model_dump(mode="json", exclude_none=True)
    changed = _changed(stored, new_terms)
    sums = [
        {"institution": pledge.code, "name": pledge.after.name, "pledge_won": pledge.won_before} for pledge in pledges
    ]
    change_before: dict[str, Any] = {"amendment": stored.amendment, **before, "policy_hash": stored.policy_hash}
    change_after: dict[str, Any] = {"amendment": stored.amendment + 1, **after, "policy_hash": new_terms.policy_hash}
    change_after |= {
        "changed": changed + (["pledges"] if any(pledge.after != pledge.before for pledge in pledges) else [])
    }
    if "policy_hash" in changed:
        change_before, change_after = (
            change_before | {"policy": stored.policy},
            change_after | {"policy": new_terms.policy},
        )
    shown = [pledge.shown() for pledge in pledges]
    return Preview(change_before | {"institutions": sums}, change_after | {"institutions": shown})


def _remarks(pledges: Sequence[Pledging]) -> list[dict[str, Any]]:
    return told(remark for pledge in pledges for remark in pledge.remarks)


def _unamendable(stored: StoredRound) -> Refused | None:
    if stored.window.status is not RoundStatus.ANNOUNCED:
        title = f"The round is {stored.window.status}: what it opened with stands."
        return conflict("not-announced", title)
    if stored.series is not None:
        title = "A cut of a rolling intake follows the one before: void it, and announce another intake."
        return conflict("a-cut", title)
    if stored.window.closes_at != stored.announced_close:
        return conflict("extended", "The close was moved for everybody: a round that was extended is not amended.")
    if not stored.policy:
        title = "Its policy was lost and is not back yet: make the same announcement again first."
        return conflict("no-policy", title)
    return None


def _fixed(stored: StoredRound, terms: RoundTerms, new_terms: Announcement) -> list[Reason]:
    """Fields that an amendment must not change, and does."""
    rehearsal = stored.rehearsal.model_dump(mode="json") if stored.rehearsal else None
    fixed = {
        "/round/round": (terms.round, stored.window.round),
        "/round/rehearsal": (new_terms.rehearsal, rehearsal),
        "/round/unattended": (new_terms.unattended, stored.unattended),
        "/policy/rolling": (new_terms.series, None),
    }
    return [
        Reason(pointer=pointer, code="fixed", detail=f"it was announced as {was}", fix="leave it so, or void the round")
        for pointer, (is_now, was) in fixed.items()
        if is_now != was
    ]


def _changed(stored: StoredRound, new_terms: Announcement) -> list[str]:
    names = ("opens_at", "closes_at", "lead_seconds", "sources", "rehearsal", "title", "policy_hash")
    pairs = zip(names, announcement.as_announced(stored), announcement.as_stated(new_terms), strict=False)
    return [name for name, was, is_now in pairs if was != is_now]


def _as_terms(stored: StoredRound) -> Terms:
    """The terms as a round file states them."""
    window = stored.window
    terms = {
        "round": window.round,
        "title": stored.title,
        "opens_at": window.opens_at,
        "closes_at": window.closes_at,
        "lead_seconds": stored.lead_seconds,
        "sources": stored.sources,
        "rehearsal": stored.rehearsal,
        "unattended": stored.unattended,
    }
    return RoundTerms.model_validate(terms).model_dump(mode="json", exclude_none=True)

"""Acts that open a round's next epoch: parked applications are judged again or excluded, or judging is run again.

Other verdicts stay. The seed stays too: a later epoch draws with the round's value.
"""

from collections.abc import Sequence
from typing import Final

from services.intake.domain.acts import ProposedAct
from services.intake.domain.entries import is_id
from services.intake.domain.refused import Refused, conflict, unfit
from services.intake.domain.rounds import RoundStatus
from services.intake.storage import epochs, firms, outcomes, versions
from services.intake.storage.concerned import concerned
from services.intake.storage.rounds import StoredRound
from services.intake.storage.versions import StoredApplication
from services.intake.usecases.acts.act_types import Approved, Done, Preview, Terms, ids, text
from services.intake.usecases.contests import Settling, settle
from services.intake.usecases.round_events import round_event
from services.intake.usecases.withdrawal import Leave
from shared.contracts.events import Amended, EpochOpened, Manifest
from shared.contracts.findings import VerdictOutcome
from shared.kafka.cloudevents import Outgoing
from shared.service.postgres import Connection

NAMED_AT_MOST: Final = 5000
"""Most applications that one act names: its event has to fit a record."""
TO_BE_JUDGED: Final = "to be judged"
_FROZEN: Final = (RoundStatus.FROZEN, RoundStatus.CONFIRMED)


def standing_terms(stored: StoredRound) -> Terms | Refused:
    """The set that an act changes: whoever approves it names the same."""
    if stored.window.status not in _FROZEN or stored.applications is None:
        return conflict(
            "not-frozen", f"The round is {stored.window.status}: this act changes a set that is frozen already."
        )
    return {"epoch": stored.epoch, "applications_root": stored.applications["root"]}


async def unpark_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """Parked `applications`, to be judged again. Of a contest only one is named; the terms list all its rivals in
    `excluded`, which are taken out."""
    named = await _named(connection, stored, asked)
    if isinstance(named, Refused):
        return named
    excluded: set[str] = set()
    for entered in named:
        if refused := await _unless_parked(connection, stored, entered):
            return refused
        excluded.update(await _rivals(connection, stored, entered))
    applications = [entry.application for entry in named]
    if both := excluded.intersection(applications):
        return conflict("contested", f"Name one of a contest: {min(both)} stands against another that is named.")
    standing = standing_terms(stored)
    if isinstance(standing, Refused):
        return standing
    return standing | {"applications": applications} | ({"excluded": sorted(excluded)} if excluded else {})


async def rerun_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """`applications` to be judged again; all of them where none is named."""
    standing = standing_terms(stored)
    if "applications" not in asked or isinstance(standing, Refused):
        return standing
    named = await _named(connection, stored, asked)
    if isinstance(named, Refused):
        return named
    return standing | {"applications": [entry.application for entry in named]}


async def unpark(approved: Approved) -> Done | Refused:
    """Takes out rivals first, so that the application is not contested when it is judged again."""
    left: list[Outgoing] = []
    for application in approved.act.terms.get("excluded", ()):
        gone = await _take_out(approved, application)
        if isinstance(gone, Refused):
            return gone
        left += gone
    return Done([*left, await open_epoch(approved, approved.act.terms["applications"])])


async def preview_unparking(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """The set with the applications to be judged, and their rivals to be excluded."""
    excluded = act.terms.get("excluded", ())
    judged = await preview_epoch(connection, stored, act.terms["applications"], added=-len(excluded))
    gone = await concerned(connection, stored.window.round, excluded)
    before, after = judged.before["concerned"], judged.after["concerned"]
    return Preview(
        {**judged.before, "concerned": [*before, *gone]},
        {**judged.after, "concerned": [*after, *(row | {"state": "excluded"} for row in gone)]},
    )


async def preview_judging(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """The set with the applications to be judged again."""
    if "applications" not in act.terms:
        change = await preview_epoch(connection, stored, ())
        return Preview(change.before, {**change.after, "judged_again": "all"})
    return await preview_epoch(connection, stored, act.terms["applications"])


async def preview_exclusion(connection: Connection, stored: StoredRound, act: ProposedAct) -> Preview:
    """The set with the application to be excluded."""
    return await preview_epoch(connection, stored, [act.terms["application"]], state="excluded", added=-1)


async def preview_epoch(
    connection: Connection,
    stored: StoredRound,
    applications: Sequence[str],
    *,
    state: str = TO_BE_JUDGED,
    added: int = 0,
) -> Preview:
    """The set before and after an epoch opens, with the `applications` concerned, whose state becomes `state`. `added`:
    by how many the set grows."""
    standing = stored.applications or {"count": 0, "root": None}
    shown = await concerned(connection, stored.window.round, applications)
    before = {"epoch": stored.epoch, "applications": standing["count"], "applications_root": standing["root"]}
    after = {"epoch": stored.epoch + 1, "applications": standing["count"] + added}
    return Preview(before | {"concerned": shown}, after | {"concerned": [row | {"state": state} for row in shown]})


async def judge_again(approved: Approved) -> Done:
    """Opens an epoch in which the named applications, or all, are judged again."""
    applications = approved.act.terms.get("applications")
    return Done([await open_epoch(approved, applications or (), judge_all=applications is None)])


async def exclude_terms(connection: Connection, stored: StoredRound, asked: Terms) -> Terms | Refused:
    """One parked `application`: an application that could be judged is never excluded."""
    application = text(asked, "application")
    if isinstance(application, Refused):
        return application
    entered = await _entered(connection, stored, application)
    if isinstance(entered, Refused):
        return entered
    standing = standing_terms(stored)
    refused = await _unless_parked(connection, stored, entered)
    if refused or isinstance(standing, Refused):
        return refused or standing
    return standing | {"application": application}


async def exclude(approved: Approved) -> Done | Refused:
    """Excludes it. A rival that is left alone gets another version, and so is judged again."""
    left = await _take_out(approved, approved.act.terms["application"])
    if isinstance(left, Refused):
        return left
    return Done([*left, await open_epoch(approved)])


async def _take_out(approved: Approved, application: str) -> list[Outgoing] | Refused:
    connection, act = approved.connection, approved.act
    stored = await _entered(connection, approved.stored, application)
    if isinstance(stored, Refused):
        return stored
    firm = stored.round, stored.business_number
    await firms.lock(connection, [firm])
    settling = Settling(connection, firm, approved.now, approved.stored.window.seed, approved.signer)
    left = await settling.take_out(application, Leave(act.reason, act.act))
    return [*left, *await settle(settling)]


async def open_epoch(
    approved: Approved,
    again: Sequence[str] = (),
    *,
    judge_all: bool = False,
    admitted: Sequence[str] = (),
    amended: Sequence[Amended] = (),
    supplementary_source: str | None = None,
) -> Outgoing:
    """Opens the next epoch over the current applications, and the requests as they were frozen.

    `admitted` are judged in it too, and draw with a value of the `supplementary_source`.
    """
    connection, stored = approved.connection, approved.stored
    applications = epochs.manifest_of(await epochs.application_digest(connection, approved.act.round))
    now = approved.after(await epochs.fixed_at(connection, approved.act.round, stored.epoch))
    opened = EpochOpened(
        round=approved.act.round,
        actors=approved.actors,
        reason=approved.act.reason,
        epoch=stored.epoch + 1,
        opened_at=now,
        applications=applications,
        requests=Manifest.model_validate(stored.requests),
        judge_again=tuple(sorted({*again, *admitted})),
        judge_all=judge_all,
        admitted=tuple(sorted(admitted)),
        amended=tuple(amended),
        supplementary_source=supplementary_source,
    )
    await epochs.open_epoch(connection, opened)
    return round_event(opened, "epoch", opened.epoch, now)


async def _named(connection: Connection, stored: StoredRound, asked: Terms) -> list[StoredApplication] | Refused:
    """The named applications in order of id, each once."""
    named = ids(asked, "applications")
    if isinstance(named, Refused):
        return named
    if not 0 < len(named) <= NAMED_AT_MOST:
        return unfit("invalid-fields", f"Name 1 to {NAMED_AT_MOST} ids in /terms/applications.")
    entries = []
    for application in sorted(set(named)):
        entered = await _entered(connection, stored, application)
        if isinstance(entered, Refused):
            return entered
        entries.append(entered)
    return entries


async def _entered(connection: Connection, stored: StoredRound, application: str) -> StoredApplication | Refused:
    entered = await versions.load(connection, application) if is_id(application) else None
    if entered is None or entered.round != stored.window.round or entered.withdrawn:
        return unfit("unknown-application", f"No application {application[:40]!r} stands in this round.")
    return entered


async def _rivals(connection: Connection, stored: StoredRound, entered: StoredApplication) -> list[str]:
    firm = stored.window.round, entered.business_number
    standing = (await firms.entries(connection, [firm]))[firm]
    own = next(entry for entry in standing if entry.application == entered.application)
    return [entry.application for entry in standing if entry is not own and entry.is_rival_of(own)]


async def _unless_parked(connection: Connection, stored: StoredRound, entered: StoredApplication) -> Refused | None:
    """Refused unless the verdict of the current version and epoch is parked."""
    application = entered.application
    outcome = await outcomes.outcome(connection, application)
    counts = await epochs.to_be_judged_in(connection, stored.window.round, application)
    parked = (outcome.get("verdict") or {}).get("outcome") == VerdictOutcome.PARKED
    judged = outcome.get("verdict_version"), outcome.get("verdict_epoch")
    if not parked or judged != (entered.newest.version, counts):
        return conflict("not-parked", f"Application {application} is not parked, or is being judged again.")
    return None

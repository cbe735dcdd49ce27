"""Commits an epoch of a round: everything the draw rests on, under one root, once the inputs are complete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import structlog

from services.selection.domain.commitment import Commitment, Entry, entries_digest, pledges_root
from services.selection.domain.completeness import Completeness, completeness
from services.selection.domain.epochs import MissingJudgementError, drawn_under, tickets_committed
from services.selection.domain.score import score
from services.selection.domain.tickets import ticket_grounds, tickets
from services.selection.storage import current_inputs, drawn, rounds
from services.selection.storage.current_inputs import Current, JudgedVersion
from services.selection.storage.drawn import DrawnEntry
from services.selection.storage.rounds import KnownRound
from shared.clock import not_before
from shared.contracts import topics
from shared.contracts.events import InputsCommitted
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Policy
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.programme.panel import PanelMark, marks_root
from shared.service.postgres import Connection

_log = structlog.get_logger()


async def inputs_of(connection: Connection, known: KnownRound, verdicts: Sequence[Current]) -> Completeness:
    """What is still missing from the current inputs, compared with what was judged and frozen. Raises LookupError."""
    if known.verdicts is None:
        raise LookupError(f"round {known.round} is not judged")
    return completeness(
        verdicts,
        known.verdicts,
        await current_inputs.request_leaves(connection, known.round),
        known.requests,
        await current_inputs.without_facts(connection, known.round),
    )


async def commit(
    connection: Connection, known: KnownRound, verdicts: Sequence[Current], now: datetime
) -> list[Outgoing]:
    """Commits complete inputs.

    If this service published a commitment of the epoch before, it repeats that or nothing.
    """
    if known.policy is None or known.verdicts is None or known.judged_root != known.applications.root:
        return []
    entries = await _entries(connection, known, known.policy, verdicts)
    if entries is None:
        return []  # a repair deleted a row meanwhile
    pledges = known.pledges
    if pledges is None:
        pledges = await current_inputs.pledges(connection, known.round)
    commitment = Commitment(
        round=known.round,
        epoch=known.epoch,
        applications_root=known.applications.root,
        requests_root=known.requests.root,
        verdicts_root=known.verdicts.root,
        entries_root=entries_digest(each.entry for each in entries).root,
        pledges_root=pledges_root(pledges),
        policy_hash=known.policy_hash,
    )
    published = await rounds.published(connection, known.round, known.epoch, InputsCommitted)
    if published is not None and published.commitment_root != commitment.root:
        _log.error("refused to commit: published another root before", round=known.round, epoch=known.epoch)
        return []
    completed = await rounds.last_moment(connection, known.round, "EligibilityCompleted", "completed_at", known.epoch)
    closed = await rounds.last_moment(connection, known.round, "ScoresClosed", "closed_at", known.epoch)
    seed_epoch = min([known.epoch, *await rounds.committed_epochs(connection, known.round)])
    event = InputsCommitted(
        round=known.round,
        epoch=known.epoch,
        applications_root=commitment.applications_root,
        requests_root=commitment.requests_root,
        verdicts_root=commitment.verdicts_root,
        entries_root=commitment.entries_root,
        pledges_root=commitment.pledges_root,
        policy_hash=commitment.policy_hash,
        commitment_root=commitment.root,
        entries=len(entries),
        committed_at=published.committed_at if published is not None else not_before(now, completed, closed),
        seed_epoch=seed_epoch,
        supplementary=sum(each.drawn_under == known.epoch for each in entries) if known.epoch > seed_epoch else 0,
    )
    if not await drawn.save_commitment(connection, event, pledges, seed_epoch, entries):
        return []
    _log.info("committed inputs", round=known.round, epoch=known.epoch, commitment_root=commitment.root)
    identifier = event_id("inputs-committed", known.round, known.epoch)
    return [outgoing(topics.MILESTONES.name, known.round, event, event_id=identifier, time=event.committed_at)]


async def _entries(
    connection: Connection, known: KnownRound, policy: Policy, verdicts: Sequence[Current]
) -> list[DrawnEntry] | None:
    """The entries to commit; None if any judged application is missing."""
    state, panel = await panel_marks(connection, known)
    if state is not MarksState.CLOSED:
        return None
    marks: dict[str, list[PanelMark]] = {}
    for mark in panel:
        marks.setdefault(mark.application, []).append(mark)
    committed = sorted({known.epoch, *await rounds.committed_epochs(connection, known.round)})
    admitted = await rounds.admitted(connection, known.round)
    before = await current_inputs.judged_before(
        connection, [verdict for verdict in verdicts if verdict.epoch > committed[0]]
    )
    entries = []
    async for each in current_inputs.judged(connection, known.round):
        first = drawn_under(admitted.get(each.application, 1), committed)
        points = marks.get(each.application, [])
        try:
            entry = entry_of(each, policy, points, before.get(each.application, {}), first, committed)
        except MissingJudgementError as error:
            _log.error("refused to commit", round=known.round, application=each.application, error=str(error))
            return None
        entries.append(DrawnEntry(entry, each.version, first))
    return entries if len(entries) == len(verdicts) else None


class MarksState(StrEnum):
    """The state of a panel's marks; only CLOSED lets a round be committed."""

    CLOSED = "closed"
    """All marks are closed and stored, or the policy asks for none."""
    OPEN = "open"
    DIFFERENT = "different"
    """Closed, but the stored marks differ from the closed ones."""


async def panel_marks(connection: Connection, known: KnownRound) -> tuple[MarksState, Sequence[PanelMark]]:
    """The state of the marks, and the marks if closed. Cheap, since it is polled while a panel works for weeks."""
    policy = known.policy
    if policy is None or policy.scoring is None or not policy.scoring.panel_points:
        return MarksState.CLOSED, ()
    closed = await current_inputs.closed_marks_root(connection, known.round)
    if closed is None:
        return MarksState.OPEN, ()
    marks = await current_inputs.marks(connection, known.round)
    return (MarksState.CLOSED if marks_root(marks) == closed else MarksState.DIFFERENT), marks


def entry_of(
    judged: JudgedVersion,
    policy: Policy,
    marks: Sequence[PanelMark],
    before: Mapping[int, JudgedVersion],
    first: int,
    committed: Sequence[int],
) -> Entry:
    """The entry to commit. Ineligible applications have tickets too, but are not in the draw.

    `before`: judgements of earlier epochs; `first` and `committed`: see `domain.epochs`. Raises MissingJudgementError.
    """
    by_epoch = {
        each.epoch: tickets(ticket_grounds(each.findings, each.record), policy)
        for each in (*before.values(), judged)
        if each.outcome is not VerdictOutcome.PARKED
    }
    count = tickets_committed(by_epoch, first, committed)
    points = None
    if policy.scoring is not None and judged.outcome is VerdictOutcome.ELIGIBLE:
        points = score(marks, judged.record, policy.scoring)
    return Entry(judged.application, judged.outcome, count, points)

"""Proposes an epoch's result: draws and matches once every source value is known."""

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog

from services.selection.domain.commitment import unlike
from services.selection.domain.draw import seed_of
from services.selection.domain.evidence import shown_leaf
from services.selection.domain.matching import Result
from services.selection.domain.offers import Offer
from services.selection.domain.proposal import Proposal, root_of_leaves
from services.selection.domain.proposal import propose as propose_selection
from services.selection.storage import drawn, evidence, releases, results, rounds
from services.selection.storage.rounds import KnownRound
from services.selection.usecases.repairs import drop_altered_facts
from shared.clock import not_before
from shared.contracts import topics
from shared.contracts.events import SelectionProposed
from shared.kafka.cloudevents import Outgoing, event_id, outgoing
from shared.programme.certificates import AcceptedKinds
from shared.proof.merkle import GrowingTree
from shared.service.postgres import Connection

_log = structlog.get_logger()


async def propose(
    connection: Connection, known: KnownRound, commitment: Mapping[str, Any], now: datetime
) -> list[Outgoing]:
    """Draws and matches, in a thread. Call it after `missing_inputs` returned an empty list.

    If this service published a proposal of the epoch before, it repeats that or nothing.
    """
    epoch, policy = commitment["epoch"], known.policy
    if policy is None:
        return []
    drawn_entries = await drawn.entries(connection, known.round, epoch)
    accepted = AcceptedKinds.compile(policy.as_of, policy.certificates)
    named = await drawn.offers(connection, known.round, epoch, accepted)
    pledges, requests = await drawn.committed(connection, known.round, epoch)
    before = await releases.freed_before(connection, known.round, epoch)
    demands = [each for each in drawn.demands_of(requests) if each.request not in before.cancelled]
    seeds = await _seeds(connection, known.round)
    seed = seeds[commitment.get("seed_epoch") or epoch]
    others = {
        each.entry.application: seeds[each.drawn_under] for each in drawn_entries if seeds[each.drawn_under] != seed
    }
    offers = {application: item.offer for application, item in named.items()}
    entries = [each.entry for each in drawn_entries]
    with collection_paused():
        proposal = await asyncio.to_thread(
            propose_selection, policy, seed, entries, offers, demands, pledges, others, before.leaving
        )
    shown_root = await _shown_root(connection, known.round, epoch, requests, offers, proposal)
    published = await rounds.published(connection, known.round, epoch, SelectionProposed)
    roots = published and (published.selection_root, published.shown_root or shown_root)
    if published is not None and roots != (proposal.selection_root, shown_root):
        _log.error("refused to propose: published another root before", round=known.round, epoch=epoch)
        return []
    committed_at = datetime.fromisoformat(commitment["committed_at"])
    recorded = await rounds.last_moment(connection, known.round, "SourceValueRecorded", "recorded_at", epoch)
    event = SelectionProposed(
        round=known.round,
        epoch=epoch,
        commitment_root=commitment["commitment_root"],
        seed=seed,
        selection_root=proposal.selection_root,
        selected=proposal.count(Result.SELECTED),
        reserve=proposal.count(Result.RESERVE),
        not_selected=proposal.count(Result.NOT_SELECTED),
        proposed_at=published.proposed_at if published is not None else not_before(now, committed_at, recorded),
        shown_root=published.shown_root if published is not None else shown_root,
    )
    counts = {entry.application: entry.tickets for entry in entries}
    body = event.model_dump(mode="json")
    if not await results.save_proposal(connection, known.round, epoch, body, proposal, named, counts):
        return []
    _log.info("proposed selection", round=known.round, epoch=epoch, selection_root=proposal.selection_root)
    identifier = event_id("selection-proposed", known.round, epoch)
    return [outgoing(topics.MILESTONES.name, known.round, event, event_id=identifier, time=event.proposed_at)]


async def _shown_root(
    connection: Connection,
    round_id: str,
    epoch: int,
    requests: Sequence[Mapping[str, Any]],
    offers: Mapping[str, Offer],
    proposal: Proposal,
) -> str:
    """The root over what the evidence of this proposal will show. Raises LookupError if rows are missing."""
    tree = GrowingTree()
    for record, _ in evidence.requests(requests):
        tree.add(shown_leaf(record))
    selected = {line.placement.application for line in proposal.lines if line.placement.awards}
    async for record in evidence.shown_entries(connection, round_id, epoch, offers, selected):
        tree.add(shown_leaf(record))
    if tree.size != len(requests) + len(proposal.lines):
        raise LookupError(f"the evidence of round {round_id} would have {tree.size} requests and entries")
    return tree.root.hex()


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pauses garbage collection: a proposal makes millions of objects and drops none, so collecting doubles its
    time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def missing_inputs(connection: Connection, known: KnownRound, commitment: Mapping[str, Any]) -> list[str] | None:
    """Applications whose committed facts are missing; empty if everything is stored as committed.

    None if the commitment itself was altered: it is deleted then, and made again.
    """
    epoch = commitment["epoch"]
    entries = await drawn.entries(connection, known.round, epoch)
    pledges, requests = await drawn.committed(connection, known.round, epoch)
    wrong = await asyncio.to_thread(unlike, commitment, [each.entry for each in entries], pledges, requests)
    if wrong:
        await drawn.drop_commitment(connection, known.round, epoch)
        _log.error("deleted altered commitment", round=known.round, epoch=epoch, parts=wrong)
        return None
    await drop_altered_facts(connection, known, [(each.entry.application, each.version) for each in entries])
    return await drawn.entries_without_facts(connection, known.round, epoch)


async def lines_sound(connection: Connection, round_id: str, epoch: int, root: str) -> bool:
    """True if the lines to publish give the confirmed root. An altered proposal is deleted, and made again only if it
    gives the root that was published."""
    leaves = await results.leaves(connection, round_id, epoch)
    if await asyncio.to_thread(root_of_leaves, leaves) == root:
        return True
    await results.drop_proposal(connection, round_id, epoch)
    await releases.drop(connection, round_id, epoch)
    _log.error("deleted altered proposal", round=round_id, epoch=epoch)
    return False


async def _seeds(connection: Connection, round_id: str) -> dict[int, str]:
    """Known seeds, by commitment epoch: one for the round, and more for applications admitted later."""
    roots = {body["epoch"]: body["commitment_root"] for body in await drawn.commitments(connection, round_id)}
    values = await rounds.source_values(connection, round_id)
    return {epoch: seed_of(roots[epoch], value) for epoch, value in values.items() if epoch in roots}

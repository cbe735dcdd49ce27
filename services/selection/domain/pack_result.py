"""The result part of a pack: the product's result and draw, and the batch that changed its awards since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from services.selection.domain.draw import seed_of
from services.selection.domain.leaves import award_leaves

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An application's line of a result. `line` counts from 1, in the order of the selection root's leaves."""

    application: str
    line: int
    result: str
    reason: str | None
    position: int | None
    reserve_position: int | None
    key: str | None
    awards: Sequence[Json]

    def leaf(self) -> tuple[Any, ...]:
        """The leaf, as `Proposed.leaf` makes it."""
        return self.application, self.result, self.position, self.key, award_leaves(self.awards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An application's line in the newest confirmed batch that moved it. `line` counts from 1, in the order of the
    leaves of the batch's root."""

    application: str
    batch: int
    line: int
    result: str
    reason: str | None
    awards: Sequence[Json]

    def leaf(self) -> tuple[Any, ...]:
        """The leaf, as `Moved.leaf` makes it."""
        return self.application, self.result, self.reason, award_leaves(self.awards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The published events of a batch. `confirmed`: its own confirmation, a later batch's, or the selection's."""

    opened: Json
    proposed: Json
    confirmed: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The newer result that replaces this one. `placed` is None if the application is no longer in its set."""

    epoch: int
    selection_root: str
    confirmed_at: str
    placed: Placed | None


def as_it_stands(placed: Placed, released: Released | None) -> Placed:
    """The application's result after all confirmed batches."""
    if released is None:
        return placed
    return replace(placed, result=released.result, reason=released.reason, awards=released.awards)


def release_part(placed: Placed, batch: Batch | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The pack's part on the batch; None without one. `placed`: the result before any batch."""
    if batch is None:
        return None
    from_proposal = ("batch", "batch_root", "state_hash", "promoted", "changed", "withdrawn", "proposed_at")
    from_confirmation = ("actors", "reason", "confirmed_at", "batch", "batch_root")
    return {
        **{name: batch.proposed[name] for name in from_proposal},
        "opened": {name: batch.opened[name] for name in ("actors", "reason", "opened_at", "selection_root")},
        "confirmation": {name: batch.confirmed[name] for name in from_confirmation},
        "before": {"result": placed.result, "awards": [award_part(award, names) for award in placed.awards]},
    }


def result_part(
    placed: Placed, standing: int, proposed: Json, names: Mapping[str, str], status_until: str | None
) -> dict[str, Any]:
    """The pack's part on the result. `standing`: how many were in the draw. `names`: known institutions' names."""
    return {
        "result": placed.result,
        "position": placed.position,
        "standing": standing,
        "selected": proposed["selected"],
        "reserve": proposed["reserve"],
        "not_selected": proposed["not_selected"],
        "awards": [award_part(award, names) for award in placed.awards],
        "status_until": status_until,
        "selection_root": proposed["selection_root"],
        "proposed_at": proposed["proposed_at"],
    }


def award_part(award: Json, names: Mapping[str, str]) -> dict[str, Any]:
    """An award with its institution's name, if known."""
    return {
        "request": award["request"],
        "institution": award["institution"],
        "institution_name": names.get(award["institution"]),
        "quantity": award["quantity"],
        "amount_won": award["amount_won"],
    }


def draw_part(
    placed: Placed, tickets: int, commitment_root: str, value: Json, sources: Sequence[Json], lead_seconds: int
) -> dict[str, Any]:
    """The pack's part on the draw. `value`: the SourceValueRecorded under which the application drew."""
    seed = seed_of(commitment_root, value["value"])
    names = ("epoch", "source", "value", "due_at", "recorded_at", "beacon_round", "signature")
    return {
        "commitment_root": commitment_root,
        "lead_seconds": lead_seconds,
        "source": next((source for source in sources if source["source"] == value["source"]), None),
        "value": {name: value.get(name) for name in names},
        "seed": seed,
        "tickets": tickets,
        "ticket": winning_ticket(seed, placed.application, tickets, placed.key),
        "key": placed.key,
    }


def winning_ticket(seed: str, application: str, tickets: int, key: str | None) -> int | None:
    """The number of the ticket that gives its draw key; None if none does."""
    for number in range(1, tickets + 1):
        if sha256(f"{seed}:{application}:{number}".encode("ascii")).hexdigest() == key:
            return number
    return None


def superseded_part(superseded: Superseded | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The pack's part on the newer result; None without one."""
    if superseded is None:
        return None
    placed = superseded.placed
    return {
        "epoch": superseded.epoch,
        "selection_root": superseded.selection_root,
        "confirmed_at": superseded.confirmed_at,
        "result": placed.result if placed else None,
        "reason": placed.reason if placed else None,
        "position": placed.position if placed else None,
        "awards": [award_part(award, names) for award in placed.awards] if placed else [],
    }

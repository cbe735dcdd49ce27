"""A pack's result: what became of the product, by which seed, and the path from its leaf to the selection root; and the
batch that gave it other awards since, with the path to that one's root.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from services.selection.domain.draw import seed_of
from services.selection.domain.leaves import award_leaves

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What a result says of an application. `line` counts from 1 in the order of the selection root's leaves."""

    application: str
    line: int
    result: str
    reason: str | None
    position: int | None
    reserve_position: int | None
    key: str | None
    awards: Sequence[Json]

    def leaf(self) -> tuple[Any, ...]:
        """As `Proposed.leaf` makes it."""
        return self.application, self.result, self.position, self.key, award_leaves(self.awards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What the newest confirmed batch that moved an application made of it. `line` counts from 1 in the order of the
    leaves of that batch's root."""

    application: str
    batch: int
    line: int
    result: str
    reason: str | None
    awards: Sequence[Json]

    def leaf(self) -> tuple[Any, ...]:
        """As `Moved.leaf` makes it."""
        return self.application, self.result, self.reason, award_leaves(self.awards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was published of the batch; `confirmed` is its own confirmation, that of a later one, or the selection's."""

    opened: Json
    proposed: Json
    confirmed: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The newer result that stands instead. `placed` is None where the application is not in its set any more."""

    epoch: int
    selection_root: str
    confirmed_at: str
    placed: Placed | None


def as_it_stands(placed: Placed, released: Released | None) -> Placed:
    """After the batches so far."""
    if released is None:
        return placed
    return replace(placed, result=released.result, reason=released.reason, awards=released.awards)


def release_part(placed: Placed, batch: Batch | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """`placed`: as the selection had it, before any batch."""
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
    """`standing`: how many stood in the draw. `names`: of institutions, as far as they are known."""
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
    """`value`: the SourceValueRecorded under which it drew, of the commitment of that root."""
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
    """Which of its tickets is the least, by which it stands."""
    for number in range(1, tickets + 1):
        if sha256(f"{seed}:{application}:{number}".encode("ascii")).hexdigest() == key:
            return number
    return None


def superseded_part(superseded: Superseded | None, names: Mapping[str, str]) -> dict[str, Any] | None:
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

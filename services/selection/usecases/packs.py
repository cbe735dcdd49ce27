"""Makes a product's pack from one snapshot of the database. It is not stored; it is the same at every request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.selection.adapters.document.typesetting import pdf_of
from services.selection.domain.pack_result import Placed, Released, Superseded, as_it_stands
from services.selection.domain.packs import PackInputs, RoundEvents, batch_of, pack_of, round_events_of, signed_pack
from services.selection.domain.status import status_until
from services.selection.storage import evidence, institutions, packs, rounds, timestamps
from services.selection.usecases.inclusion import PublishedRoots, proofs_of
from shared.contracts.events import Language
from shared.contracts.policy import Policy
from shared.proof.canonical import canonical_json
from shared.proof.signing import Signer
from shared.service.keys import SigningKey
from shared.service.postgres import Connection, Pool, connected
from shared.service.runtime import Runtime

PACKED_AT_ONCE: Final = 2
WAITED_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class NoPack:
    """Why there is no pack."""

    code: str
    detail: str


_NOT_READ_BACK: Final = NoPack("not-read-back", "The round's events are still being read: ask again.")


async def packed(
    pool: Pool, signer: Signer, roots: PublishedRoots, round_id: str, application: str, epoch: int | None
) -> bytes | NoPack:
    """The pack in canonical JSON, of the newest confirmed result unless `epoch` is given; or why there is none.

    Raises UnprovenError.
    """
    async with connected(pool) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        known = await rounds.known(connection, round_id)
        if known is None or known.policy is None:
            return NoPack("not-frozen", f"No frozen round {round_id} is known here.")
        confirmed = await _confirmed(connection, round_id)
        if isinstance(confirmed, NoPack):
            return confirmed
        number = epoch or confirmed[-1]
        if number not in confirmed:
            listed = ", ".join(map(str, confirmed))
            return NoPack("unknown-epoch", f"Epochs of round {round_id} with a confirmed result: {listed}.")
        placed = await packs.placed(connection, round_id, number, application)
        released = await packs.released(connection, round_id, number, application)
        if placed is None or not as_it_stands(placed, released).awards:
            earlier = [epoch for epoch in confirmed if epoch < number]
            return await _not_selected(connection, round_id, number, application, earlier, placed, released)
        events = await evidence.published_events(connection, round_id)
        batch = batch_of(events, number, released.batch) if released else None
        published, newest = round_events_of(events, number), round_events_of(events, confirmed[-1])
        committed = await packs.committed(connection, round_id, number, application)
        if published is None or newest is None or committed is None or not published.tell_of(committed.drawn_under):
            return _NOT_READ_BACK
        if released is not None and batch is None:
            return _NOT_READ_BACK
        superseded = await _superseded(connection, newest, application) if number != confirmed[-1] else None
        later = superseded.placed.awards if superseded and superseded.placed else ()
        made = PackInputs(
            committed=committed,
            placed=placed,
            published=published,
            proofs=await proofs_of(connection, roots, committed, placed, published, released, batch),
            standing=await packs.standing(connection, round_id, number),
            status_until=_status_until(known.policy, published),
            superseded=superseded,
            stamps={root: stamp.stated() for root, stamp in (await timestamps.of_round(connection, round_id)).items()},
            institutions=await institutions.names(
                connection,
                (award["institution"] for award in (*placed.awards, *(released.awards if released else ()), *later)),
            ),
            released=released,
            batch=batch,
        )
    return canonical_json(signed_pack(pack_of(made), signer))


async def _confirmed(connection: Connection, round_id: str) -> list[int] | NoPack:
    """The epochs with a confirmed result, oldest first."""
    if await packs.is_void(connection, round_id):
        return NoPack("round-void", f"Round {round_id} was voided: nothing is bought on it.")
    proposed = await evidence.proposed_epochs(connection, round_id)
    confirmed = sorted(number for number, is_confirmed in proposed.items() if is_confirmed)
    return confirmed or NoPack("not-confirmed", "There is a pack once two officers have confirmed the result.")


async def _superseded(connection: Connection, newest: RoundEvents, application: str) -> Superseded:
    epoch, round_id = newest.proposed["epoch"], newest.proposed["round"]
    placed = await packs.placed(connection, round_id, epoch, application)
    released = await packs.released(connection, round_id, epoch, application)
    return Superseded(
        epoch=epoch,
        selection_root=newest.proposed["selection_root"],
        confirmed_at=newest.confirmed["confirmed_at"],
        placed=as_it_stands(placed, released) if placed else None,
    )


async def _not_selected(
    connection: Connection,
    round_id: str,
    epoch: int,
    application: str,
    earlier: Sequence[int],
    placed: Placed | None,
    released: Released | None,
) -> NoPack:
    """Why the application has no pack. `earlier`: earlier epochs with a confirmed result."""
    if placed is not None and placed.awards and released is not None:
        why = f"batch {released.batch} of what was set free took its place ({released.reason or 'request-cancelled'})"
        return NoPack("selected-no-more", f"It was selected in epoch {epoch}, and {why}: do not contract it.")
    for number in reversed(earlier):
        before = await packs.placed(connection, round_id, number, application)
        if before is not None and before.awards:
            detail = (
                f"It was selected in epoch {number}, and is not in epoch {epoch}, which stands: do not contract it."
            )
            return NoPack("selected-no-more", f"{detail} ?epoch={number} shows what was confirmed then.")
    if placed is None:
        return NoPack("unknown-application", f"Round {round_id} has no application of this id in epoch {epoch}.")
    why = f"in reserve, at {placed.reserve_position}" if placed.reserve_position else f"not selected: {placed.reason}"
    return NoPack("not-selected", f"A pack is of a selected product; this one is {why}.")


def _status_until(policy: Policy, published: RoundEvents) -> str | None:
    until = status_until(policy, datetime.fromisoformat(published.confirmed["confirmed_at"]))
    return until.astimezone(UTC).isoformat().replace("+00:00", "Z") if until else None


class Packing:
    """Makes packs on request, PACKED_AT_ONCE at a time: a pack holds a connection, and its PDF a processor."""

    def __init__(self, runtime: Runtime, signing: SigningKey) -> None:
        self._runtime = runtime
        self._signing = signing
        self._roots = PublishedRoots()
        self._at_once = asyncio.Semaphore(PACKED_AT_ONCE)

    async def pack(self, round_id: str, application: str, epoch: int | None) -> bytes | NoPack:
        """See `packed`. Raises UnprovenError; TimeoutError after waiting WAITED_SECONDS for other packs."""
        pool = self._runtime.pool
        signer = await self._signing.signer(pool)
        async with self._slot():
            return await packed(pool, signer, self._roots, round_id, application, epoch)

    async def pdf(self, pack: bytes, language: Language) -> bytes:
        """The pack as a PDF. Raises TimeoutError, as above."""
        async with self._slot():
            return await asyncio.to_thread(pdf_of, pack, language)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        async with asyncio.timeout(WAITED_SECONDS):
            await self._at_once.acquire()
        try:
            yield
        finally:
            self._at_once.release()

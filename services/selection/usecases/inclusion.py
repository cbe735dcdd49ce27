"""Inclusion proofs of packs: paths from an application's leaves to the published roots.

Where only a root was published, the roots beneath it are computed from all leaves of the round: once, in parts, in
threads. After that, a proof reads only the application's own part.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from services.selection.domain.pack_result import Batch, Placed, Released
from services.selection.domain.packs import Committed, Leaf, Proofs, RoundEvents
from services.selection.storage import packs
from services.selection.storage.packs import LINES_OF_A_PART
from shared.proof.canonical import canonical_json
from shared.proof.inclusion import InclusionProof, TreeProof, inclusion_proof
from shared.proof.merkle import (
    BUCKETS,
    GrowingTree,
    bucket_of,
    inclusion_path,
    merkle_root,
    path_of_hashes,
    root_of_hashes,
)
from shared.service.postgres import Connection

_KEPT: Final = 128


class UnprovenError(LookupError):
    """The stored rows do not give the published root: nothing can be proved until they are repaired."""

    code = "unproven"


class PublishedRoots:
    """A cache of the roots beneath published roots: of each bucket of entries, and of each part of a result's lines.
    They are computed once, and one at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, ...]] = {}
        self._one = asyncio.Lock()

    async def of_entries(self, connection: Connection, commitment: Mapping[str, Any]) -> tuple[bytes, ...]:
        """The roots of the entries' buckets. Raises UnprovenError."""

        async def computed() -> tuple[bytes, ...]:
            trees = [GrowingTree() for _ in range(BUCKETS)]

            def add(leaves: Sequence[Leaf]) -> None:
                for leaf in leaves:
                    trees[bucket_of(leaf[0])].add(canonical_json(leaf))

            async for leaves in packs.entries(connection, commitment["round"], commitment["epoch"]):
                await asyncio.to_thread(add, leaves)
            roots = tuple(tree.root for tree in trees)
            if merkle_root(roots).hex() != commitment["entries_root"]:
                raise UnprovenError(f"entries of round {commitment['round']}, epoch {commitment['epoch']}")
            return roots

        return await self._once(commitment["entries_root"], computed)

    async def of_results(self, connection: Connection, proposed: Mapping[str, Any]) -> tuple[bytes, ...]:
        """The roots of the result's parts. Raises UnprovenError."""

        async def computed() -> tuple[bytes, ...]:
            parts = packs.result_leaves(connection, proposed["round"], proposed["epoch"])
            roots = tuple([await asyncio.to_thread(_root_of, leaves) async for leaves in parts])
            if root_of_hashes(roots).hex() != proposed["selection_root"]:
                raise UnprovenError(f"results of round {proposed['round']}, epoch {proposed['epoch']}")
            return roots

        return await self._once(proposed["selection_root"], computed)

    async def _once(self, root: str, compute: Callable[[], Awaitable[tuple[bytes, ...]]]) -> tuple[bytes, ...]:
        async with self._one:
            if root not in self._kept:
                while len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[root] = await compute()
            return self._kept[root]


def _root_of(leaves: Sequence[Leaf]) -> bytes:
    return merkle_root(map(canonical_json, leaves))


async def proofs_of(
    connection: Connection,
    roots: PublishedRoots,
    committed: Committed,
    placed: Placed,
    published: RoundEvents,
    released: Released | None,
    batch: Batch | None,
) -> Proofs:
    """All proofs of a pack. Raises UnprovenError."""
    proposed = published.proposed
    epoch = proposed["epoch"]
    bucket = await packs.bucket(connection, proposed["round"], epoch, committed.application)
    entry_roots = await roots.of_entries(connection, published.committed[epoch])

    def proven(leaves: Sequence[Leaf], bucket_roots: Sequence[str]) -> InclusionProof:
        proof = inclusion_proof(committed.application, leaves, bucket_roots)
        if proof is None:
            raise UnprovenError(f"application {committed.application}, epoch {epoch}")
        return proof

    return Proofs(
        application=proven([each.application_leaf for each in bucket], published.manifest["roots"]),
        verdict=proven([each.verdict_leaf for each in bucket], published.completed["verdicts"]["roots"]),
        entry=proven([each.entry_leaf for each in bucket], [root.hex() for root in entry_roots]),
        result=await _result_proof(connection, await roots.of_results(connection, proposed), placed, proposed),
        release=await _release_proof(connection, released, batch.proposed) if released and batch else None,
    )


async def _release_proof(connection: Connection, released: Released, proposed: Mapping[str, Any]) -> TreeProof:
    """The proof in a batch, from all its lines: batches are small."""
    lines = await packs.batch(connection, proposed["round"], proposed["epoch"], released.batch)
    leaves = [canonical_json(line.leaf()) for line in lines]
    if merkle_root(leaves).hex() != proposed["batch_root"]:
        raise UnprovenError(f"batch {released.batch} of round {proposed['round']}, epoch {proposed['epoch']}")
    index = released.line - 1
    path = tuple(node.hex() for node in inclusion_path(leaves, index))
    return TreeProof(released.leaf(), index, len(leaves), path, proposed["batch_root"])


async def _result_proof(
    connection: Connection, parts: Sequence[bytes], placed: Placed, proposed: Mapping[str, Any]
) -> TreeProof:
    round_id, epoch, index = proposed["round"], proposed["epoch"], placed.line - 1
    part, within = divmod(index, LINES_OF_A_PART)
    leaves = [canonical_json(leaf) for leaf in await packs.result_part(connection, round_id, epoch, part)]
    if not leaves or merkle_root(leaves) != parts[part] or leaves[within] != canonical_json(placed.leaf()):
        raise UnprovenError(f"results of round {round_id}, epoch {epoch}, from line {part * LINES_OF_A_PART + 1}")
    path = [*inclusion_path(leaves, within), *path_of_hashes(parts, part)]
    size = await packs.size(connection, round_id, epoch)
    return TreeProof(placed.leaf(), index, size, tuple(node.hex() for node in path), proposed["selection_root"])

"""Merkle trees (RFC 9162 §2.1), and the bucketed digests of sets that manifests state."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.proof.canonical import canonical_json

BUCKETS = 256
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 of 0x00 and the leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_hashes(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes. Pairing nodes level by level and moving an odd last node up gives the tree of RFC
    9162, because its left part is always the largest power of two."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves."""
    return root_of_hashes([leaf_hash(leaf) for leaf in leaves])


class GrowingTree:
    """The root over leaves added one by one, in memory logarithmic in their number."""

    __slots__ = ("_whole", "size")

    def __init__(self) -> None:
        self._whole: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        """Appends a leaf."""
        height, node = 0, leaf_hash(leaf)
        while self._whole and self._whole[-1][0] == height:
            node = node_hash(self._whole.pop()[1], node)
            height += 1
        self._whole.append((height, node))
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root of all leaves so far."""
        if not self._whole:
            return EMPTY_ROOT
        *lefts, (_, node) = self._whole
        for _, left in reversed(lefts):
            node = node_hash(left, node)
        return node


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of RFC 9162 §2.1.3.1 for the leaf at `index`, nearest sibling first."""
    return path_of_hashes([leaf_hash(leaf) for leaf in leaves], index)


def path_of_hashes(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The same over leaf hashes, or over roots of parts that all have one power of two leaves but the last."""
    level = list(hashes)
    path: list[bytes] = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level, index = paired, index // 2
    return path


def bucket_of(identifier: str) -> int:
    """The bucket of an id: the first byte of its SHA-256."""
    return hashlib.sha256(identifier.encode()).digest()[0]


@dataclass(frozen=True, slots=True)
class Digest:
    """A set's counts and roots by bucket, and the root over all."""

    counts: tuple[int, ...]
    roots: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(self.counts)

    @property
    def root(self) -> str:
        """The root over the roots of all buckets."""
        return merkle_root(bytes.fromhex(root) for root in self.roots).hex()

    def differing(self, other: "Digest") -> list[int]:
        """The buckets whose count or root differs."""
        return [
            bucket
            for bucket in range(BUCKETS)
            if (self.counts[bucket], self.roots[bucket]) != (other.counts[bucket], other.roots[bucket])
        ]


def digest_of(rows: Iterable[Sequence[Any]]) -> Digest:
    """The digest of rows whose first item is their id; leaves of a bucket are ordered by id."""
    buckets: list[list[tuple[str, bytes]]] = [[] for _ in range(BUCKETS)]
    for row in rows:
        identifier = row[0]
        buckets[bucket_of(identifier)].append((identifier, leaf_hash(canonical_json(list(row)))))
    roots = []
    for bucket in buckets:
        bucket.sort()
        roots.append(root_of_hashes([leaf for _, leaf in bucket]).hex())
    return Digest(tuple(len(bucket) for bucket in buckets), tuple(roots))


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path gives (RFC 9162 §2.1.3.2); None if the path does not fit the leaf's place."""
    if not 0 <= index < size:
        return None
    node, last, computed = index, size - 1, leaf_hash(leaf)
    for sibling in path:
        if last == 0:
            return None
        if node % 2 or node == last:
            computed = node_hash(sibling, computed)
            while node and not node % 2:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    return computed if last == 0 else None

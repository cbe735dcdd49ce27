"""Proofs that a row is in a set, against the set's published bucketed digest (`shared/proof/merkle.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.proof.canonical import canonical_json
from shared.proof.merkle import bucket_of, inclusion_path, merkle_root


@dataclass(frozen=True, slots=True)
class TreeProof:
    """One audit path (RFC 9162): from the leaf, number `index` of `count` from 0, to the root."""

    leaf: tuple[Any, ...]
    index: int
    count: int
    path: tuple[str, ...]
    root: str


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Two audit paths (RFC 9162): from the leaf to its bucket's root, and from there to the root of all buckets."""

    leaf: tuple[Any, ...]
    """Its first item is the id."""
    bucket: int
    index: int
    count: int
    bucket_path: tuple[str, ...]
    bucket_root: str
    manifest_path: tuple[str, ...]
    manifest_root: str


def inclusion_proof(identifier: str, rows: Sequence[tuple[Any, ...]], roots: Sequence[str]) -> InclusionProof | None:
    """The proof for `identifier`. `rows`: its bucket, in order of id; `roots`: the published roots of all buckets.

    None if it is not among the rows, or if the rows do not give the published root.
    """
    bucket = bucket_of(identifier)
    leaves = [canonical_json(list(row)) for row in rows]
    index = next((at for at, row in enumerate(rows) if row[0] == identifier), None)
    if index is None or merkle_root(leaves).hex() != roots[bucket]:
        return None
    above = [bytes.fromhex(root) for root in roots]
    return InclusionProof(
        leaf=rows[index],
        bucket=bucket,
        index=index,
        count=len(rows),
        bucket_path=tuple(node.hex() for node in inclusion_path(leaves, index)),
        bucket_root=roots[bucket],
        manifest_path=tuple(node.hex() for node in inclusion_path(above, bucket)),
        manifest_root=merkle_root(above).hex(),
    )

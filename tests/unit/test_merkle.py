"""The tree of RFC 9162 by the vectors of Certificate Transparency, proofs by the RFC's own verifier, digests."""

import hashlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.proof.canonical import canonical_json
from shared.proof.merkle import (
    BUCKETS,
    EMPTY_ROOT,
    bucket_of,
    digest_of,
    inclusion_path,
    leaf_hash,
    merkle_root,
    node_hash,
    path_of_hashes,
    root_of_hashes,
)

CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = st.lists(st.binary(max_size=8), max_size=70)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert merkle_root(CT_LEAVES[:size]).hex() == CT_ROOTS[size]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT == merkle_root([])


def rfc_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word for word: split at the largest power of two smaller than n."""
    if len(leaves) < 2:
        return leaf_hash(leaves[0]) if leaves else hashlib.sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(rfc_root(leaves[:split]), rfc_root(leaves[split:]))


@given(LEAVES)
def test_level_by_level_gives_the_tree_the_rfc_defines(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == rfc_root(leaves)


def verified_root(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162 §2.1.3.2: the root an inclusion proof leads to."""
    node, last, computed = index, size - 1, leaf_hash(leaf)
    for sibling in path:
        assert last > 0, "the proof is too long"
        if node % 2 or node == last:
            computed = node_hash(sibling, computed)
            while not (node % 2 or node == 0):
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    assert last == 0, "the proof is too short"
    return computed


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70), st.data())
def test_an_inclusion_path_leads_to_the_root_and_another_leaf_does_not(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = inclusion_path(leaves, index)
    assert verified_root(leaves[index], index, len(leaves), path) == merkle_root(leaves)
    assert verified_root(leaves[index] + b"!", index, len(leaves), path) != merkle_root(leaves)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70), st.sampled_from([1, 2, 8, 32]), st.data())
def test_a_path_is_one_within_its_part_and_one_over_the_parts(
    leaves: list[bytes], size: int, data: st.DataObject
) -> None:
    parts = [leaves[start : start + size] for start in range(0, len(leaves), size)]
    roots = [merkle_root(part) for part in parts]
    index = data.draw(st.integers(0, len(leaves) - 1))
    within = inclusion_path(parts[index // size], index % size)
    assert root_of_hashes(roots) == merkle_root(leaves)
    assert within + path_of_hashes(roots, index // size) == inclusion_path(leaves, index)


def test_a_path_of_certificate_transparency() -> None:
    assert [node.hex() for node in inclusion_path(CT_LEAVES, 0)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


ROWS = st.lists(st.tuples(st.uuids().map(str), st.integers(1, 9)), unique_by=lambda row: row[0], max_size=40)


@given(ROWS, st.randoms(use_true_random=False))
def test_a_digest_does_not_depend_on_the_order_of_its_rows(rows: list[tuple[str, int]], random: Random) -> None:
    shuffled = random.sample(rows, len(rows))
    assert digest_of(shuffled) == digest_of(rows)
    assert digest_of(rows).count == len(rows)


@given(ROWS.filter(bool))
def test_one_other_row_changes_its_bucket_and_the_root_only(rows: list[tuple[str, int]]) -> None:
    one = digest_of(rows)
    other = digest_of([(rows[0][0], rows[0][1] + 1), *rows[1:]])
    assert one.differing(other) == [bucket_of(rows[0][0])]
    assert one.root != other.root


def test_a_digest_is_a_tree_of_256_trees() -> None:
    row = ["19b6e8a4-90c3-4d57-a6f2-70d8c2e4f303", 1, "ab"]
    bucket = hashlib.sha256(str(row[0]).encode()).digest()[0]
    roots = [EMPTY_ROOT] * BUCKETS
    roots[bucket] = merkle_root([canonical_json(row)])
    assert digest_of([row]).root == merkle_root(roots).hex()

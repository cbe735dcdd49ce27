"""When sets are equal, what a list says can't stand, and when a list is believed."""

import hashlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.domain.completion import JudgedIn, VerdictLeaf, differing
from services.eligibility.domain.soundness import sound
from services.selection.domain.completeness import completeness
from shared.contracts.events import Manifest
from shared.proof.canonical import json_hash
from shared.proof.merkle import BUCKETS, bucket_of, digest_of
from shared.service.repairs import in_bucket, is_bucket_of, surplus

IDS = [str(uuid.UUID(int=number, version=4)) for number in range(40)]
LISTED = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


def manifest(rows: Any) -> Manifest:
    digest = digest_of(rows)
    return Manifest(count=digest.count, root=digest.root, counts=digest.counts, roots=digest.roots)


def leaf(identifier: str, version: int = 1, payload: str = "a") -> tuple[str, int, str]:
    return identifier, version, hashlib.sha256(payload.encode()).hexdigest()


def by_version(row: Any) -> tuple[int, ...]:
    return (row[1],)


@pytest.mark.parametrize(
    ("rows", "withdrawn", "dropped", "undone"),
    [
        ([leaf(LISTED, 2)], {}, [], []),
        ([leaf(LISTED, 1)], {}, [], []),
        ([leaf(LISTED, 3)], {}, [leaf(LISTED, 3)], []),
        ([leaf(LISTED, 2, "b")], {}, [leaf(LISTED, 2, "b")], []),
        ([leaf(LISTED, 1, "b"), leaf(LISTED, 2)], {}, [], []),
        ([], {}, [], []),
        ([leaf(OTHER)], {}, [leaf(OTHER)], []),
        ([leaf(OTHER, 1), leaf(OTHER, 2)], {}, [leaf(OTHER, 1), leaf(OTHER, 2)], []),
        ([leaf(OTHER)], {OTHER: 2}, [], []),
        ([leaf(LISTED, 2)], {LISTED: 3}, [], [LISTED]),
        ([leaf(LISTED, 2)], {LISTED: 1}, [], []),
    ],
    ids=[
        "what is listed stays",
        "an older version stays until the listed one comes",
        "a version after the listed one goes",
        "another hash at its place goes",
        "another hash of an older version decides nothing",
        "what is missing comes by itself",
        "an entry that isn't listed goes",
        "with all its versions",
        "one known to be withdrawn stays: it decides nothing",
        "a withdrawal of what stands is undone",
        "a withdrawal before what stands is history",
    ],
)
def test_a_list_drops_what_cannot_stand(rows: Any, withdrawn: Any, dropped: Any, undone: Any) -> None:
    over = surplus(rows, withdrawn, [leaf(LISTED, 2)], by_version)
    assert list(over.rows) == dropped
    assert list(over.withdrawals) == undone


Rows = dict[tuple[str, int], str]
VERSIONS = st.dictionaries(st.tuples(st.sampled_from(IDS), st.integers(1, 4)), st.sampled_from("ab"), max_size=30)
WITHDRAWALS = st.dictionaries(st.sampled_from(IDS), st.integers(1, 5), max_size=8)


def current(rows: Rows, withdrawn: dict[str, int]) -> list[tuple[str, int, str]]:
    newest: dict[str, int] = {}
    for identifier, version in rows:
        newest[identifier] = max(version, newest.get(identifier, 0))
    return [
        leaf(identifier, version, rows[identifier, version])
        for identifier, version in newest.items()
        if withdrawn.get(identifier, 0) <= version
    ]


@given(VERSIONS, WITHDRAWALS, VERSIONS, WITHDRAWALS)
def test_dropping_and_publishing_again_makes_any_set_the_owners(
    owned: Rows, owners: dict[str, int], held: Rows, helds: dict[str, int]
) -> None:
    """Whatever was deleted, added or changed: after the list, the owner's newest versions once more (new keys only, as
    consumers save them) and its withdrawals, nothing differs."""
    wanted = current(owned, owners)
    goal = manifest(wanted)
    rows = [leaf(identifier, version, payload) for (identifier, version), payload in held.items()]
    over = surplus(rows, helds, wanted, by_version)
    left = {key: payload for key, payload in held.items() if leaf(*key, payload) not in over.rows}
    kept = {identifier: version for identifier, version in helds.items() if identifier not in over.withdrawals}
    payloads = {(row[0], row[1]): owned[row[0], row[1]] for row in wanted}
    for key, payload in payloads.items():
        left.setdefault(key, payload)
    assert differing_rows(current(left, kept), goal) == []


def differing_rows(rows: list[tuple[str, int, str]], goal: Manifest) -> list[int]:
    return differing([VerdictLeaf(*row, 1, "eligible", "") for row in rows], goal, JudgedIn())


def test_a_list_is_believed_only_if_it_makes_the_root_that_is_wanted() -> None:
    rows = [leaf(identifier) for identifier in IDS]
    goal = manifest(rows)
    bucket = bucket_of(IDS[0])
    whole = in_bucket(rows, bucket)
    assert is_bucket_of(goal, bucket, whole)
    assert is_bucket_of(goal, bucket, reversed(whole)), "in whatever order"
    assert not is_bucket_of(goal, bucket, whole[1:]), "a leaf too few"
    assert not is_bucket_of(goal, bucket, [*whole, leaf(IDS[0], 2)]), "a leaf too many"
    assert not is_bucket_of(goal, bucket, [leaf(row[0], 1, "b") for row in whole]), "another hash"
    elsewhere = next(row for row in rows if bucket_of(row[0]) != bucket)
    assert not is_bucket_of(goal, bucket, [*whole, elsewhere]), "a leaf of another bucket"
    empty = next(number for number in range(BUCKETS) if not in_bucket(rows, number))
    assert is_bucket_of(goal, empty, [])


PUBLISHED = {
    "application": LISTED,
    "version": 1,
    "payload_hash": "a" * 64,
    "epoch": 1,
    "outcome": "ineligible",
    "as_of": "2018-09-14",
    "policy_hash": "c" * 64,
    "findings": [{"rule": "certificate", "outcome": "fail"}],
}
SAID = {name: PUBLISHED[name] for name in ("as_of", "findings", "policy_hash")}
HASH = json_hash(SAID)
STORED = VerdictLeaf(LISTED, 1, "a" * 64, 1, "ineligible", HASH)


def test_a_verdict_is_sound_if_it_is_what_was_published() -> None:
    assert sound(PUBLISHED | {"findings_hash": HASH}, STORED)


@pytest.mark.parametrize(
    ("published", "stored"),
    [
        ({"findings_hash": HASH}, STORED._replace(outcome="eligible")),
        ({"findings_hash": HASH}, STORED._replace(findings_hash="b" * 64)),
        ({"findings_hash": "b" * 64}, STORED._replace(findings_hash="b" * 64)),
        ({"findings_hash": HASH, "findings": []}, STORED),
    ],
    ids=["the outcome changed", "the hash changed", "the hash changed in both", "the findings changed"],
)
def test_a_verdict_that_was_altered_is_not_sound(published: Any, stored: Any) -> None:
    assert not sound(PUBLISHED | published, stored)


def test_selection_is_complete_only_with_equal_sets_and_all_facts() -> None:
    verdicts = [(*leaf(identifier), 1, "eligible", "f" * 64) for identifier in IDS[:3]]
    requests = [("kepco/r1", 1, "b" * 64)]
    judged, wanted = manifest(verdicts), manifest(requests)
    assert completeness(verdicts, judged, requests, wanted, ()).complete
    assert completeness(verdicts[1:], judged, requests, wanted, ()).verdicts == (bucket_of(IDS[0]),)
    altered = [(*verdicts[0][:4], "ineligible", "f" * 64), *verdicts[1:]]
    assert completeness(altered, judged, requests, wanted, ()).verdicts == (bucket_of(IDS[0]),), "outcomes included"
    assert completeness(verdicts, judged, [], wanted, ()).requests == (bucket_of("kepco/r1"),)
    without = completeness(verdicts, judged, requests, wanted, (IDS[1],))
    assert not without.complete
    assert without.applications == (bucket_of(IDS[1]),)

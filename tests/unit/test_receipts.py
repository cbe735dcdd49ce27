"""Signatures by the RFC's vector; a receipt and a proof in which anything was changed are found out, and where."""

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from firstbuy.verifying.findings import Findings
from firstbuy.verifying.receipts import examined_proof, examined_receipt
from services.intake.domain.receipts import receipt_of, signed
from shared.proof.inclusion import inclusion_proof
from shared.proof.merkle import bucket_of, digest_of, inclusion_path, merkle_root, root_of_path
from shared.proof.signing import ALGORITHM, PublicKey, Signer, UnusableKeyError, private_key, private_keys, verified
from tests.support.receipt import FACTS, ID, KEYS, RECEIPT, RFC_PRIVATE, SIGNER, STATED

RFC_PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
RFC_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_signatures_are_those_of_rfc_8032() -> None:
    key = Ed25519PrivateKey.from_private_bytes(RFC_PRIVATE)
    assert Signer(RFC_PRIVATE).key.public == RFC_PUBLIC
    assert key.sign(b"\x72").hex() == RFC_SIGNATURE


def test_a_key_file_is_hex_or_pem_and_nothing_else() -> None:
    pem = Ed25519PrivateKey.from_private_bytes(RFC_PRIVATE).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    assert private_key(RFC_PRIVATE.hex().encode() + b"\n") == private_key(pem) == RFC_PRIVATE
    for content in (b"", b"ab" * 31, RFC_PRIVATE, pem[:-40]):
        with pytest.raises(UnusableKeyError):
            private_key(content)
    other = bytes(32)
    both = (RFC_PRIVATE, other)
    assert private_keys(pem + other.hex().encode()) == (RFC_PRIVATE,), "one form in a file"
    assert private_keys(f"{RFC_PRIVATE.hex()}\n{other.hex()}\n".encode()) == both
    assert (
        private_keys(
            pem
            + Ed25519PrivateKey.from_private_bytes(other).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
        )
        == both
    )
    for content in (b"", pem[:-40], RFC_PRIVATE.hex().encode() + b" and"):
        with pytest.raises(UnusableKeyError):
            private_keys(content)


def test_a_signature_has_one_spelling() -> None:
    signature = SIGNER.sign({"a": 1})
    assert verified({"a": 1}, signature, RFC_PUBLIC)
    spelt = signature[:-1] + chr(ord(signature[-1]) + 1)  # the last character has four bits to spare
    for other in (spelt, signature + "=", signature + "\n", "", "é"):
        assert not verified({"a": 1}, other, RFC_PUBLIC)
    assert not verified({"a": 1}, signature, "00" * 32)


def test_a_receipt_s_signature_covers_every_field() -> None:
    found = examined_receipt(RECEIPT, KEYS, {"facts": FACTS})
    assert found.differs == []
    assert len(found.checked) == 3
    for name in set(RECEIPT) - {"token", "key_id", "signature"}:
        changed = RECEIPT | {name: 2 if name == "version" else "another"}
        assert any("signature" in line for line in examined_receipt(changed, KEYS).differs), name
        assert examined_receipt({key: value for key, value in RECEIPT.items() if key != name}, KEYS).differs, name
    assert examined_receipt(RECEIPT | {"added": 1}, KEYS).differs
    assert examined_receipt(RECEIPT, KEYS, {"facts": {"track": "other"}}).differs
    assert examined_receipt({**RECEIPT, "version": 1.0}, KEYS).differs


def test_a_receipt_of_a_key_that_is_not_published_is_found() -> None:
    other = PublicKey("ab" * 32)
    foreign = [{"key_id": SIGNER.key.key_id, "algorithm": ALGORITHM, "public_key": other.public}]
    for keys in ([], foreign, [KEYS[0] | {"algorithm": "RS256"}]):
        assert examined_receipt(RECEIPT, keys).differs


def test_a_stored_signature_is_kept() -> None:
    """A receipt outlives its key: under a new one it is the same, byte for byte."""
    first = signed(receipt_of("2018-h2", STATED), SIGNER)
    assert signed(first, Signer(bytes(32))) == first


def flipped(text: str, bit: int) -> str:
    """The text with one bit of one character changed."""
    at, bit = divmod(bit % (len(text) * 7), 7)
    return text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]


@given(st.sampled_from(sorted(set(RECEIPT) - {"token"})), st.integers(0, 10_000))
def test_one_bit_changed_anywhere_in_a_receipt_is_found(name: str, bit: int) -> None:
    value = RECEIPT[name]
    if isinstance(value, str):
        changed: Any = flipped(value, bit)
    else:
        changed = not value if isinstance(value, bool) else value ^ (1 << bit % 40)
    assert examined_receipt(RECEIPT | {name: changed}, KEYS).differs


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70), st.data())
def test_an_audit_path_leads_to_the_root_from_its_own_place_only(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = inclusion_path(leaves, index), merkle_root(leaves)
    assert root_of_path(leaves[index], index, len(leaves), path) == root
    assert root_of_path(leaves[index] + b"!", index, len(leaves), path) != root
    for place in (-1, len(leaves)):
        assert root_of_path(leaves[index], place, len(leaves), path) is None
    assert root_of_path(leaves[index], index, len(leaves), [*path, root]) != root
    if path:
        assert root_of_path(leaves[index], index, len(leaves), path[:-1]) != root


def frozen_set(count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A proof for one of `count` applications in its bucket, and the RoundFrozen it is under."""
    others = [f"application-{number}" for number in range(256 * 20)]
    beside = [other for other in others if bucket_of(other) == bucket_of(ID)][: count - 1]
    elsewhere = [other for other in others[:50] if bucket_of(other) != bucket_of(ID)]
    mine = sorted((one, 1, "cd" * 32) for one in (ID, *beside))
    digest = digest_of([*mine, *((other, 1, "ef" * 32) for other in elsewhere)])
    made = inclusion_proof(ID, mine, digest.roots)
    assert made is not None
    proof: dict[str, Any] = json.loads(json.dumps({"round": "2018-h2", "epoch": 1, **asdict(made)}))
    published = {"count": digest.count, "root": digest.root, "counts": digest.counts, "roots": digest.roots}
    return proof, {"round": "2018-h2", "epoch": 1, "applications": published}


PROOF, FROZEN = frozen_set(5)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_a_proof_leads_to_the_published_root(count: int) -> None:
    proof, frozen = frozen_set(count)
    mine = {"application": ID, "version": 1, "payload_hash": "cd" * 32}
    found = examined_proof(proof, frozen, mine)
    assert (found.differs, found.not_checked) == ([], [])
    alone = examined_proof(proof)
    assert alone.differs == []
    assert len(alone.not_checked) == 2, "the root and whose leaf it is are said to be unchecked"
    assert examined_proof(proof, frozen, mine | {"version": 2}).differs


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a proof holds a text or a number."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [place for key, item in items for place in places(item, (*path, key))]
    return [path]


@given(st.sampled_from(places(PROOF)), st.integers(0, 10_000))
def test_one_bit_changed_anywhere_in_a_proof_is_found(place: tuple[Any, ...], bit: int) -> None:
    changed = copy.deepcopy(PROOF)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    value = holder[place[-1]]
    holder[place[-1]] = flipped(value, bit) if isinstance(value, str) else value ^ (1 << bit % 40)
    assert examined_proof(changed, FROZEN).differs


@pytest.mark.parametrize(
    "spoil",
    [
        lambda proof: proof.pop("leaf"),
        lambda proof: proof.update(leaf=[]),
        lambda proof: proof.update(leaf=[1, "1", None]),
        lambda proof: proof.update(leaf=[ID, 2**60, "x"]),
        lambda proof: proof.update(index="0"),
        lambda proof: proof.update(count=True),
        lambda proof: proof.update(bucket=-1),
        lambda proof: proof.update(bucket_path="ab"),
        lambda proof: proof.update(bucket_path=[1]),
        lambda proof: proof.update(manifest_path=PROOF["manifest_path"][1:]),
        lambda proof: proof.update(manifest_root=PROOF["manifest_root"].upper()),
    ],
)
def test_what_is_no_proof_is_said_to_be_none(spoil: Callable[[dict[str, Any]], Any]) -> None:
    changed = copy.deepcopy(PROOF)
    spoil(changed)
    assert examined_proof(changed, FROZEN).differs


@pytest.mark.parametrize("manifest", [{}, {"applications": []}, {"applications": {"root": 1, "roots": 2, "counts": 3}}])
def test_what_is_no_manifest_is_said_to_be_none(manifest: dict[str, Any]) -> None:
    found: Findings = examined_proof(PROOF, manifest)
    assert any(line.startswith("manifest") for line in found.differs)


def test_rows_that_were_not_frozen_prove_nothing() -> None:
    row = (ID, 1, "cd" * 32)
    roots = digest_of([row]).roots
    assert inclusion_proof(ID, [row], roots) is not None
    assert inclusion_proof(ID, [(ID, 2, "cd" * 32)], roots) is None
    assert inclusion_proof("another", [row], roots) is None

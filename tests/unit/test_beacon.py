"""A drand beacon's signature is its chain's, or it is refused: quicknet's, and chains of our own under each scheme."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar
from typer.testing import CliRunner

from firstbuy.cli import assembled
from firstbuy.verifying.beacons import examine_beacon
from firstbuy.verifying.findings import Findings
from services.intake.domain.sources import Timetable, due_at
from services.selection.domain.evidence import Depth
from shared.proof.beacon import SCHEMES, SHORT_KEYS, SHORT_SIGNATURES, ChainKey, UnusableKeyError
from tests.support.beacons import SECRET, Beacon
from tests.support.bundles import COMMITTED_AT, make_round
from tests.support.bundles import QUICKNET as QUICKNET_CHAIN

QUICKNET = (
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc2"
    "2b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
)
ROUND = 657413
CHAIN = QUICKNET_CHAIN | {"anchor": "2018-08-01T00:00:00Z"}
SIGNATURE = "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"


def test_quicknet_signed_its_round() -> None:
    assert ChainKey.of(QUICKNET).signed(ROUND, SIGNATURE)
    assert ChainKey.of(QUICKNET, SHORT_SIGNATURES).signed(ROUND, SIGNATURE)


@pytest.mark.parametrize(
    ("number", "signature"),
    [
        (ROUND + 1, SIGNATURE),
        (ROUND, SIGNATURE[:-2] + "00"),
        (ROUND, "c0" + "00" * 47),
        (ROUND, "a0" + "00" * 95),
        (ROUND, "b7"),
        (ROUND, ""),
    ],
)
def test_any_other_is_not_its_signature(number: int, signature: str) -> None:
    assert not ChainKey.of(QUICKNET).signed(number, signature)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_chain_of_any_scheme_is_held_against_its_own_key(scheme: str) -> None:
    beacon = Beacon(scheme)
    key = ChainKey.of(beacon.public_key, scheme)
    assert key.signed(7, beacon.signature(7))
    assert not key.signed(8, beacon.signature(7))
    other = Beacon(scheme, Scalar(SECRET + 1))
    assert not ChainKey.of(other.public_key, scheme).signed(7, beacon.signature(7))


def test_the_first_networks_with_short_signatures_are_told_from_quicknet_by_the_scheme_alone() -> None:
    old = Beacon("bls-unchained-on-g1")
    assert not ChainKey.of(old.public_key).signed(7, old.signature(7))


@pytest.mark.parametrize(
    ("key", "scheme", "told"),
    [
        (QUICKNET[:-2], None, "has 48 bytes"),
        ("00" * 96, None, "no key"),
        (QUICKNET, SHORT_KEYS, "has 48 bytes, this one 96"),
        (QUICKNET, "pedersen-bls-chained", "can't be checked"),
    ],
)
def test_a_key_that_can_not_be_used_is_told_so(key: str, scheme: Any, told: str) -> None:
    with pytest.raises(UnusableKeyError, match=told):
        ChainKey.of(key, scheme)


def evidence(signature: str, number: int, key: str = "") -> bytes:
    value = f"{sha256(bytes.fromhex(signature)).hexdigest()}/"
    said = {"source": "quicknet", "value": value, "beacon_round": number, "signature": signature}
    chain = CHAIN | ({"public_key": key} if key else {})
    return make_round(sources=[chain], recorded=said).bundle(Depth.PUBLIC)


def test_verify_evidence_holds_a_beacon_against_the_announced_key(tmp_path: Path) -> None:
    due = due_at(COMMITTED_AT, 86400, [Timetable.of(CHAIN)])
    number, beacon = Timetable.of(CHAIN).number(due), Beacon()

    def verified(bundle: bytes) -> tuple[int, str]:
        file = tmp_path / "bundle.jsonl"
        file.write_bytes(bundle)
        told = CliRunner().invoke(assembled(), ["verify", "evidence", str(file)])
        return told.exit_code, told.output.replace("\n", " ")

    right = verified(evidence(beacon.signature(number), number, beacon.public_key))
    assert right[0] == 0
    assert f"signed drand round {number} (BLS)" in right[1]
    wrong = verified(evidence(beacon.signature(number + 1), number, beacon.public_key))
    assert wrong[0] == 1
    assert f"did not sign drand round {number}" in wrong[1]
    without = verified(evidence(beacon.signature(number), number))
    assert without[0] == 0
    assert "the signature itself (BLS)" in without[1]


def test_a_chain_without_a_key_stays_unchecked_beside_one_that_has_one() -> None:
    beacon, number = Beacon(), 7
    lines = [f"the signature itself (BLS): round {number} of chain {chain} has it" for chain in ("with", "without")]
    found = Findings(not_checked=list(lines))
    value = {"beacon_round": number, "signature": beacon.signature(number)}
    examine_beacon(found, {"chain_hash": "with", "public_key": beacon.public_key}, value)
    assert found.differs == []
    assert found.not_checked == lines[1:]


def test_the_tests_own_beacon_signs_as_quicknet_does() -> None:
    """By the same tag: over the same message as the vector's, with a key of our own."""
    message = sha256(ROUND.to_bytes(8, "big")).digest()
    hashed = G1Point.hash_to_curve(message, b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_")
    beacon = Beacon()
    assert bytes.fromhex(beacon.signature(ROUND)) == (hashed * Scalar(SECRET)).to_compressed_bytes()
    assert bytes.fromhex(beacon.public_key) == (G2Point() * Scalar(SECRET)).to_compressed_bytes()

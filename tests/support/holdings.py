"""True receipts and proofs, and a forger of either: who has no signing key, and computes every hash again."""

import json
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from services.intake.domain.entries import entry_version
from services.intake.domain.receipts import receipt_json, receipt_of, signed
from shared.contracts.identity import IdentityLevel
from shared.proof.canonical import Json, canonical_json
from shared.proof.inclusion import inclusion_proof
from shared.proof.merkle import BUCKETS, bucket_of, digest_of, merkle_root, root_of_path
from shared.proof.signing import ALGORITHM, Signer

Record = dict[str, Any]
SIGNERS: Final = [Signer(bytes([number] * 32)) for number in (1, 2)]
"""The key of now, and one of before; both are published."""
KEYS: Final = [
    {"key_id": signer.key.key_id, "algorithm": ALGORITHM, "public_key": signer.key.public} for signer in SIGNERS
]
FACTS: Final[dict[str, Json]] = {
    "track": "general",
    "applicant": {"name": "한빛센서", "business_number": "1248100998", "sanctioned": False},
    "product": {"name": "sensor", "price_won": 1_320_000, "regions": ["seoul", "busan"]},
}
ROUNDS: Final = ("2018-h1", "2018-h2")


def _identifier(number: int) -> str:
    return f"7d1c3b0e-52f4-4c8e-9b51-{number:012x}"


def receipts() -> list[Record]:
    """Of several rounds, versions and keys, and of every member that a receipt may have."""
    made = []
    for number in range(8):
        at = datetime(2018, 8, 20, 7, 49, 12, 250 * number, tzinfo=UTC) + timedelta(days=number)
        level = list(IdentityLevel)[number % len(IdentityLevel)] if number % 2 else None
        nonce = f"{number + 1:032x}"
        stated = entry_version(
            _identifier(number // 2), number + 1, at, nonce, FACTS, contested=number % 3 == 0, identity=level
        )
        receipt = receipt_of(ROUNDS[number % 2], stated, withdrawn=number % 4 == 3)
        made.append(receipt_json(signed(receipt, SIGNERS[number // 6])) | {"token": "fba_x", "read_as": []})
    return made


def proof(number: int, of: int = 700) -> tuple[Record, Record, Record]:
    """The proof of one of so many, the RoundFrozen it is under, and its receipt."""
    rows = [(_identifier(one), 1 + one % 3, f"{one + 1:064x}") for one in range(of)]
    row = rows[number]
    digest = digest_of(rows)
    mine = sorted(one for one in rows if bucket_of(one[0]) == bucket_of(row[0]))
    made = inclusion_proof(row[0], mine, digest.roots)
    assert made is not None
    manifest = {"count": digest.count, "root": digest.root, "counts": digest.counts, "roots": digest.roots}
    frozen: Record = {
        "round": "2018-h2",
        "epoch": 1,
        "actors": [{"name": "intake", "role": "system"}],
        "reason": "the clock",
        "frozen_at": "2018-09-14T09:00:10Z",
        "closes_at": "2018-09-14T09:00:00Z",
        "applications": manifest,
        "requests": manifest,
    }
    receipt = {"round": "2018-h2", "application": row[0], "version": row[1], "payload_hash": row[2]}
    stated = {"round": "2018-h2", "epoch": 1} | asdict(made)
    return tuple(json.loads(json.dumps(one)) for one in (stated, frozen, receipt))


def led_again(proof: Record) -> Record:
    """The proof, whose bucket, bucket root and root follow from what it says, as far as they can."""
    made = deepcopy(proof)
    try:
        made["bucket"] = bucket_of(made["leaf"][0])
        led = root_of_path(canonical_json(made["leaf"]), made["index"], made["count"], _nodes(made["bucket_path"]))
        if led is not None:
            made["bucket_root"] = led.hex()
        above = root_of_path(bytes.fromhex(made["bucket_root"]), made["bucket"], BUCKETS, _nodes(made["manifest_path"]))
        if above is not None:
            made["manifest_root"] = above.hex()
    except (LookupError, TypeError, ValueError, AttributeError):
        return made
    return made


def counted_again(frozen: Record) -> Record:
    """The manifest, whose root and count follow from its buckets, as far as they can."""
    made = deepcopy(frozen)
    try:
        manifest = made["applications"]
        manifest["root"] = merkle_root(bytes.fromhex(root) for root in manifest["roots"]).hex()
        manifest["count"] = sum(manifest["counts"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return made
    return made


def _nodes(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(node) for node in path]


def swapped(random: Random, record: Record, other: Record) -> str:
    """A few members are another's."""
    names = random.sample(sorted(record.keys() & other.keys()), random.choice((1, 1, 2, 3)))
    for name in names:
        record[name] = deepcopy(other[name])
    return f"{', '.join(names)} of another"

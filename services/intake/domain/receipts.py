"""What an applicant holds: the signed receipt of a version, and after the freeze the proof that it is in the set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.intake.domain.entries import StatedVersion
from shared.canonical import Json, canonical_json
from shared.merkle import bucket_of, inclusion_path, merkle_root
from shared.signing import Signer

UNSIGNED: Final = frozenset({"token", "key_id", "signature"})
"""Fields of a receipt that the signature does not cover. Everything else is signed, whatever it is called."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One version as it was received. The token is the applicant's alone, stored only hashed and never signed."""

    round: str
    application: str
    version: int
    nonce: str
    payload_hash: str
    received_at: datetime
    withdrawn: bool = False
    key_id: str | None = None
    signature: str | None = None
    token: str | None = None


def receipt_of(round_id: str, stated: StatedVersion, *, withdrawn: bool = False) -> Receipt:
    return Receipt(
        round_id,
        stated.identifier,
        stated.version,
        stated.nonce,
        stated.payload_hash,
        stated.received_at,
        withdrawn,
    )


def signed(receipt: Receipt, signer: Signer) -> Receipt:
    """With its signature, the stored one where there is one: a receipt outlives the key that signed it."""
    if receipt.signature is not None:
        return receipt
    return replace(receipt, key_id=signer.key.key_id, signature=signer.sign(_stated(receipt)))


def receipt_json(receipt: Receipt) -> dict[str, Json]:
    """As it is answered, the same bytes every time."""
    whole = _stated(receipt)
    if receipt.token is not None:
        whole["token"] = receipt.token
    if receipt.signature is not None:
        whole |= {"key_id": receipt.key_id, "signature": receipt.signature}
    return whole


def _stated(receipt: Receipt) -> dict[str, Json]:
    return {
        "round": receipt.round,
        "application": receipt.application,
        "version": receipt.version,
        "received_at": receipt.received_at.isoformat().replace("+00:00", "Z"),
        "nonce": receipt.nonce,
        "payload_hash": receipt.payload_hash,
        "withdrawn": receipt.withdrawn,
    }


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Two audit paths of RFC 9162: from the leaf to its bucket's root, from there to the root over all buckets."""

    leaf: tuple[str, int, str]
    """Id, version, payload hash."""
    bucket: int
    index: int
    count: int
    bucket_path: tuple[str, ...]
    bucket_root: str
    manifest_path: tuple[str, ...]
    manifest_root: str


def inclusion_proof(
    application: str, rows: Sequence[tuple[str, int, str]], roots: Sequence[str]
) -> InclusionProof | None:
    """The proof for one of the `rows` of its bucket, in order of id, under the frozen `roots` of all buckets; None when
    it is not among them, or when they are not the rows that were frozen."""
    bucket = bucket_of(application)
    leaves = [canonical_json(list(row)) for row in rows]
    index = next((at for at, row in enumerate(rows) if row[0] == application), None)
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

"""The signed receipt of a version, kept by the applicant. `shared/proof/inclusion.py` proves that the set has it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.intake.domain.entries import EntryVersion
from shared.contracts.identity import IdentityLevel
from shared.proof.canonical import Json
from shared.proof.signing import Signer

UNSIGNED: Final = frozenset({"token", "key_id", "signature", "read_as", "warnings"})
"""Fields of a receipt, or of its answer, that the signature does not cover. Every other field is signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One version as it was received. The token is the applicant's secret: stored only hashed and never signed.

    `contested` is stated only if true, `identity` only where known: older receipts have neither. `arrived_at`, when
    intake had read it, only where `received_at` is the moment at which an edge, such as the portal, had.
    """

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
    contested: bool = False
    identity: IdentityLevel | None = None
    arrived_at: datetime | None = None


def receipt_of(round_id: str, version: EntryVersion, *, withdrawn: bool = False) -> Receipt:
    """The unsigned receipt of a version."""
    return Receipt(
        round=round_id,
        application=version.identifier,
        version=version.version,
        nonce=version.nonce,
        payload_hash=version.payload_hash,
        received_at=version.received_at,
        withdrawn=withdrawn,
        contested=version.contested,
        identity=version.identity,
        arrived_at=version.arrived_at,
    )


def signed(receipt: Receipt, signer: Signer) -> Receipt:
    """Signs a receipt, unless it is signed already: a receipt outlives the key that signed it."""
    if receipt.signature is not None:
        return receipt
    return replace(receipt, key_id=signer.key.key_id, signature=signer.sign(_stated(receipt)))


def receipt_json(receipt: Receipt) -> dict[str, Json]:
    """The receipt as it is answered, with the same bytes every time."""
    whole = _stated(receipt)
    if receipt.token is not None:
        whole["token"] = receipt.token
    if receipt.signature is not None:
        whole |= {"key_id": receipt.key_id, "signature": receipt.signature}
    return whole


def _stated(receipt: Receipt) -> dict[str, Json]:
    whole: dict[str, Json] = {
        "round": receipt.round,
        "application": receipt.application,
        "version": receipt.version,
        "received_at": _written(receipt.received_at),
        "nonce": receipt.nonce,
        "payload_hash": receipt.payload_hash,
        "withdrawn": receipt.withdrawn,
    }
    if receipt.contested:
        whole["contested"] = True
    if receipt.identity is not None:
        whole["identity"] = receipt.identity.value
    if receipt.arrived_at is not None:
        whole["arrived_at"] = _written(receipt.arrived_at)
    return whole


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

"""A receipt, its signer and its keys."""

from datetime import UTC, datetime
from typing import Any

from services.intake.domain.entries import entry_version
from services.intake.domain.receipts import receipt_json, receipt_of, signed
from shared.proof.canonical import Json
from shared.proof.signing import ALGORITHM, Signer

# RFC 8032 §7.1, test 2: the message is the one byte 0x72.
RFC_PRIVATE = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")


SIGNER = Signer(RFC_PRIVATE)


FACTS: dict[str, Json] = {"track": "general"}


ID = "19b6e8a4-90c3-4d57-a6f2-70d8c2e4f303"


STATED = entry_version(ID, 1, datetime(2018, 8, 20, 7, 49, 12, 250, tzinfo=UTC), "ab" * 16, FACTS)


RECEIPT: dict[str, Any] = receipt_json(signed(receipt_of("2018-h2", STATED), SIGNER)) | {"token": "fba_x"}


KEYS = [{"key_id": SIGNER.key.key_id, "algorithm": ALGORITHM, "public_key": SIGNER.key.public}]

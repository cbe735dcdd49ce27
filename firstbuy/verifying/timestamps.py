"""When a commitment stood, by a time-stamp authority (RFC 3161)."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from cryptography.x509 import Certificate

from firstbuy.verifying.findings import HASH, Findings
from services.selection.domain.commitment import Commitment
from shared.proof.timestamping import WrongStampError, checked_token

COMMITTED: Final = tuple(each.name for each in fields(Commitment))


def examined_timestamp(commitment: Mapping[str, Any], roots: Sequence[Certificate]) -> Findings:
    """The token over the commitment's root; the root itself, where what it is made of is given."""
    found = Findings()
    stated = commitment.get("timestamp") or commitment  # of GET …/commitments, or a CommitmentTimeStamped
    root, token = str(commitment.get("commitment_root")), stated.get("token")
    if not HASH.fullmatch(root) or not isinstance(token, str):
        found.differs.append("not a stamped commitment: it lacks commitment_root, or a token in timestamp or beside it")
        return found
    if all(name in commitment for name in COMMITTED):
        made = Commitment(**{name: commitment[name] for name in COMMITTED}).root
        found.say(
            made == root,
            f"commitment_root {root} is made of {', '.join(COMMITTED)}",
            f"commitment_root: {', '.join(COMMITTED)} lead to {made}, not to {root}",
        )
    else:
        found.not_checked.append("what commitment_root is made of: give what GET /rounds/{round}/commitments answered")
    try:
        stamp = checked_token(base64.b64decode(token, validate=True), root, roots)
    except (WrongStampError, binascii.Error) as error:
        found.differs.append(f"token: no time-stamp of {root} under these roots: {error}")
        return found
    found.checked.append(f"{stamp.authority} stamped SHA-256 of its 32 bytes at {_moment(stamp.stamped_at)}")
    for name, mine, signed in (
        ("stamped_at", stated.get("stamped_at"), _moment(stamp.stamped_at)),
        ("authority", stated.get("authority"), stamp.authority),
    ):
        found.say(mine == signed, f"{name} is the token's", f"{name}: {mine} here, {signed} in the token")
    found.not_checked.append("that this moment is before the source's value was due: see SourceValueRecorded's due_at")
    found.not_checked.append("that the authority's certificate was not revoked")
    return found


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

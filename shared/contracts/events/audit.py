"""`audit-heads.v1`."""

from shared.contracts.values import Code, Contract, Count, Line, Sha256Hex, UtcTime


class AuditHeadPublished(Contract):
    """Unsigned of each row, with it; signed once a pass of the newest, and at least daily.

    `signature`: Ed25519 over canonical JSON of all other members, base64url without padding; the key is at the
    service's `/.well-known/firstbuy-keys`.
    """

    service: Code
    count: Count
    head: Sha256Hex
    previous_head: Sha256Hex
    published_at: UtcTime
    key_id: Line | None = None
    signature: Line | None = None

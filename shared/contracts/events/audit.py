"""`audit-heads.v1`."""

from shared.contracts.values import Code, Contract, Count, Line, Sha256Hex, UtcTime


class AuditHeadPublished(Contract):
    service: Code
    count: Count
    head: Sha256Hex
    previous_head: Sha256Hex
    published_at: UtcTime
    key_id: Line | None = None
    signature: Line | None = None

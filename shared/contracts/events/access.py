"""`access.v1`: who may act, by the hash of their token, never the token itself."""

from enum import StrEnum

from shared.contracts.values import Contract, InstitutionCode, Line, Sha256Hex, UtcTime


class TokenRole(StrEnum):
    OFFICER = "officer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    INSTITUTION = "institution"


class TokenChanged(Contract):
    """A bearer token was made, or ended. Its key is `name`: of one name there is one token for ever, but for the first
    operator's, which is a setting of intake's."""

    name: Line
    role: TokenRole
    institution: InstitutionCode | None = None
    """Whose it is, of that role."""
    token_hash: Sha256Hex
    changed_at: UtcTime
    revoked: bool = False

"""`institutions.v1`."""

from enum import StrEnum

from shared.contracts.values import Contract, InstitutionCode, Line, RoundId, UtcTime, Won


class InstitutionStatus(StrEnum):
    INTERESTED = "interested"
    AGREED = "agreed"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


class Pledge(Contract):
    round: RoundId
    won: Won


class InstitutionChanged(Contract):
    institution: InstitutionCode
    name: Line
    status: InstitutionStatus
    pledges: tuple[Pledge, ...] = ()
    changed_at: UtcTime

"""`repairs.v1`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.events.common_types import BUCKETS
from shared.contracts.values import Code, Contract, Epoch, RoundId, UtcTime


class RepairSubject(StrEnum):
    APPLICATIONS = "applications"
    REQUESTS = "requests"
    VERDICTS = "verdicts"


class BucketRequested(Contract):
    round: RoundId
    epoch: Epoch
    subject: RepairSubject
    bucket: Annotated[int, Field(ge=0, lt=BUCKETS)]
    requested_by: Code
    requested_at: UtcTime


class BucketListed(Contract):
    round: RoundId
    epoch: Epoch
    subject: RepairSubject
    bucket: Annotated[int, Field(ge=0, lt=BUCKETS)]
    leaves: tuple[tuple[str | int, ...], ...]
    listed_at: UtcTime

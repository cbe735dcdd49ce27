"""Round files (`deploy/rounds`): a round's terms, its policy by name, and its pledges, as people write them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from shared.contracts.events import Rehearsal, Source, WebhookUrl
from shared.contracts.policy_file import closed
from shared.contracts.values import Contract, Count, Email, InstitutionCode, Line, PolicyId, RoundId, UtcTime, Won

NAME: Final = "RoundFile"
_DESCRIBED: Final = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class RoundTerms(Contract):
    """What is fixed at the announcement, beside the policy."""

    model_config = _DESCRIBED

    round: RoundId
    """Its id; of a rolling intake the id of all its cuts."""
    title: Line
    """As people know it."""
    opens_at: UtcTime
    """The first moment an application is taken, with its offset: 2018-08-16T09:00:00+09:00."""
    closes_at: UtcTime
    """The first moment none is taken any more; of a rolling intake the first cut's."""
    lead_seconds: Count
    """Seconds of the programme's clock between the commitment to the inputs and the chance that decides."""
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    """Where chance comes from: the first that does not fail decides."""
    rehearsal: Rehearsal | None = None
    """Only for a rehearsal: how its clock runs, and its seed."""
    unattended: bool = False
    """Whether it is confirmed without officers: for rehearsals alone."""


class DeskMember(Contract):
    """Somebody who is mailed what concerns an institution."""

    model_config = _DESCRIBED

    name: Line
    """Their name."""
    email: Email
    """Their address."""
    language: Annotated[str, Field(pattern="^(ko|en)$")] = "ko"
    """Of their mails: ko or en."""


class Pledging(Contract):
    """An institution with what it pledges to the round."""

    model_config = _DESCRIBED

    institution: InstitutionCode
    """Its short lower-case code."""
    name: Line
    """Its full name."""
    pledge_won: Won
    """What it pledges to this round, in whole won."""
    pledges: Mapping[RoundId, Won] = Field(default_factory=dict)
    """What it pledges to other rounds, by round; for `institution onboard`."""
    contacts: tuple[DeskMember, ...] = ()
    """Who is mailed what concerns it; for `institution onboard`."""
    webhook: WebhookUrl | None = None
    """Where its notices are sent; for `institution onboard`."""


class RoundFile(Contract):
    """A round to be announced by `firstbuy round open`."""

    model_config = _DESCRIBED

    round: RoundTerms
    """Its terms, which never change once it is announced."""
    policy: PolicyId
    """The policy it is judged and drawn by: the name of its file, without .yaml."""
    institutions: tuple[Pledging, ...]
    """Who pledges to it."""


def file_schema() -> dict[str, Any]:
    """The JSON schema of round files."""
    schema: dict[str, Any] = closed(RoundFile.model_json_schema())
    return schema | {"title": "A round file of deploy/rounds: docs/officers.md explains it"}

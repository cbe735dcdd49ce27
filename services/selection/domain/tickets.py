"""Tickets: how many chances an applicant has, from the policy's published step table. Integers, never floats."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.facts import SupplyRecord
from shared.contracts.findings import Finding, FindingOutcome
from shared.contracts.policy import Policy, TicketStep


class NoTicketStepError(ValueError):
    """No step of the policy's ticket table fits; `check_selection` refuses such a policy beforehand."""

    code = "no-ticket-step"


@dataclass(frozen=True, slots=True)
class TicketGrounds:
    """What tickets are given for. A supply record that was not stated (None) fits no bound on it."""

    startup: bool
    first_timer: bool
    record: SupplyRecord | None


def ticket_grounds(findings: Iterable[Finding], record: SupplyRecord | None) -> TicketGrounds:
    """The grounds by the verdict's findings, so that tickets depend only on what was judged."""
    passed = {finding.rule for finding in findings if finding.outcome is FindingOutcome.PASS}
    return TicketGrounds("startup" in passed, "first-timer" in passed, record)


def tickets(standing: TicketGrounds, policy: Policy) -> int:
    """The tickets of the first step that fits. Raises NoTicketStepError."""
    for step in policy.tickets:
        if _fits(step, standing):
            return step.tickets
    raise NoTicketStepError(f"policy {policy.policy}: no step of tickets fits {standing}")


def _fits(step: TicketStep, standing: TicketGrounds) -> bool:
    record = standing.record
    return (
        (step.startup is None or step.startup is standing.startup)
        and (step.first_timer is None or step.first_timer is standing.first_timer)
        and (step.record_won_at_most is None or (record is not None and record.won <= step.record_won_at_most))
        and (step.record_count_at_most is None or (record is not None and record.count <= step.record_count_at_most))
    )

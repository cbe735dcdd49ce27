"""What of a policy selection could not work with."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.contracts.policy import Method, Policy, TicketStep


@dataclass(frozen=True, slots=True)
class Problem:
    """`pointer` is a JSON pointer into the policy; `code` is stable."""

    pointer: str
    code: str
    detail: str
    fix: str


def check_selection(policy: Policy) -> tuple[Problem, ...]:
    """Every problem at once, in the order of the file."""
    return tuple(_problems(policy))


def _problems(policy: Policy) -> Iterator[Problem]:
    last = len(policy.tickets) - 1
    for index, step in enumerate(policy.tickets):
        open_to_all = step == TicketStep(tickets=step.tickets)
        if index == last and not open_to_all:
            detail, fix = "an applicant that fits no step has no tickets", "end with a step that has tickets only"
            yield Problem(f"/tickets/{index}", "no-last-step", detail, fix)
        if index < last and open_to_all:
            detail, fix = "no applicant reaches the steps after this one", "move it to the end"
            yield Problem(f"/tickets/{index}", "unreached-step", detail, fix)
    if policy.scoring is None:
        if policy.method is Method.SCORE:
            yield Problem("/scoring", "no-scoring", "the method is score", "give scoring, or draw")
        return
    bounds = [step.record_won_at_most for step in policy.scoring.supply_record]
    if bounds[-1] is not None:
        detail, fix = "a greater record than the last bound has no points", "end with a step without a bound"
        yield Problem("/scoring/supply_record", "no-last-step", detail, fix)
    inner = [bound for bound in bounds[:-1] if bound is not None]
    if len(inner) < len(bounds) - 1 or inner != sorted(set(inner)):
        detail, fix = "a step is never reached", "order the steps by record_won_at_most, rising"
        yield Problem("/scoring/supply_record", "unreached-step", detail, fix)

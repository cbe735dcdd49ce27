"""All kinds of applicants that a policy's tables distinguish, so that what holds for these holds for everybody.

A table asks only whether a rule passed and whether a record is within a bound. So the bounds and the numbers just above
them represent all others. The first-timer rule follows from the record, so only possible kinds are listed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.facts import SupplyRecord
from shared.contracts.findings import Finding, FindingOutcome
from shared.contracts.policy import Policy, Scoring, TicketStep, Track


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of applicant. `won` and `count` are None if the record was not stated."""

    startup: bool
    first_timer: bool
    won: int | None
    count: int | None


def kinds_of(policies: Iterable[Policy]) -> tuple[Kind, ...]:
    """The kinds that can occur in any track of these policies, from the least record to the greatest."""
    listed = tuple(policies)
    wons, counts = bounds_of(listed)
    records: list[tuple[int | None, int | None]] = [(won, count) for won in wons for count in counts]
    kinds = {
        kind_in(track, startup, won, count)
        for policy in listed
        for track in policy.tracks
        for won, count in [*records, (None, None)]
        for startup in (True, False)
    }
    return tuple(sorted(kinds, key=_order))


def bounds_of(policies: Iterable[Policy]) -> tuple[list[int], list[int]]:
    """The amounts in won and the numbers of sales that represent all others, ascending."""
    listed = tuple(policies)
    steps = [step for policy in listed for step in policy.tickets]
    scores = [step for scoring in filter(None, (policy.scoring for policy in listed)) for step in scoring.supply_record]
    caps = [cap for policy in listed for track in policy.tracks if (cap := first_timer_cap(track)) is not None]
    wons = _values([*(step.record_won_at_most for step in steps), *(step.record_won_at_most for step in scores)], caps)
    return wons, _values([step.record_count_at_most for step in steps], [])


def kind_in(track: Track, startup: bool, won: int | None, count: int | None) -> Kind:
    """The kind of a firm in a track: a startup only if the track asks, a first-timer by the track's own cap."""
    cap = first_timer_cap(track)
    asks_startup = any(condition.rule == "startup" for condition in track.conditions)
    return Kind(startup and asks_startup, cap is not None and won is not None and won <= cap, won, count)


def first_timer_cap(track: Track) -> int | None:
    """The track's cap on a first-timer's record in won; None if it has none."""
    for condition in track.conditions:
        cap = condition.parameters.get("cap_won")
        if condition.rule == "first-timer" and isinstance(cap, int):
            return cap
    return None


def fits(step: TicketStep, kind: Kind) -> bool:
    """True if the step gives its tickets to this kind."""
    return (
        (step.startup is None or step.startup is kind.startup)
        and (step.first_timer is None or step.first_timer is kind.first_timer)
        and (step.record_won_at_most is None or (kind.won is not None and kind.won <= step.record_won_at_most))
        and (step.record_count_at_most is None or (kind.count is not None and kind.count <= step.record_count_at_most))
    )


def first_step(policy: Policy, kind: Kind) -> int | None:
    """The index of the step that gives this kind its tickets; None if no step fits."""
    return next((number for number, step in enumerate(policy.tickets) if fits(step, kind)), None)


def tickets_of(policy: Policy, kind: Kind) -> int | None:
    """The tickets of this kind; None if no step fits."""
    number = first_step(policy, kind)
    return None if number is None else policy.tickets[number].tickets


def tickets_given(steps: Iterable[TicketStep], findings: Iterable[Finding], record: SupplyRecord | None) -> int | None:
    """The tickets of an eligible firm, by its findings; None if no step fits, which a sound policy rules out."""
    passed = {finding.rule for finding in findings if finding.outcome is FindingOutcome.PASS}
    won, count = (record.won, record.count) if record else (None, None)
    kind = Kind("startup" in passed, "first-timer" in passed, won, count)
    return next((step.tickets for step in steps if fits(step, kind)), None)


def possible_tickets(policy: Policy, startup: bool, won: int | None, count: int | None) -> tuple[int, ...]:
    """The tickets a firm may get, over all tracks: whether it is a first-timer depends on the track's cap."""
    return tuple(sorted({tickets_of(policy, kind_in(track, startup, won, count)) or 0 for track in policy.tracks}))


def points_of(scoring: Scoring, won: int | None) -> int | None:
    """The points for a supply record; None if no step fits."""
    for step in scoring.supply_record:
        bound = step.record_won_at_most
        if bound is None or (won is not None and won <= bound):
            return step.points
    return None


def _values(bounds: Iterable[int | None], more: Iterable[int]) -> list[int]:
    named = {bound for bound in bounds if bound is not None} | set(more)
    return sorted({0} | named | {bound + 1 for bound in named})


def _order(kind: Kind) -> tuple[bool, int, int, bool, bool]:
    return kind.won is None, kind.won or 0, kind.count or 0, not kind.startup, not kind.first_timer

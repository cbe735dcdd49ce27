"""Problems of what a policy selects by: ticket steps, score items, limits."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from shared.contracts.policy import Method, Policy, Scoring, TicketStep
from shared.policies.applicant_kinds import Kind, bounds_of, first_step, kind_in, kinds_of, tickets_of
from shared.policies.problem import Problem

MOST_STEPS: Final = 50
"""Unreachable steps are found by trying all kinds of applicants, so the number of steps is bounded."""


def table_problems(policy: Policy) -> Iterator[Problem]:
    """Everything that keeps applications from being selected."""
    yield from _tickets(policy)
    yield from _limits(policy)
    if policy.scoring is not None:
        yield from _scoring(policy.scoring)
    elif policy.method is Method.SCORE:
        yield Problem("/scoring", "no-scoring", "the method is score", "give scoring, or draw")


def table_remarks(policy: Policy) -> Iterator[Problem]:
    """Tables that favour greater records or more entries: the programme is for firms that have sold least."""
    uncapped = [track.track for track in policy.tracks if not (track.limits and track.limits.applications_per_firm)]
    if policy.limits.applications_per_firm is None and uncapped:
        detail = f"a firm may enter any number of products in {', '.join(uncapped)}, and draws with the tickets of all"
        fix = "give the most entries that one firm may have, such as 3"
        yield Problem("/limits/applications_per_firm", "no-firm-limit", detail, fix)
    remarked: set[int] = set()
    for fewer, more in _rising(policy):
        number = first_step(policy, more)
        if number is not None and number not in remarked:
            remarked.add(number)
            fix = "order the steps so that a smaller record gets as many tickets or more"
            detail = f"{words(more)} gets more tickets than {words(fewer)}"
            yield Problem(f"/tickets/{number}", "more-for-more-record", detail, fix)
    if policy.scoring is not None:
        steps = policy.scoring.supply_record
        for index, (step, other) in enumerate(pairwise(steps), start=1):
            if other.points > step.points:
                detail = f"a greater record gets {other.points} points, a smaller one {step.points}"
                pointer = f"/scoring/supply_record/{index}"
                yield Problem(pointer, "more-for-more-record", detail, "let the points fall")


def _tickets(policy: Policy) -> Iterator[Problem]:
    if len(policy.tickets) > MOST_STEPS:
        detail = f"{len(policy.tickets)} steps: nobody could follow them"
        yield Problem("/tickets", "too-many-steps", detail, f"give {MOST_STEPS} at the most")
        return
    last = len(policy.tickets) - 1
    reached = {first_step(policy, kind) for kind in kinds_of([policy])}
    rules = {condition.rule for track in policy.tracks for condition in track.conditions}
    closed = False
    for index, step in enumerate(policy.tickets):
        open_to_all = step == TicketStep(tickets=step.tickets)
        missing = _unstated(step, rules)
        if missing:
            detail = f"no track states {missing}, so nobody passes it"
            yield Problem(f"/tickets/{index}", "step-without-rule", detail, f"add the condition {missing} to a track")
        elif not closed and index not in reached:
            detail, fix = "everybody it fits has tickets by an earlier step", "drop it, or move it before that one"
            yield Problem(f"/tickets/{index}", "unreached-step", detail, fix)
        if index == last and not open_to_all:
            detail, fix = "an applicant that fits no step has no tickets", "end with a step that has tickets only"
            yield Problem(f"/tickets/{index}", "no-last-step", detail, fix)
        if index < last and open_to_all:
            detail, fix = "no applicant reaches the steps after this one", "move it to the end"
            yield Problem(f"/tickets/{index}", "unreached-step", detail, fix)
            closed = True


def _unstated(step: TicketStep, rules: set[str]) -> str | None:
    if step.startup and "startup" not in rules:
        return "startup"
    return "first-timer" if step.first_timer and "first-timer" not in rules else None


def _limits(policy: Policy) -> Iterator[Problem]:
    round_places = policy.limits.places
    for index, track in enumerate(policy.tracks):
        places = track.limits.places if track.limits else None
        if places is not None and round_places is not None and places > round_places:
            detail = f"{track.track} has {places} places of a round of {round_places}"
            yield Problem(f"/tracks/{index}/limits/places", "more-than-the-round", detail, "give as many at the most")
        reserve = track.limits.reserve if track.limits else None
        if reserve is not None and policy.limits.reserve is not None and reserve > policy.limits.reserve:
            detail = f"{track.track} has a reserve of {reserve}, the whole round one of {policy.limits.reserve}"
            yield Problem(f"/tracks/{index}/limits/reserve", "more-than-the-round", detail, "give as many at the most")
        for name in ("selections_per_firm", "applications_per_firm"):
            firm, of_round = getattr(track.limits, name, None), getattr(policy.limits, name)
            if firm is not None and of_round is not None and firm > of_round:
                detail = f"{firm} of one firm in {track.track}, {of_round} in the whole round"
                pointer = f"/tracks/{index}/limits/{name}"
                yield Problem(pointer, "more-than-the-round", detail, "give as many at the most")


def _scoring(scoring: Scoring) -> Iterator[Problem]:
    bounds = [step.record_won_at_most for step in scoring.supply_record]
    if bounds[-1] is not None:
        detail, fix = "a greater record than the last bound has no points", "end with a step without a bound"
        yield Problem("/scoring/supply_record", "no-last-step", detail, fix)
    inner = [bound for bound in bounds[:-1] if bound is not None]
    if len(inner) < len(bounds) - 1 or inner != sorted(set(inner)):
        detail, fix = "a step is never reached", "order the steps by record_won_at_most, rising"
        yield Problem("/scoring/supply_record", "unreached-step", detail, fix)
    most = scoring.panel_points + max(step.points for step in scoring.supply_record)
    if scoring.threshold > most:
        detail = f"nobody can have {scoring.threshold} points of {most}"
        yield Problem("/scoring/threshold", "unreachable-threshold", detail, f"give {most} at the most")


def _rising(policy: Policy) -> Iterator[tuple[Kind, Kind]]:
    """Neighbouring kinds by won or by sales, of which the greater gets more tickets."""
    wons, counts = bounds_of([policy])
    steps = [((w, c), (v, c)) for w, v in pairwise(wons) for c in counts]
    steps += [((w, c), (w, d)) for w in wons for c, d in pairwise(counts)]
    for track in policy.tracks:
        for startup in (True, False):
            for less, greater in steps:
                lower, other = kind_in(track, startup, *less), kind_in(track, startup, *greater)
                if (tickets_of(policy, other) or 0) > (tickets_of(policy, lower) or 0):
                    yield lower, other


def words(kind: Kind) -> str:
    """The kind in words, such as: a startup with a record of 500,000,001 won in 4 sales."""
    who = "a startup" if kind.startup else "a firm that is no startup"
    if kind.won is None:
        return f"{who} that states no record"
    if kind.won == 0 and not kind.count:
        return f"{who} without a record"
    return f"{who} with a record of {kind.won:,} won in {kind.count} sales"

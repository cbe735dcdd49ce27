"""What a policy changes in who is selected: method, tickets, points, limits; and in what notices say."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from firstbuy.policy_review.change import Change, Effect, more_is, named, shown
from shared.contracts.policy import Limits, Method, Policy, Scoring, TrackLimits
from shared.policies.applicant_kinds import Kind, kinds_of, points_of, possible_tickets

_METHODS = {Method.WEIGHTED_DRAW: "a draw weighted by tickets", Method.SCORE: "a score, whose ties are drawn"}
_WORDS = {
    "selections_per_firm": "products of one firm selected",
    "applications_per_firm": "entries of one firm",
    "requests_per_product": "purchase requests one product takes",
    "places": "products selected",
    "reserve": "products in reserve",
}
Values = tuple[int, ...]
"""More than one where it depends on the track."""
Valued = Callable[[int | None, int | None], Values]
"""By won and number of sales; None where the record was not stated."""


def selected_changes(old: Policy, new: Policy) -> Iterator[Change]:
    """What differs in limits, tickets and scores, in the words of who is selected."""
    if old.method is not new.method:
        what = f"{_METHODS[new.method]}, instead of {_METHODS[old.method]}"
        yield Change("selection", what, Effect.EITHER)
    yield from _tickets(old, new)
    yield from _scoring(old.scoring, new.scoring, kinds_of([old, new]))
    yield from _limits(old.limits, new.limits, "limits")
    was = {track.track: track.limits for track in old.tracks}
    for track in new.tracks:
        if track.track in was:
            before, after = was[track.track] or TrackLimits(), track.limits or TrackLimits()
            yield from _limits(before, after, f"track {named(track.track, track.name)}")
    yield from _notices(old, new)


def _tickets(old: Policy, new: Policy) -> Iterator[Change]:
    only_ties = [policy.policy for policy in (old, new) if policy.method is Method.SCORE]
    if only_ties and old.tickets != new.tickets:
        yield Change("tickets", f"in {' and '.join(only_ties)} they only break ties of score", Effect.NONE)
    for startup in (True, False):
        who = "startups" if startup else "others"
        told = _by_record(
            kinds_of([old, new]),
            lambda won, count, startup=startup: possible_tickets(old, startup, won, count),  # type: ignore[misc]
            lambda won, count, startup=startup: possible_tickets(new, startup, won, count),  # type: ignore[misc]
        )
        for record, before, after in told:
            if before != after:
                what = f"{_either(after)} instead of {_either(before)}"
                yield Change("tickets", what, Effect.MORE if after > before else Effect.LESS, f"{who}, {record}")


def _scoring(old: Scoring | None, new: Scoring | None, kinds: Sequence[Kind]) -> Iterator[Change]:
    if old == new:
        return
    if old is None or new is None:
        least = f", {new.threshold} points at the least" if new else ""
        yield Change("scores", f"applications are scored{least}" if new else "nothing is scored", Effect.EITHER)
        return
    if old.threshold != new.threshold:
        what = f"{new.threshold} points at the least instead of {old.threshold}"
        yield Change(
            "scores", what, more_is(Effect.STRICTER, old.threshold, new.threshold), "firms with points between"
        )
    if old.panel_points != new.panel_points:
        what = f"the panel gives up to {new.panel_points} points instead of {old.panel_points}"
        yield Change("scores", what, Effect.EITHER)
    told = _by_record(kinds, lambda won, _: (points_of(old, won) or 0,), lambda won, _: (points_of(new, won) or 0,))
    for record, before, after in told:
        if before != after:
            what = f"{_either(after)} points for the record instead of {_either(before)}"
            yield Change("scores", what, Effect.MORE if after > before else Effect.LESS, f"firms with a {record}")


def _limits(old: Limits | TrackLimits, new: Limits | TrackLimits, section: str) -> Iterator[Change]:
    for name, words in _WORDS.items():
        before, after = getattr(old, name, None), getattr(new, name, None)
        if before != after:
            most = ["any number" if value is None else shown(value) for value in (after, before)]
            yield Change(section, f"{words}: {most[0]} instead of {most[1]}", more_is(Effect.MORE, before, after))


def _notices(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = dict(old.notices or {}), dict(new.notices or {})
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            said = f'"{after[name].en}"' if name in after else "nothing"
            yield Change("notices", f"{name} says {said}", Effect.NONE)


def _by_record(kinds: Sequence[Kind], old: Valued, new: Valued) -> Iterator[tuple[str, Values, Values]]:
    """Whom, before and after: neighbours that have the same are told as one."""
    counts = sorted({kind.count for kind in kinds if kind.count is not None})
    wons = sorted({kind.won for kind in kinds if kind.won is not None})
    rows = [(count, _stretches(count, wons, old, new)) for count in counts]
    if len({tuple(row) for _, row in rows}) == 1:
        rows = rows[:1]
    else:  # nothing sold is sold in no sales
        yield "record of 0 won", old(0, 0), new(0, 0)
        rows = [(count, _stretches(count, wons[1:], old, new)) for count in counts]
    for stretches, members in groupby(rows, lambda row: row[1]):
        sales = [count for count, _ in members]
        times = f" in {_between(max(sales[0], 1), _before_next(counts, sales[-1]), 'sales')}"
        for low, high, before, after in stretches:
            yield f"record of {_between(low, high, 'won')}{times if len(sales) < len(rows) else ''}", before, after
    yield "record not stated", old(None, None), new(None, None)


def _stretches(
    count: int, wons: Sequence[int], old: Valued, new: Valued
) -> list[tuple[int, int | None, Values, Values]]:
    """From, to, before, after: of the records in that many sales."""
    found = []
    for (before, after), members in groupby(wons, lambda won: (old(won, count), new(won, count))):
        same = list(members)
        found.append((same[0], _before_next(wons, same[-1]), before, after))
    return found


def _before_next(values: Sequence[int], value: int) -> int | None:
    return next((each - 1 for each in values if each > value), None)


def _between(low: int, high: int | None, unit: str) -> str:
    if high is None:
        return f"{low:,} {unit} or more"
    return f"{low:,} {unit}" if low == high else f"{low:,} to {high:,} {unit}"


def _either(values: Values) -> str:
    return " or ".join(map(shown, values))

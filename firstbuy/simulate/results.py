"""The comparison in figures: who changes side, by rule and by kind of firm, and what becomes of tickets and chances."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from firstbuy.samples.firms import FirmKind
from firstbuy.simulate.cases import NOT_STATED, Case, Judged, band_words
from firstbuy.simulate.firms import Beyond, beyond
from firstbuy.simulate.replay import Tally
from shared.contracts.policy import Method, Policy

CHANCE_METHOD: Final = (
    "The chance of the first place: an application's tickets divided by all tickets, exactly, since every ticket is as "
    "likely to be the least. Places and limits per firm, of the round and of its tracks, leave the first place free; "
    "thresholds and what institutions ask for are not counted in."
)
NO_CHANCE: Final = "selected by score: tickets only break ties, so no chance follows from them"


@dataclass(frozen=True, slots=True)
class Group:
    """Applications of one kind of firm, band or track. Chances are the whole group's: None where nothing is drawn."""

    name: str
    applied: int
    old: int
    new: int
    gained: int
    lost: int
    old_tickets: int
    new_tickets: int
    old_chance: Fraction | None
    new_chance: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigures:
    """`old`, `new`: applications it stands against. `alone`: against which it stands alone under the recorded policy.
    `gave_way`: of those let in by the other policy, those it stood against before; `keeps_out`: of those lost, those it
    stands against now."""

    rule: str
    old: int
    new: int
    alone: int
    gave_way: int
    keeps_out: int


@dataclass(frozen=True, slots=True)
class Stand:
    """What one application of a kind and band gets: its tickets and its own chance, under each policy; None where no
    application of that kind stands under it."""

    kind: FirmKind
    band: int
    old: Mapping[int, int]
    new: Mapping[int, int]
    """Tickets, and how many eligible applications have that many."""


@dataclass(frozen=True, slots=True)
class Results:
    """What both policies make of the same applications, by kind of firm."""

    round: str
    title: str
    as_of: str
    old: Policy
    new: Policy
    records: int
    applied: int
    withdrawn: int
    unreadable: int
    frozen: int | None
    """Applications in the round's newest manifest; None while it is not frozen."""
    eligible: tuple[int, int]
    gained: int
    lost: int
    unsure: tuple[int, int]
    faulted: tuple[int, int]
    tickets: tuple[int, int]
    points: tuple[float | None, float | None]
    """Mean points for the record, where the policy scores."""
    by_rule: tuple[RuleFigures, ...]
    by_kind: tuple[Group, ...]
    by_band: tuple[Group, ...]
    by_track: tuple[Group, ...]
    stands: tuple[Stand, ...]
    examples: tuple[tuple[str, Case], ...]
    beyond: tuple[Beyond | None, Beyond | None]
    """What each policy's limit of a firm's entries keeps out; None where it has none. Other figures count it in."""

    @property
    def draws(self) -> tuple[bool, bool]:
        return tuple(policy.method is Method.WEIGHTED_DRAW for policy in (self.old, self.new))  # type: ignore[return-value]


def results_of(
    tally: Tally, round_id: str, title: str, as_of: str, old: Policy, new: Policy, frozen: int | None
) -> Results:
    """Groups the tally of cases by kind of firm, record and rule, under both policies."""
    cases = tally.cases
    tickets = (_sum(cases, lambda case: case.old.tickets), _sum(cases, lambda case: case.new.tickets))
    draws = old.method is Method.WEIGHTED_DRAW, new.method is Method.WEIGHTED_DRAW

    def groups(key: Callable[[Case], Any], names: Iterable[Any], words: Callable[[Any], str]) -> tuple[Group, ...]:
        found = (
            _group(words(name), Counter({c: count for c, count in cases.items() if key(c) == name}), tickets, draws)
            for name in names
        )
        return tuple(group for group in found if group.applied)

    return Results(
        round=round_id,
        title=title,
        as_of=as_of,
        old=old,
        new=new,
        records=tally.records,
        applied=tally.applications,
        withdrawn=tally.withdrawn,
        unreadable=tally.unreadable,
        frozen=frozen,
        eligible=(_sum(cases, lambda case: case.old.eligible), _sum(cases, lambda case: case.new.eligible)),
        gained=_sum(cases, lambda case: case.gained),
        lost=_sum(cases, lambda case: case.lost),
        unsure=(_sum(cases, lambda case: case.old.unsure), _sum(cases, lambda case: case.new.unsure)),
        faulted=(_sum(cases, lambda case: case.old.faulted), _sum(cases, lambda case: case.new.faulted)),
        tickets=tickets,
        points=(_mean(cases, lambda case: case.old), _mean(cases, lambda case: case.new)),
        by_rule=_rules(cases),
        by_kind=groups(lambda case: case.kind, FirmKind, str),
        by_band=groups(lambda case: case.band, range(NOT_STATED + 1), band_words),
        by_track=groups(lambda case: case.track, sorted({case.track for case in cases}), str),
        stands=_stands(cases),
        examples=tuple(tally.examples),
        beyond=(beyond(old, tally.firms.values(), new=False), beyond(new, tally.firms.values(), new=True)),
    )


def _only(cases: Counter[Case], belongs: Callable[[Case], bool]) -> Counter[Case]:
    return Counter({case: count for case, count in cases.items() if belongs(case)})


def _sum(cases: Counter[Case], of: Callable[[Case], int]) -> int:
    return sum(of(case) * count for case, count in cases.items())


def _mean(cases: Counter[Case], side: Callable[[Case], Judged]) -> float | None:
    scored = [(points, count) for case, count in cases.items() if (points := side(case).points) is not None]
    total = sum(count for _, count in scored)
    return round(sum(points * count for points, count in scored) / total, 2) if total else None


def _group(name: str, cases: Counter[Case], tickets: tuple[int, int], draws: tuple[bool, bool]) -> Group:
    own = (_sum(cases, lambda case: case.old.tickets), _sum(cases, lambda case: case.new.tickets))
    chances = [
        Fraction(mine, total) if drawn and total else None
        for mine, total, drawn in zip(own, tickets, draws, strict=True)
    ]
    return Group(
        name,
        cases.total(),
        _sum(cases, lambda case: case.old.eligible),
        _sum(cases, lambda case: case.new.eligible),
        _sum(cases, lambda case: case.gained),
        _sum(cases, lambda case: case.lost),
        *own,
        *chances,
    )


def _rules(cases: Counter[Case]) -> tuple[RuleFigures, ...]:
    named = {rule for case in cases for rule in (*case.old.against, *case.new.against)}
    figures = [
        RuleFigures(
            rule=rule,
            old=_sum(cases, lambda case: rule in case.old.against),  # noqa: B023 -- asked at once
            new=_sum(cases, lambda case: rule in case.new.against),  # noqa: B023
            alone=_sum(cases, lambda case: case.old.against == (rule,)),  # noqa: B023
            gave_way=_sum(cases, lambda case: case.gained and rule in case.old.against),  # noqa: B023
            keeps_out=_sum(cases, lambda case: case.lost and rule in case.new.against),  # noqa: B023
        )
        for rule in named
    ]
    return tuple(sorted(figures, key=lambda each: (-max(each.old, each.new), each.rule)))


def _stands(cases: Counter[Case]) -> tuple[Stand, ...]:
    found = []
    for kind, band in sorted(
        {(case.kind, case.band) for case in cases}, key=lambda k: (list(FirmKind).index(k[0]), k[1])
    ):
        own = _only(cases, lambda case: (case.kind, case.band) == (kind, band))  # noqa: B023
        old, new = Counter[int](), Counter[int]()
        for case, count in own.items():
            if case.old.eligible:
                old[case.old.tickets] += count
            if case.new.eligible:
                new[case.new.tickets] += count
        if old or new:
            found.append(Stand(kind, band, dict(sorted(old.items())), dict(sorted(new.items()))))
    return tuple(found)

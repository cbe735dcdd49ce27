"""The results as JSON for programs and as tables for the terminal."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.table import Table

from firstbuy.simulate.cases import Case, band_words
from firstbuy.simulate.firms import Beyond
from firstbuy.simulate.results import CHANCE_METHOD, NO_CHANCE, Group, Results, Stand
from shared.contracts.policy import Limits, Policy, TrackLimits


def as_json(results: Results) -> dict[str, Any]:
    """Chances are exact: a text such as 35/44, and null where the policy does not draw."""
    old, new = results.old, results.new
    return {
        "round": results.round,
        "title": results.title,
        "judged_by": results.as_of,
        "from": _side(old),
        "to": _side(new),
        "records": results.records,
        "applied": results.applied,
        "withdrawn": results.withdrawn,
        "unreadable": results.unreadable,
        "frozen": results.frozen,
        "eligible": _pair(results.eligible),
        "gained": results.gained,
        "lost": results.lost,
        "refused_for_want_of_evidence_alone": _pair(results.unsure),
        "not_judged": _pair(results.faulted),
        "tickets": _pair(results.tickets),
        "mean_points_for_record": _pair(results.points),
        "chance_method": CHANCE_METHOD,
        "by_rule": [asdict(each) for each in results.by_rule],
        "by_kind": [_group(each) for each in results.by_kind],
        "by_record": [_group(each) for each in results.by_band],
        "by_track": [_group(each) for each in results.by_track],
        "tickets_of_one": [_stand(each, results) for each in results.stands],
        "beyond_the_firms_limit": _pair((_beyond(results.beyond[0]), _beyond(results.beyond[1]))),
        "changed": [_example(application, case) for application, case in results.examples],
    }


def _side(policy: Policy) -> dict[str, Any]:
    own = {track.track: asdict(track.limits) for track in policy.tracks if track.limits}
    return {"policy": policy.policy, "method": policy.method.value, **asdict(policy.limits), "tracks": own}


def _beyond(kept_out: Beyond | None) -> dict[str, int] | None:
    return asdict(kept_out) if kept_out else None


def _pair(values: tuple[Any, Any]) -> dict[str, Any]:
    return {"from": values[0], "to": values[1]}


def _group(group: Group) -> dict[str, Any]:
    exact = {
        name: str(getattr(group, name)) for name in ("old_chance", "new_chance") if getattr(group, name) is not None
    }
    return asdict(group) | {"old_chance": None, "new_chance": None} | exact


def _stand(stand: Stand, results: Results) -> dict[str, Any]:
    def side(number: int, counts: Mapping[int, int]) -> list[dict[str, Any]]:
        return [
            {"tickets": tickets, "applications": count, "chance": exact(tickets, results, number)}
            for tickets, count in counts.items()
        ]

    head = {"kind": stand.kind.value, "record": band_words(stand.band)}
    return head | {"from": side(0, stand.old), "to": side(1, stand.new)}


def exact(tickets: int, results: Results, side: int) -> str | None:
    """Of one application with so many tickets."""
    total = results.tickets[side]
    return str(Fraction(tickets, total)) if results.draws[side] and total else None


def _example(application: str, case: Case) -> dict[str, Any]:
    return {
        "application": application,
        "track": case.track,
        "kind": case.kind.value,
        "record": band_words(case.band),
        "side": "gained" if case.gained else "lost",
        "against": list(case.old.against if case.gained else case.new.against),
        "waived": list(case.new.waived if case.gained else case.old.waived),
        "tickets": case.new.tickets if case.gained else case.old.tickets,
    }


def show(results: Results, console: Console) -> None:
    """Prints both results, who is gained and lost, and why."""
    old, new = results.old.policy, results.new.policy
    console.print(f"{results.round}: {results.title}", markup=False, soft_wrap=True)
    console.print(
        f"{results.applied:,} applications, {results.withdrawn:,} withdrawn, judged by {results.as_of} under both",
        markup=False,
        soft_wrap=True,
    )
    for note in notes(results):
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    console.print(
        f"eligible: {results.eligible[0]:,} under {old}, {results.eligible[1]:,} under {new}; "
        f"{results.gained:,} gained, {results.lost:,} lost",
        style="bold",
        markup=False,
        soft_wrap=True,
    )
    for policy in (results.old, results.new):
        console.print(f"limits of {policy.policy}: {limits(policy)}", markup=False, soft_wrap=True)
    rows = [(r.rule, r.old, r.new, r.alone, r.gave_way, r.keeps_out) for r in results.by_rule]
    head = ("rule", f"against, {old}", f"against, {new}", "alone against", "gave way", "now keeps out")
    _table(console, "by rule", head, rows)
    columns = ("", "applied", old, new, "gained", "lost", "tickets", "chance")
    for title, groups in (
        ("by kind of firm", results.by_kind), ("by supply record", results.by_band), ("by track", results.by_track)
    ):  # fmt: skip
        _table(console, title, columns, [_row(group) for group in groups])
    each = ("one application of", "record", f"tickets, {old}", f"tickets, {new}", f"chance, {old}", f"chance, {new}")
    stands = [
        (stand.kind.value, band_words(stand.band), *_tickets(stand), *_chances(stand, results))
        for stand in results.stands
    ]
    _table(console, "tickets and chances", each, stands)
    console.print(CHANCE_METHOD, style="dim", markup=False, soft_wrap=True)
    if results.examples:
        found = [
            (application, "gained" if case.gained else "lost", case.kind.value,
             ", ".join(case.old.against if case.gained else case.new.against))
            for application, case in results.examples
        ]  # fmt: skip
        title = f"who changes side, {len(found)} of {results.gained + results.lost:,}"
        _table(console, title, ("application", "", "kind", "against, under the other"), found)


def limits(policy: Policy) -> str:
    """Of the round, then of each track that has its own."""
    whole = _bounds(policy.limits, "as many places as are asked for")
    own = [(track.track, _bounds(track.limits, "the round's places")) for track in policy.tracks if track.limits]
    return "; ".join([whole, *(f"{track}: {bounds}" for track, bounds in own)])


def _bounds(of: Limits | TrackLimits, unbounded: str) -> str:
    bounds = (
        unbounded if of.places is None else f"{of.places:,} places",
        "" if of.selections_per_firm is None else f"{of.selections_per_firm:,} of a firm",
        "" if of.applications_per_firm is None else f"{of.applications_per_firm:,} entries of a firm",
        "" if of.reserve is None else f"a reserve of {of.reserve:,}",
    )
    return ", ".join(filter(None, bounds))


def notes(results: Results) -> list[str]:
    """What the reader must know before any figure."""
    said = []
    if results.frozen is not None and results.frozen != results.applied:
        said.append(f"the newest manifest counts {results.frozen:,}: some were withdrawn since, or records have gone")
    if results.frozen is None:
        said.append("the round is not frozen: applications may still come")
    if results.unreadable:
        said.append(f"{results.unreadable:,} records could not be read, and are left out")
    for policy, count in zip((results.old, results.new), results.faulted, strict=True):
        if count:
            said.append(f"{count:,} could not be judged under {policy.policy}: it would be parked")
    for policy, kept_out, drawn in zip((results.old, results.new), results.beyond, results.tickets, strict=True):
        if kept_out and kept_out.entries:
            said.append(
                f"{policy.policy} limits the entries of a firm: {kept_out.entries:,} of {kept_out.firms:,} firms "
                f"came last and would not have been admitted, with {kept_out.tickets:,} of {drawn:,} tickets"
            )
    for policy, drawn in zip((results.old, results.new), results.draws, strict=True):
        if not drawn:
            said.append(f"{policy.policy}: {NO_CHANCE}")
    return said


def _row(group: Group) -> tuple[Any, ...]:
    chances = f"{percent(group.old_chance)} → {percent(group.new_chance)}"
    tickets = f"{group.old_tickets:,} → {group.new_tickets:,}"
    return group.name, group.applied, group.old, group.new, group.gained, group.lost, tickets, chances


def percent(chance: Fraction | None) -> str:
    return "–" if chance is None else f"{float(chance):.2%}"


def _tickets(stand: Stand) -> tuple[str, str]:
    old, new = (" or ".join(map(str, counts)) or "not eligible" for counts in (stand.old, stand.new))
    return old, new


def _chances(stand: Stand, results: Results) -> tuple[str, str]:
    old, new = (
        " or ".join(exact(tickets, results, side) or "–" for tickets in counts) or "–"
        for side, counts in enumerate((stand.old, stand.new))
    )
    return old, new


def _table(console: Console, title: str, head: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    listed = list(rows)
    if not listed:
        return
    table = Table(*head, title=title, title_justify="left")
    for row in listed:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)

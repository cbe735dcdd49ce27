"""How the replay of the first half of 2018 is told: in words, for the terminal, and for the page."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

from rich.table import Table

from firstbuy.demo.first_half import STOPS
from firstbuy.reports.charts import Bar, Part, bars, legend
from firstbuy.reports.page import section, table
from firstbuy.reports.words import KINDS, RULES
from firstbuy.simulate.results import Results, RuleFigures

PAGE: Final = "first-half.html"
"""The simulator's own page, beside the demo's report."""
_NAMED: Final = 3


def difference(results: Results) -> str:
    """Why the two policies differ over one pool, in one paragraph."""
    if not results.gained:
        return f"Nobody whom {results.old.policy} refused would have been let in by {results.new.policy}."
    under, other = results.eligible
    kind = max(results.by_kind, key=lambda group: group.gained)
    who = "All of them" if kind.gained == results.gained else f"{kind.gained} of them"
    alone = max(results.by_rule, key=lambda rule: rule.alone)
    ways = sorted((rule for rule in results.by_rule if rule.gave_way), key=lambda rule: -rule.gave_way)[:_NAMED]
    exempt = {rule for track in results.new.tracks for waiver in track.waivers for rule in waiver.waives}
    alike = [rule for rule in results.by_rule if rule.rule not in exempt and rule.old == rule.new]
    both = f" What both ask of everybody stands against as many under either: {_listed(alike, 'old')}." if alike else ""
    return (
        f"Of these {results.applied} generated firms {under} met every condition of the first half, and {other} would "
        f"have met those of the second, judged by the same day: {results.gained} more, {results.lost or 'none'} fewer. "
        f"{who} count as {_english(KINDS[kind.name])}: the second half exempts a startup whose certificate holds from "
        f"every other condition on the company. What had stood against those {results.gained}: "
        f"{_listed(ways, 'gave_way')}. {_english(RULES[alone.rule]).capitalize()} alone had kept out {alone.alone} of "
        f"the {results.applied}.{both} That is the ministry's finding of 2018 in figures: the qualifications asked of "
        "the company had been set too high."
    )


def compared(results: Results) -> Iterator[Table]:
    """Tables: how many are eligible under each policy, by kind of firm and by rule."""
    old, new = results.old.policy, results.new.policy
    kinds = _table(
        f"The {results.applied} of {results.round} under both policies", "applied", old, new, "gained", "lost"
    )
    for group in results.by_kind:
        cells = (group.applied, group.old, group.new, group.gained, group.lost)
        kinds.add_row(KINDS[group.name], *map(str, cells))
    kinds.add_section()
    totals = (results.applied, *results.eligible, results.gained, results.lost)
    kinds.add_row("eligible", *map(str, totals))
    yield kinds
    rules = _table("What stands against them, by rule", old, new, "alone", "gave way")
    for rule in results.by_rule:
        rules.add_row(RULES[rule.rule], *map(str, (rule.old, rule.new, rule.alone, rule.gave_way)))
    rules.caption = difference(results)
    rules.caption_justify = "left"
    yield rules


def first_half_section(results: Results) -> str:
    """The report's section on the round of the first half, as HTML."""
    old, new = results.old.policy, results.new.policy
    chart = [
        bar
        for group in results.by_kind
        for bar in (
            Bar(f"{KINDS[group.name]} · H1", [Part(group.old, "e", f"{group.old} under {old}")], f"{group.old}"),
            Bar("H2", [Part(group.old - group.lost, "a", f"{group.old - group.lost} under both"),
                       Part(group.gained, "b", f"{group.gained} gained")], f"{group.new} / {group.applied}"),
        )
    ]  # fmt: skip
    key = (("e", old), ("a", "두 정책 모두 (under both)"), ("b", "새로 자격 (gained)"))
    head = (
        "",
        f"불충족 against, {old}",
        f"against, {new}",
        "이 규칙만 alone",
        "길을 열어 줌 gave way",
        "now keeps out",
    )
    body = (
        f"<p>{escape(difference(results))}</p>"
        + bars(chart, title="Eligible under the policies of both halves, over the first half's applications")
        + legend(key)
        + table(head, [(RULES[r.rule], r.old, r.new, r.alone, r.gave_way, r.keeps_out) for r in results.by_rule])
        + f'<p>{escape(STOPS)}. <a href="{PAGE}">The simulator\'s own page</a>: by record and track, tickets, and who '
        "changes side.</p>"
    )
    return section("2018년 상반기 재현", "The first half of 2018, held beside this round and replayed", body)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _listed(rules: Sequence[RuleFigures], figure: str) -> str:
    return ", ".join(f"{_english(RULES[rule.rule])} ({getattr(rule, figure)})" for rule in rules)


def _english(words: Any) -> str:
    """Of a name in both languages, `한국어 (English)`."""
    return str(words).partition(" (")[2].removesuffix(")")

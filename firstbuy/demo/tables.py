"""The tables at the end, for the terminal."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from firstbuy.demo.account import Account
from firstbuy.demo.audit import Audit
from firstbuy.demo.checks import Check
from firstbuy.demo.course import Course
from firstbuy.demo.figures import OUTCOMES, Figures, Group, Purse
from firstbuy.demo.first_half import FirstHalf
from firstbuy.demo.target import Target
from firstbuy.demo.two_policies import compared
from firstbuy.reports.words import FOUNDERS, KINDS, RULES, billions


def tables(course: Course, first: FirstHalf, account: Account, audit: Audit, figures: Figures) -> Iterator[Table]:
    yield _admitted(course, account)
    yield _rules(figures)
    yield _groups("Selected by kind of firm", figures.by_kind)
    yield _records(figures)
    yield _first_round(figures)
    yield _money(figures)
    yield _roots(account, audit)
    yield from compared(first.results)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _admitted(course: Course, account: Account) -> Table:
    table = _table("Admitted", "", "")
    statuses = course.traffic.statuses
    rows: tuple[tuple[str, Any], ...] = (
        ("requests answered over HTTP", sum(statuses.values())),
        ("  by status", "  ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))),
        ("applications admitted", account.frozen["applications"]["count"]),
        ("  of them resubmitted and withdrawn before the close", f"{account.resubmitted} / {len(account.withdrawn)}"),
        ("refused: too late / too early", f"{statuses[410]} / {course.traffic.accepted['before the opening']}"),
        ("inbox messages of institutions, each answered once", len(account.answers)),
        ("purchase requests that stand", account.frozen["requests"]["count"]),
    )
    for name, value in rows:
        table.add_row(name, f"{value:,}" if isinstance(value, int) else value)
    return table


def _rules(figures: Figures) -> Table:
    table = _table("Judged by rule", "rule", *OUTCOMES)
    for rule, counts in figures.by_rule.items():
        cells = [f"{counts[outcome]:,}" if counts[outcome] else "·" for outcome in OUTCOMES]
        table.add_row(RULES.get(rule, rule), *cells)
    table.add_section()
    outcomes = figures.outcomes
    table.add_row(f"eligible {outcomes['eligible']:,}, ineligible {outcomes['ineligible']:,}", *[""] * 4)
    return table


def _groups(title: str, groups: tuple[Group, ...]) -> Table:
    table = _table(title, "", "applied", "eligible", "selected", "selected / applied")
    for group in groups:
        name = KINDS.get(group.name, group.name)
        table.add_row(name, *(f"{n:,}" for n in (group.applied, group.eligible, group.selected)), f"{group.share:.1%}")
    return table


def _records(figures: Figures) -> Table:
    without, with_record = figures.by_record
    table = _groups("Selected by public supply record", figures.by_record)
    if with_record.share:
        times = without.share / with_record.share
        table.caption = f"Without a record the chance was {times:.1f} times that of firms with one."
    return table


def _first_round(figures: Figures) -> Table:
    table = _table("The same applications under the rules of the first round", "", "applied", "let in by H1", "by H2")
    for group in figures.compared:
        cells = [f"{n:,}" for n in (group.applied, group.under_h1, group.under_h2)]
        table.add_row(KINDS[group.kind], *cells)
    table.add_section()
    table.add_row(
        "all",
        f"{sum(group.applied for group in figures.compared):,}",
        f"{figures.h1_eligible:,}",
        f"{figures.outcomes['eligible']:,}",
    )
    table.caption = "Judged by the day of the second round, so that only the rules differ."
    return table


def _money(figures: Figures) -> Table:
    table = _table("Money against pledge, in 억원 (100 million won)", "", "pledged", "asked", "awarded", "purchases")

    def row(name: str, purses: list[Purse]) -> None:
        sums = [sum(values) for values in zip(*((p.pledged, p.asked, p.awarded) for p in purses), strict=True)]
        used = f"{sums[2] / sums[0]:.0%}" if sums[0] else ""
        cells = [billions(value) for value in sums]
        table.add_row(name, *cells[:2], f"{cells[2]} ({used})", f"{sum(p.products for p in purses):,}")

    for purse in figures.purses:
        row(purse.name.partition(" (")[0], [purse])
    table.add_section()
    row("six founders", [purse for purse in figures.purses if purse.institution in FOUNDERS])
    row("twenty that joined", [purse for purse in figures.purses if purse.institution not in FOUNDERS])
    row("all", list(figures.purses))
    return table


def _roots(account: Account, audit: Audit) -> Table:
    table = _table("Roots", "", "")
    table.columns[1].justify = "left"
    for name, value in (
        ("admitted (manifest at the freeze)", account.frozen["applications"]["root"]),
        ("judged (from verdicts.v1)", audit.judged),
        ("selected from (from selections.v1)", audit.selected_from),
        ("commitment", account.committed["commitment_root"]),
        ("seed", account.proposed["seed"]),
        ("selection, confirmed by two officers", account.confirmed["selection_root"]),
    ):
        table.add_row(name, value)
    table.caption = f"The seed was due after the commitment: {account.source['value']} from {account.source['source']}"
    return table


def differences(checks: list[Check]) -> Table:
    table = _table("Differences", "what", "expected", "found")
    for check in checks:
        if not check.holds:
            table.add_row(check.what, str(check.expected)[:400], str(check.found)[:400])
    return table


def links(target: Target) -> Table:
    table = _table("Still running", "", "")
    table.columns[1].justify = "left"
    table.add_row("open", f"{target.portal_url}", style="bold")
    for service, url in target.urls.items():
        table.add_row(service, f"{url}  ({url}/docs, {url}/asyncapi, {url}/metrics)")
    table.add_row("mails", str(target.mail_folder))
    table.add_row("Kafka", target.client.bootstrap_servers)
    table.add_row("look at it", "firstbuy status, firstbuy logs --follow")
    table.add_row("stop it", "firstbuy down")
    return table

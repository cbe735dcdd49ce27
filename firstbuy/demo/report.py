"""`var/demo/report.html`: the round for a programme officer. One file, nothing fetched from elsewhere."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Final

from firstbuy.demo.account import Account
from firstbuy.demo.audit import Audit
from firstbuy.demo.checks import Check
from firstbuy.demo.entries import STATES_A_FACT
from firstbuy.demo.figures import OUTCOMES, Figures, Group, Purse
from firstbuy.demo.first_half import FirstHalf
from firstbuy.demo.two_policies import first_half_section
from firstbuy.reports.charts import Bar, Part, bars, legend
from firstbuy.reports.page import kst, page, scrolling, section, table
from firstbuy.reports.words import FOUNDERS, KINDS, REASONS, RULES, billions

_COLOURS: Final = {"pass": "a", "fail": "d", "waived": "b", "unknown": "c"}
_OUTCOME_WORDS: Final = {
    "pass": "충족 (met)", "fail": "미충족 (not met)", "waived": "면제 (waived)", "unknown": "확인 불가 (not shown)",
}  # fmt: skip


def report(
    summary: dict[str, Any], first: FirstHalf, account: Account, audit: Audit, figures: Figures, checks: Sequence[Check]
) -> str:
    """The whole report as one HTML page."""
    sections = "".join(
        (
            _head(account, summary),
            _tiles(summary, figures),
            _verdict(checks),
            _records(figures),
            _kinds(figures),
            _rules(figures),
            _first_round(figures),
            first_half_section(first.results),
            _money(figures),
            _edge(summary, account),
            _proof(account, audit, checks),
            _foot(summary),
        )
    )
    return page(account.opened["title"], sections)


def _head(account: Account, summary: dict[str, Any]) -> str:
    ko, _, en = account.opened["title"].partition(" (")
    said = f"{en.rstrip(')').capitalize()} · pilot purchase of technological products"
    return (
        f"<h1>{escape(ko)}<small>{escape(said)}</small></h1>"
        f'<p class="soft">접수 {kst(account.opened["opens_at"])} – {kst(account.opened["closes_at"])} KST. '
        f"A rehearsal with generated applications (seed {summary['seed']}): no firm, product or person in it is real. "
        f"The month passed in {summary['window_seconds']:.0f} seconds.</p>"
    )


def _tiles(summary: dict[str, Any], figures: Figures) -> str:
    awarded = sum(purse.awarded for purse in figures.purses)
    tiles = (
        (f"{summary['admitted']:,}", "접수 확정 · admitted"),
        (f"{figures.outcomes['eligible']:,}", "자격 충족 · eligible"),
        (f"{summary['selected']:,}", f"선정 · selected ({summary['selected'] / max(1, summary['admitted']):.1%})"),
        (f"{summary['reserve']:,}", "예비 · in reserve"),
        (f"{awarded / 10**8:,.0f}억원", f"구매 배정 · awarded, of {_pledged(figures)}"),
        (f"{sum(summary['notices'].values()):,}", "통지 · notices delivered"),
    )
    return (
        '<div class="tiles">' + "".join(f"<div><b>{a}</b><span>{escape(b)}</span></div>" for a, b in tiles) + "</div>"
    )


def _pledged(figures: Figures) -> str:
    return f"{sum(purse.pledged for purse in figures.purses) / 10**8:,.0f}억원 pledged"


def _verdict(checks: Sequence[Check]) -> str:
    wrong = [check for check in checks if not check.holds]
    if not wrong:
        said = (
            f"<p>All {len(checks)} checks hold. What was admitted, what was judged and what was selected from is one "
            "and the same set, by digest; the draw and the matching, done again from the public topics, give the same "
            "result; everyone was told exactly once.</p>"
        )
        return section("검증 완료", "Verified against what was sent", said, "verdict")
    rows = [(check.what, str(check.expected)[:300], str(check.found)[:300]) for check in wrong]
    said = f"<p>{len(wrong)} of {len(checks)} checks differ.</p>" + table(("check", "expected", "found"), rows)
    return section("불일치", "Differences", said, "verdict bad")


def _group_chart(groups: Sequence[Group], title: str) -> str:
    chart = [
        Bar(
            KINDS[group.name],
            (
                Part(group.selected, "a", f"{group.selected} selected"),
                Part(group.eligible - group.selected, "b", f"{group.eligible - group.selected} eligible, not selected"),
                Part(group.applied - group.eligible, "wash", f"{group.applied - group.eligible} not eligible"),
            ),
            f"{group.selected} / {group.applied:,} ({group.share:.1%})",
        )
        for group in groups
    ]
    key = (("a", "선정 (selected)"), ("b", "자격 충족, 미선정 (eligible)"), ("wash", "자격 미달 (not eligible)"))
    return bars(chart, title=title) + legend(key)


def _group_table(groups: Sequence[Group]) -> str:
    rows = [(KINDS[g.name], g.applied, g.eligible, g.selected, f"{g.share:.1%}") for g in groups]
    total = Group("all", *(sum(getattr(g, name) for g in groups) for name in ("applied", "eligible", "selected")))
    rows.append(("계 (all)", total.applied, total.eligible, total.selected, f"{total.share:.1%}"))
    return table(("", "신청 applied", "자격 eligible", "선정 selected", "선정률 share"), rows, sums=1)


def _records(figures: Figures) -> str:
    without, with_record = figures.by_record
    times = f"{without.share / with_record.share:.1f}" if with_record.share else "–"
    said = (
        f"<p>Firms that had sold nothing to public institutions before had {times} times the chance of those that "
        f"had: {without.share:.1%} against {with_record.share:.1%}. The less supply record, the more tickets.</p>"
    )
    title = "Selected share without and with a public supply record"
    return section(
        "공공 납품 실적과 선정률", "A first sale is what the programme is for",
        said + _group_chart(figures.by_record, title) + _group_table(figures.by_record),
    )  # fmt: skip


def _kinds(figures: Figures) -> str:
    reasons = [(REASONS.get(reason, reason), count) for reason, count in figures.reasons.most_common()]
    return section(
        "기업 유형별 선정", "Selected by kind of firm",
        _group_chart(figures.by_kind, "Selected by kind of firm")
        + _group_table(figures.by_kind)
        + '<p class="soft">미선정 사유: why the others are not selected</p>'
        + table((), reasons),
    )  # fmt: skip


def _rules(figures: Figures) -> str:
    chart = [
        Bar(
            RULES.get(rule, rule),
            [Part(counts[outcome], _colour(rule, outcome), f"{counts[outcome]:,} {outcome}") for outcome in OUTCOMES],
            f"{counts['pass']:,}",
        )
        for rule, counts in figures.by_rule.items()
    ]
    rows = [
        (RULES.get(rule, rule), *(counts[outcome] for outcome in OUTCOMES)) for rule, counts in figures.by_rule.items()
    ]
    said = (
        "<p>Every rule is judged for every application, and every finding is told to its firm. “Not shown” is its own "
        "outcome: evidence that is missing is not a failure. A startup with a certificate that holds is exempt from "
        "every other company condition; those exemptions are the waived ones.</p>"
    )
    body = (
        said
        + bars(chart, title="Findings by rule")
        + legend(
            [
                *((_COLOURS[outcome], _OUTCOME_WORDS[outcome]) for outcome in OUTCOMES),
                ("e", "해당 없음 (is none; no condition)"),
            ]
        )
    )
    return section("규칙별 판정", "Judged by rule", body + table(("", *_OUTCOME_WORDS.values()), rows))


def _colour(rule: str, outcome: str) -> str:
    """Not being a startup is no failure."""
    return "e" if rule in STATES_A_FACT and outcome == "fail" else _COLOURS[outcome]


def _first_round(figures: Figures) -> str:
    chart = [
        bar
        for group in figures.compared
        for bar in (
            Bar(f"{KINDS[group.kind]} · H1", [Part(group.under_h1, "e", "first round's rules")], f"{group.under_h1:,}"),
            Bar("H2", [Part(group.under_h2, "a", "second round's rules")], f"{group.under_h2:,} / {group.applied:,}"),
        )
    ]
    more = figures.outcomes["eligible"] - figures.h1_eligible
    said = (
        f"<p>Under the company conditions of the first half of 2018, {figures.h1_eligible:,} of these same "
        f"applications would have been eligible; the second round's exemption lets in {more:,} more. Both are judged "
        "by the day of the second round, so that only the rules differ.</p>"
    )
    return section(
        "상반기 기준과 비교", "The same applications under the first round’s rules",
        said + bars(chart, title="Eligible under the first and the second round's rules"),
    )  # fmt: skip


def _money(figures: Figures) -> str:
    chart = [
        Bar(
            purse.name.partition(" (")[0],
            (
                Part(purse.awarded, "a", f"{billions(purse.awarded)}억원 awarded"),
                Part(max(0, purse.asked - purse.awarded), "wash", f"{billions(purse.asked)}억원 asked for"),
            ),
            f"{billions(purse.awarded)} / {billions(purse.pledged)}",
            mark=purse.pledged,
        )
        for purse in figures.purses
    ]

    def line(name: str, belongs: Callable[[Purse], bool]) -> tuple[Any, ...]:
        chosen = [purse for purse in figures.purses if belongs(purse)]
        pledged, awarded = sum(p.pledged for p in chosen), sum(p.awarded for p in chosen)
        sums = (billions(pledged), billions(sum(p.asked for p in chosen)), billions(awarded))
        return name, *sums, f"{awarded / pledged:.0%}" if pledged else "", sum(p.products for p in chosen)

    rows = [line(purse.name, purse.__eq__) for purse in figures.purses]
    rows += [
        line("6개 협약 기관 (six founders)", lambda purse: purse.institution in FOUNDERS),
        line("20개 신규 기관 (twenty that joined)", lambda purse: purse.institution not in FOUNDERS),
        line("계 (all)", lambda purse: True),
    ]
    key = (("a", "배정 (awarded)"), ("wash", "구매 요청 (asked for)"), ("e", "세로선: 약정 (line: the pledge)"))
    head = ("", "약정 pledged", "요청 asked", "배정 awarded", "", "구매 purchases")
    return section(
        "기관별 약정과 배정 (억원)", "Money against pledge, in 100 million won",
        bars(chart, title="Money awarded against pledge by institution") + legend(key)
        + f"<details><summary>표 · table</summary>{table(head, rows, sums=3)}</details>",
    )  # fmt: skip


def _edge(summary: dict[str, Any], account: Account) -> str:
    meaning = {
        "200": "changed or withdrawn", "201": "entered; the same again under its key gets its receipt again",
        "400": "unreadable", "409": "not open yet, or this product is entered already", "410": "after the close",
        "412": "another version stands", "413": "too large", "415": "not JSON", "422": "fields that can’t be held",
        "428": "no version named", "429": "busy, sent again", "503": "storage away, sent again",
    }  # fmt: skip
    rows = [(status, meaning.get(status, ""), count) for status, count in summary["http"].items()]
    answers: dict[str, int] = {}
    for answer in account.answers:
        answers[answer["answer"]] = answers.get(answer["answer"], 0) + 1
    said = ", ".join(f"{count} {name}" for name, count in sorted(answers.items()))
    return section(
        "접수 창구", "What was sent, and how it was answered",
        table(("HTTP", "", "answers"), rows, css="words")
        + f"<p>Institutions wrote {len(account.answers)} messages into their inboxes; each was answered exactly once: "
        f"{escape(said)}. {summary['purchase_requests']} purchase requests stood at the freeze.</p>",
    )  # fmt: skip


def _proof(account: Account, audit: Audit, checks: Sequence[Check]) -> str:
    rows = (
        ("접수 확정 admitted", account.frozen["applications"]["root"]),
        ("판정 judged", audit.judged),
        ("선정 대상 selected from", audit.selected_from),
        ("약속 commitment", account.committed["commitment_root"]),
        ("공개 추첨값 public source", account.source["value"]),
        ("추첨 시드 seed", account.proposed["seed"]),
        ("선정 결과 selection", account.confirmed["selection_root"]),
    )
    body = "".join(f"<tr><td>{escape(name)}</td><td><code>{escape(value)}</code></td></tr>" for name, value in rows)
    turns = [
        ("마감 closed", account.opened["closes_at"]), ("동결 frozen", account.frozen["frozen_at"]),
        ("판정 완료 judged", account.judged["completed_at"]), ("약속 committed", account.committed["committed_at"]),
        ("추첨값 예정 source due", account.source["due_at"]), ("제안 proposed", account.proposed["proposed_at"]),
        ("확정 confirmed", account.confirmed["confirmed_at"]),
    ]  # fmt: skip
    officers = ", ".join(actor["name"] for actor in account.confirmed["actors"])
    held = "".join(f"<li>{'✓' if check.holds else '✗'} {escape(check.what)}</li>" for check in checks)
    return section(
        "증명", "Proof",
        "<p>The first three are equal: nothing was lost or added between the close and the draw. The commitment stood "
        "before the public value was due, so nobody could choose the result. Any ticket can be recomputed with "
        "<code>printf '%s' 'SEED:APPLICATION:1' | sha256sum</code>.</p>"
        + scrolling(f'<table class="roots">{body}</table>', "증명 · roots")
        + table((), [(name, f"{kst(moment, seconds=True)} KST") for name, moment in turns])
        + f"<p>Confirmed by {escape(officers)}.</p>"
        f"<details><summary>{len(checks)} checks</summary><ul class=checks>{held}</ul></details>",
    )  # fmt: skip


def _foot(summary: dict[str, Any]) -> str:
    kafka, postgres = summary["kafka"], summary["postgres"]
    return (
        f'<p class="soft">Kafka: {escape(kafka["kind"])} {escape(kafka["version"])} · PostgreSQL: '
        f"{escape(postgres['kind'])} {escape(postgres['version'])} · {summary['wall_seconds']} s from start to end. "
        "Figures were read from the services’ topics and APIs. The same as data: summary.json beside this file.</p>"
    )

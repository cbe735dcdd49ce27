"""The results as one HTML file for a programme officer, drawn with the demo's charts; nothing is fetched."""

from html import escape

from firstbuy.reports.charts import Bar, Part, bars, legend
from firstbuy.reports.page import page, section, table
from firstbuy.reports.words import KINDS, RULES
from firstbuy.simulate.cases import band_words
from firstbuy.simulate.results import CHANCE_METHOD, Group, Results
from firstbuy.simulate.shown import exact, limits, notes, percent


def html(results: Results) -> str:
    return page(
        f"{results.round}: {results.old.policy} → {results.new.policy}",
        "".join((_head(results), _tiles(results), _kinds(results), _records(results), _rules(results),
                 _chances(results), _changed(results), _foot(results))),
    )  # fmt: skip


def _head(results: Results) -> str:
    said = "".join(f"<p>{escape(note[0].upper() + note[1:])}.</p>" for note in notes(results))
    return (
        f"<h1>{escape(results.title)}<small>What another policy would have changed</small></h1>"
        f'<p class="soft">{escape(results.old.title.en)} ({escape(results.old.policy)}) against '
        f"{escape(results.new.title.en)} ({escape(results.new.policy)}), over the same {results.applied:,} "
        f"applications as they are recorded. Both are judged by {results.as_of}, so that only the rules differ.</p>"
        + said
    )


def _tiles(results: Results) -> str:
    tiles = (
        (f"{results.applied:,}", "신청 · applications"),
        (f"{results.eligible[0]:,}", f"자격 충족 · eligible, {results.old.policy}"),
        (f"{results.eligible[1]:,}", f"자격 충족 · eligible, {results.new.policy}"),
        (f"+{results.gained:,}", "새로 자격 · gained"),
        (f"−{results.lost:,}", "자격 상실 · lost"),
        (f"{results.tickets[0]:,} → {results.tickets[1]:,}", "추첨권 · tickets"),
    )
    body = "".join(f"<div><b>{escape(value)}</b><span>{escape(words)}</span></div>" for value, words in tiles)
    return f'<div class="tiles">{body}</div>'


def _kinds(results: Results) -> str:
    body = _groups(results, results.by_kind, "Eligible by kind of firm")
    if len(results.by_track) > 1:
        body += _groups(results, results.by_track, "Eligible by track")
    return section("기업 유형별", "By kind of firm", body)


def _records(results: Results) -> str:
    body = _groups(results, results.by_band, "Eligible by public supply record")
    return section("공공 납품 실적별", "By public supply record", body)


def _groups(results: Results, groups: tuple[Group, ...], title: str) -> str:
    chart = [
        bar
        for group in groups
        for bar in (
            Bar(KINDS.get(group.name, group.name),
                (Part(group.old, "e", f"{group.old:,} under {results.old.policy}"),),
                f"{group.old:,} of {group.applied:,}"),
            Bar("",
                (Part(group.old - group.lost, "a", f"{group.old - group.lost:,} under both"),
                 Part(group.gained, "b", f"{group.gained:,} gained"),
                 Part(group.lost, "d", f"{group.lost:,} lost")),
                f"{group.new:,} of {group.applied:,}"),
        )
    ]  # fmt: skip
    key = (
        ("e", results.old.policy), ("a", "두 정책 모두 (under both)"), ("b", "새로 자격 (gained)"),
        ("d", "자격 상실 (lost)"),
    )  # fmt: skip
    rows = [
        (KINDS.get(group.name, group.name), group.applied, group.old, group.new, group.gained, group.lost,
         f"{group.old_tickets:,} → {group.new_tickets:,}",
         f"{percent(group.old_chance)} → {percent(group.new_chance)}")
        for group in groups
    ]  # fmt: skip
    head = (
        "", "신청 applied", results.old.policy, results.new.policy, "gained", "lost", "추첨권 tickets",
        "첫 자리 확률 chance of the first place",
    )  # fmt: skip
    return bars(chart, title=title) + legend(key) + table(head, rows)


def _rules(results: Results) -> str:
    chart = [
        bar
        for rule in results.by_rule
        for bar in (
            Bar(RULES.get(rule.rule, rule.rule),
                (Part(rule.alone, "d", f"{rule.alone:,} refused by this rule alone"),
                 Part(rule.old - rule.alone, "c", f"{rule.old - rule.alone:,} refused by others too")),
                f"{rule.old:,} under {results.old.policy}"),
            Bar("", (Part(rule.new, "a", f"{rule.new:,}"),), f"{rule.new:,} under {results.new.policy}"),
        )
    ]  # fmt: skip
    key = (
        ("d", f"{results.old.policy}: 이 규칙만 (this rule alone)"),
        ("c", f"{results.old.policy}: 다른 규칙도 (others too)"), ("a", results.new.policy),
    )  # fmt: skip
    head = ("", results.old.policy, "alone", results.new.policy, "길을 열어 줌 gave way", "새로 막음 now keeps out")
    rows = [
        (RULES.get(r.rule, r.rule), r.old, r.alone, r.new, r.gave_way, r.keeps_out) for r in results.by_rule
    ]  # fmt: skip
    said = (
        f"<p>Under {escape(results.old.policy)}, {results.unsure[0]:,} were refused for want of evidence alone: "
        f"nothing they stated was against them. Under {escape(results.new.policy)}: {results.unsure[1]:,}.</p>"
    )
    return section(
        "규칙별 미충족", "What stood against them, by rule",
        said + bars(chart, title="Applications a rule stands against") + legend(key) + table(head, rows),
    )  # fmt: skip


def _chances(results: Results) -> str:
    rows = [
        (KINDS.get(stand.kind, stand.kind), band_words(stand.band),
         " / ".join(map(str, stand.old)) or "–", " / ".join(map(str, stand.new)) or "–",
         " / ".join(exact(tickets, results, 0) or "–" for tickets in stand.old) or "–",
         " / ".join(exact(tickets, results, 1) or "–" for tickets in stand.new) or "–")
        for stand in results.stands
    ]  # fmt: skip
    head = (
        "", "실적 record", f"tickets, {results.old.policy}", f"tickets, {results.new.policy}",
        f"chance, {results.old.policy}", f"chance, {results.new.policy}",
    )  # fmt: skip
    bounds = "".join(f"<li>{escape(each.policy)}: {escape(limits(each))}</li>" for each in (results.old, results.new))
    body = f"<p>{escape(CHANCE_METHOD)}</p><ul>{bounds}</ul>" + table(head, rows)
    return section("추첨권과 확률", "Tickets and chances of one application", body)


def _changed(results: Results) -> str:
    if not results.examples:
        return section("판정이 바뀐 신청", "Who changes side", "<p>Nobody.</p>")
    rows = [
        (application, "gained" if case.gained else "lost", KINDS.get(case.kind, case.kind),
         ", ".join(case.old.against if case.gained else case.new.against))
        for application, case in results.examples
    ]  # fmt: skip
    shown, total = len(rows), results.gained + results.lost
    more = f"<p>The first {shown:,} of {total:,}, by id.</p>" if shown < total else ""
    head = ("application", "", "", "불충족 규칙 against, under the other")
    return section("판정이 바뀐 신청", "Who changes side", more + table(head, rows, css="words"))


def _foot(results: Results) -> str:
    return (
        f'<p class="soft">{results.records:,} records were read from the topic; of each application the newest version '
        f"counts, and {results.withdrawn:,} withdrawn ones are left out. Verdicts are those of the rules themselves; a "
        "startup is a firm under 7 years, a first-timer one with at most 500 million won sold to public institutions, "
        "whatever either policy says.</p>"
    )

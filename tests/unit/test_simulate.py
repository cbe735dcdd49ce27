"""`firstbuy simulate`: the same applications under two policies. Whoever changes side does so by `judge` alone."""

import json
import re
from dataclasses import replace
from datetime import date
from fractions import Fraction
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from firstbuy.cli import assembled
from firstbuy.simulate.cases import NOT_STATED, Comparison, Side, band_of, band_words, judged
from firstbuy.simulate.page import html
from firstbuy.simulate.replay import Replay
from firstbuy.simulate.results import Results, results_of
from firstbuy.simulate.sample import APPLIED, ROUND, SELECTED, sample_policy, sample_records
from firstbuy.simulate.shown import limits, notes, show
from services.eligibility.domain.compiled import PolicyRules
from services.eligibility.domain.judge import judge
from shared.contracts.events import ApplicationSubmitted
from shared.contracts.facts import SupplyRecord
from shared.contracts.findings import VerdictOutcome
from shared.contracts.policy import Policy, TrackLimits
from tests.data.facts import POLICIES, policy

H1, H2 = policy("2018-h1"), policy("2018-h2")
SAMPLE = list(sample_records(H1))


def comparison(old: Policy = H1, new: Policy = H2, day: date = H1.as_of, **tracks: str) -> Comparison:
    return Comparison.of(Side.of(old, "0" * 64, day), Side.of(new, "1" * 64, day), tracks)


def replayed(records: list[tuple[str, str, bytes]] = SAMPLE, of: Comparison | None = None, listed: int = 20) -> Results:
    replay = Replay(ROUND, of or comparison(), listed)
    for _, kind, body in records:
        replay.take(kind, body)
    replay.settle()
    sides = replay.comparison
    return results_of(replay.tally, ROUND, "t", "d", sides.old.policy, sides.new.policy, None)


def newest() -> list[ApplicationSubmitted]:
    found: dict[str, ApplicationSubmitted] = {}
    for application, kind, body in SAMPLE:
        if kind == "ApplicationSubmitted":
            found[application] = ApplicationSubmitted.model_validate_json(body)
    return list(found.values())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(assembled(), ["simulate", *arguments])


def test_the_sample_is_the_first_round_in_shape() -> None:
    assert sample_policy(H1).limits.places == SELECTED
    assert replayed().applied == APPLIED
    assert list(sample_records(H1)) == SAMPLE


def test_who_is_let_in_is_who_judging_lets_in() -> None:
    results = replayed()
    for of, counted in ((H1, results.eligible[0]), (H2, results.eligible[1])):
        rules = PolicyRules.compile(replace(of, as_of=H1.as_of), "0" * 64)
        assert counted == sum(judge(one.facts, rules).outcome is VerdictOutcome.ELIGIBLE for one in newest())
    assert results.eligible[1] - results.eligible[0] == results.gained - results.lost


def test_the_first_rounds_qualifications_kept_startups_out() -> None:
    """The ministry's finding of 2018, on generated firms."""
    results = replayed()
    kinds = {group.name: group for group in results.by_kind}
    assert kinds["startup"].old / kinds["startup"].applied < 0.3
    assert kinds["startup"].new / kinds["startup"].applied > 0.8
    assert results.gained == kinds["startup"].gained > 40
    assert results.lost == 0
    worst = max(results.by_rule, key=lambda rule: rule.gave_way)
    assert worst.rule == "sales-or-credit"


def test_order_repetition_and_other_rounds_change_nothing() -> None:
    straight = replayed()
    foreign = [(a, k, b.replace(b'"2018-h1"', b'"2019-q1"')) for a, k, b in SAMPLE[:50]]
    shuffled = [*SAMPLE, *SAMPLE[::3], *foreign]
    Random(7).shuffle(shuffled)  # noqa: S311
    again = replayed(shuffled)
    assert replace(again, records=straight.records) == straight


def test_a_withdrawn_application_is_out_whatever_came_before_or_after() -> None:
    application = SAMPLE[0][0]
    gone = json.dumps(
        {"round": ROUND, "application": application, "party": application, "version": 9,
         "received_at": "2018-05-01T00:00:00Z"}
    ).encode()  # fmt: skip
    withdrawal = (application, "ApplicationWithdrawn", gone)
    for records in ([withdrawal, *SAMPLE], [*SAMPLE, withdrawal]):
        results = replayed(records)
        assert (results.applied, results.withdrawn) == (APPLIED - 1, 2)


def test_what_can_not_be_read_is_counted_and_left_out() -> None:
    broken = [("x", "ApplicationSubmitted", body) for body in (b"", b"[]", b"{", b'{"round":"2018-h1"}')]
    unknown = ("x", "HoroscopeFiled", b"?")
    results = replayed([*broken, unknown, *SAMPLE])
    assert (results.unreadable, results.applied) == (4, APPLIED)


def test_a_chance_is_exact_and_all_chances_together_are_one() -> None:
    results = replayed(of=comparison(H2, H2))
    for groups in (results.by_kind, results.by_band, results.by_track):
        assert sum(group.new_chance or Fraction(0) for group in groups) == 1
        assert sum(group.new_tickets for group in groups) == results.tickets[1]
    alone = sum(
        Fraction(tickets * count, results.tickets[1])
        for stand in results.stands
        for tickets, count in stand.new.items()
    )
    assert alone == 1


def test_no_chance_follows_from_tickets_where_a_score_selects() -> None:
    results = replayed()
    assert {group.old_chance for group in results.by_kind} == {None}
    assert results.points[0] is not None
    assert results.points[1] is None


def test_under_the_same_policy_nobody_changes_side() -> None:
    results = replayed(of=comparison(H2, H2))
    assert (results.gained, results.lost, results.examples) == (0, 0, ())


def test_both_are_judged_by_one_day() -> None:
    """By the day of the second round, papers that held in May have ended."""
    later = replayed(of=comparison(day=H2.as_of))
    assert later.eligible[0] < replayed().eligible[0]


def test_an_application_can_be_judged_in_another_track() -> None:
    rolling = policy("rolling")
    assert replayed(of=comparison(H1, rolling)).eligible[1] == 0
    refused = {rule.rule: rule.new for rule in replayed(of=comparison(H1, rolling)).by_rule}
    assert refused["track"] == APPLIED
    assert replayed(of=comparison(H1, rolling, general="small-purchase")).eligible[1] > 60


def test_examples_are_the_first_by_id_however_many_are_asked_for() -> None:
    all_of_them = replayed(listed=1000).examples
    assert len(all_of_them) == replayed().gained
    assert [application for application, _ in all_of_them] == sorted(application for application, _ in all_of_them)
    assert replayed(listed=5).examples == all_of_them[:5]


@pytest.mark.parametrize(
    ("won", "words"),
    [
        (0, "no record"),
        (1, "up to 100 m won"),
        (500_000_000, "up to 500 m won"),
        (500_000_001, "up to 1,000 m won"),
        (2_000_000_001, "more than 2,000 m won"),
    ],
)
def test_records_fall_into_bands(won: int, words: str) -> None:
    assert band_words(band_of(SupplyRecord(won=won, count=1))) == words
    assert band_of(None) == NOT_STATED


class Fetches(HTMLParser):
    """Whatever a page would ask another place for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_one_file_that_fetches_nothing_and_holds_the_figures() -> None:
    results = replayed(of=comparison(H1, replace(H2, title=replace(H2.title, en="<b>Second & half</b>"))))
    written, fetches = html(results), Fetches()
    fetches.feed(written)
    assert fetches.found == []
    assert "url(" not in written
    assert "<b>Second" not in written
    assert "&lt;b&gt;Second &amp; half" in written
    assert f">+{results.gained}</b>" in written
    assert written.count("<svg viewBox") > 3
    assert not re.search(r"(NaN|None|Fraction|Infinity)", written)


def test_limits_are_told_of_the_round_and_of_each_track_that_has_its_own() -> None:
    multi = policy("multi-track")
    tracks = (replace(multi.tracks[0], limits=TrackLimits(selections_per_firm=1)), multi.tracks[1], H1.tracks[0])
    assert limits(replace(multi, tracks=tracks)) == (
        "45 places, 2 of a firm, 3 entries of a firm, a reserve of 20; "
        "startup: the round's places, 1 of a firm; first-step: 15 places"
    )
    assert limits(H2) == "as many places as are asked for, 2 of a firm, 3 entries of a firm, a reserve of 100"


def test_from_the_command_line_as_table_json_and_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    arguments = ("--sample", "--policy", str(POLICIES / "2018-h2.yaml"))
    result = run(*arguments, "--json", "--html", str(page), "--list", "3")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["applied"], told["from"]["places"], len(told["changed"])) == (APPLIED, SELECTED, 3)
    assert told["eligible"]["to"] - told["eligible"]["from"] == told["gained"] - told["lost"]
    assert sum(Fraction(group["new_chance"]) for group in told["by_kind"]) == 1
    assert page.read_text().startswith("<!doctype html>")
    shown = run(*arguments).stdout
    assert f"{told['gained']} gained, 0 lost" in shown
    assert "who changes side, 20 of" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--round"),
        (("--sample", "--round", "2018-h1"), "--round"),
        (("--sample", "--as-of", "2018-02-30"), "YYYY-MM-DD"),
        (("--sample", "--as-of", "1514764800"), "YYYY-MM-DD"),
        (("--sample", "--track", "general"), "OLD=NEW"),
        (("--sample", "--track", "general=nowhere"), "one of general"),
        (("--sample", "--html", "/nowhere/x.html"), "/nowhere/x.html"),
    ],
)
def test_what_can_not_be_replayed_is_said(arguments: tuple[str, ...], said: str) -> None:
    result = run("--policy", str(POLICIES / "2018-h2.yaml"), *arguments)
    assert result.exit_code == 1
    assert said in result.output


def test_an_unsound_policy_is_refused_with_its_problems() -> None:
    result = run("--sample", "--policy", str(Path(__file__).parents[1] / "data" / "policies" / "unsound.yaml"))
    assert result.exit_code == 1
    assert "there is no rule horoscope" in result.output


def test_without_kafka_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIRSTBUY_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    result = run("--round", "2018-h1", "--policy", str(POLICIES / "2018-h2.yaml"))
    assert result.exit_code == 1
    assert "firstbuy up" in result.output


def test_a_round_nobody_applied_in_has_no_tables_and_still_a_page() -> None:
    nothing = replayed([])
    printed = Console(record=True, file=StringIO())
    show(nothing, printed)
    assert "0 applications" in (said := printed.export_text())
    assert "┏" not in said
    assert html(nothing).startswith("<!doctype html>")


def one_firm(of: list[ApplicationSubmitted], entries: int) -> list[tuple[str, str, bytes]]:
    """The sample with as many of its entries under one firm's number."""
    number = of[0].facts.applicant.business_number
    records = []
    for place, one in enumerate(of):
        if place < entries:
            one = one.model_copy(
                update={"facts": replace(one.facts, applicant=replace(one.facts.applicant, business_number=number))}
            )
        records.append((one.application, "ApplicationSubmitted", one.model_dump_json(exclude_none=True).encode()))
    return records


def capped(of: Policy, most: int | None, **tracks: int) -> Policy:
    own = tuple(
        replace(track, limits=TrackLimits(applications_per_firm=tracks.get(track.track))) for track in of.tracks
    )
    return replace(of, limits=replace(of.limits, applications_per_firm=most), tracks=own)


def test_it_says_what_a_limit_of_a_firms_entries_would_keep_out() -> None:
    records = one_firm(newest(), 40)
    results = replayed(records, comparison(capped(H1, None), capped(H2, 3)))
    assert results.beyond[0] is None, "no limit, nothing kept out"
    kept_out = results.beyond[1]
    assert kept_out is not None
    assert (kept_out.entries, kept_out.firms) == (37, 1)
    latest = sorted(newest()[:40], key=lambda one: one.received_at)[3:]
    rules = Side.of(H2, "1" * 64, H1.as_of)
    assert kept_out.tickets == sum(judged(one.facts, rules).tickets for one in latest)
    assert any("37 of 1 firms came last" in note for note in notes(results))


def test_a_tracks_limit_counts_the_tracks_entries_alone() -> None:
    results = replayed(one_firm(newest(), 40), comparison(capped(H1, None, general=2), capped(H2, 50, general=39)))
    assert [one and one.entries for one in results.beyond] == [38, 1]


def test_without_more_than_one_entry_nothing_is_kept_out() -> None:
    results = replayed(SAMPLE, comparison(capped(H1, 1), capped(H2, 3)))
    assert results.beyond[1] is not None
    assert not any("limits the entries" in note for note in notes(results) if H2.policy in note)

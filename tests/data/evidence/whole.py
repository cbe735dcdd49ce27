"""Lies that are more than one member."""

import json

from services.selection.domain.evidence import Depth
from services.selection.verify import LONGEST_LINE, over
from tests.data.evidence.members import ZEROS, Change, found_of, lines, member_of, place
from tests.support.forger import Forged, Level, Record, manifest, recomputed
from tests.support.true_bundles import ACT, PATTERNS, arranged, finished, told

NO_PATTERNS = {
    "slow": "(a+)+",
    "class": "[]a[b]",
    "back-reference": r"(a)\1",
    "ways": f"{PATTERNS[-1]}|z",
    "brace": "a}",
    "no-number": "a{x",
    "escape": r"\é",
    "ahead": "(?=a)a",
    "nested": "[[a]",
    "minus": "[a&&b]",
    "lazy": "a+?",
    "greedy": "a++",
    "nothing-again": "(a|)*b",
    "edge-again": "(^)*b",
}


"""None of them is of what the format has."""


def without(made: Forged, *names: str) -> None:
    made.records = [record for record in made.records if record.get("event", record["type"]) not in names]


def swapped(made: Forged, one: int, other: int) -> None:
    made.records[one], made.records[other] = made.records[other], made.records[one]


def again(made: Forged, kind: str) -> None:
    made.records.insert(place(made, kind), json.loads(json.dumps(made.records[place(made, kind)])))


def moved(made: Forged, kind: str, to: str) -> None:
    record = made.records.pop(place(made, kind))
    made.records.insert(place(made, to), record | {"type": made.records[place(made, to)]["type"]})


def voided_after_confirmation(made: Forged) -> Forged:
    told(made, "RoundVoided", ACT, voided_at="2018-12-01T00:00:00Z")
    return arranged(made)


def same_batch_names_twice(made: Forged) -> Forged:
    first, second = made.events("ReleaseOpened")
    second["leaving"] = first["leaving"]
    return recomputed(made, Level.CHANCE)


def nobody_of_the_set_leaves(made: Forged) -> Forged:
    leaving = made.events("ReleaseOpened")[0]["leaving"]
    leaving.append(leaving[0] | {"application": "00000000-0000-4000-8000-000000000000"})
    return recomputed(made, Level.CHANCE)


def no_such_request(made: Forged) -> Forged:
    cancelled = made.events("ReleaseOpened")[1]["cancelled"]
    cancelled.append(cancelled[0] | {"request": "kepco/PR-99"})
    return recomputed(made, Level.CHANCE)


def drawn_again(made: Forged) -> Forged:
    """Somebody of the first commitment is called admitted late, and draws anew."""
    body = made.event("EpochOpened")
    admitted = next(one for one in made.of("entry") if one["application"] in body["judge_again"])
    body |= {"admitted": body["judge_again"], "amended": [], "supplementary_source": "lotto"}
    admitted |= {"version": 1, "drawn_under": 2}
    value = made.event("SourceValueRecorded") | {"due_at": "2018-10-18T00:00:00Z", "value": "1.2.3./"}
    told(made, "SourceValueRecorded", value, epoch=2, recorded_at="2018-10-18T00:00:10Z")
    made.event("SelectionProposed", 2)["proposed_at"] = "2018-10-18T00:02:00Z"
    made.event("SelectionConfirmed", 2)["confirmed_at"] = "2018-10-18T02:00:00Z"
    return finished(made)


def judged_by_nobody(made: Forged) -> Forged:
    """A verdict of the first epoch is another in the second."""
    again = made.event("EpochOpened")["judge_again"]
    other = next(one for one in made.of("entry") if one["outcome"] == "eligible" and one["application"] not in again)
    other["outcome"] = "ineligible"
    return finished(made)


def nobody_taken_out(made: Forged) -> Forged:
    made.event("RoundFrozen")["applications"] = made.event("EpochOpened")["applications"]
    return made


def two_taken_out(made: Forged) -> Forged:
    """An act without a list takes out one."""
    before = made.event("RoundFrozen")["applications"]
    _grown(before, next(bucket for bucket in range(256) if not before["counts"][bucket]), 1)
    return made


def one_came_in(made: Forged) -> Forged:
    """Two are taken out, and somebody else comes in."""
    before = made.event("RoundFrozen")["applications"]
    empty = [bucket for bucket in range(256) if not before["counts"][bucket]]
    _grown(before, empty[0], 2)
    _grown(made.event("EpochOpened")["applications"], empty[1], 1)
    return made


def _grown(stated: Record, bucket: int, count: int) -> None:
    stated["counts"][bucket] += count
    stated["count"] += count
    stated["roots"][bucket] = ZEROS
    stated["root"] = over(stated["roots"])


def taken_out_after_completion(made: Forged) -> Forged:
    """Of a set that was completed nobody is parked."""
    frozen, entries = made.event("RoundFrozen"), made.of("entry")
    leaves = [[entry["application"], 1, entry["payload_hash"], 1, entry["outcome"], "0" * 64] for entry in entries]
    body = made.event("EligibilityCompleted") | {"epoch": 1, "completed_at": "2018-09-14T10:00:10Z"}
    counts = {"eligible": len(leaves) + 1, "ineligible": 0}
    body |= {"applications_root": frozen["applications"]["root"], "verdicts": manifest(leaves)} | counts
    body["verdicts"]["count"] = frozen["applications"]["count"]
    told(made, "EligibilityCompleted", body)
    return arranged(made)


def business_number_of_two(made: Forged) -> Forged:
    firms = {one["firm"]: one["open"]["facts"]["applicant"] for one in made.of("entry")}
    firms[1]["business_number"] = firms[2]["business_number"]
    return recomputed(made, Level.CHANCE)


def one_mark_more(made: Forged) -> Forged:
    found_of(made, "entry[selected]")["open"]["marks"].append(["zzz", 1, 0, True])
    return recomputed(made, Level.SEALS)


def without_genesis(made: Forged) -> Forged:
    for name in ("RoundAnnounced", "RoundOpened"):
        made.event(name)["sources"][0].pop("anchor")
    return recomputed(made, Level.SETS)


def one_officer_unseen(made: Forged) -> None:
    made.event("SelectionConfirmed")["actors"][1]["name"] = "OFFICER\u3164 -1"


def not_committed_later(made: Forged) -> None:
    made.records = [
        record for record in made.records if (record.get("event"), record["type"]) != ("InputsCommitted", "later")
    ]


def without_later_value(made: Forged) -> None:
    made.records = [
        record for record in made.records if (record.get("event"), record["type"]) != ("SourceValueRecorded", "later")
    ]


def of_no_name(made: Forged) -> None:
    made.records[place(made, "RoundFrozen")]["event"] = []


def waived_sixty_times(made: Forged) -> None:
    for _ in range(60):
        again(made, "RegistryWaived")


def with_a_long_number(these: list[bytes]) -> None:
    these[-1] = these[-1].replace(b'"records":', b'"records":' + b"1" * 5000)


def entry_first(made: Forged) -> None:
    made.records.insert(0, made.records.pop(place(made, "entry")))


def events_alone(made: Forged) -> None:
    without(made, "pledges", "request", "entry")


def request_last(made: Forged) -> None:
    made.records.insert(place(made, "later") - 1, made.records.pop(place(made, "request")))


def pledges_reversed(made: Forged) -> None:
    made.of("pledges")[0]["pledges"].reverse()


def foreign(made: Forged) -> None:
    made.records[place(made, "RoundFrozen")]["event"] = "RoundPostponed"


def with_another_member(made: Forged) -> None:
    made.records[place(made, "RoundFrozen")]["note"] = 1


def judged_in_no_order(made: Forged) -> None:
    body = made.event("EpochOpened")
    other = next(one["application"] for one in made.of("entry") if one["application"] not in body["judge_again"])
    body["judge_again"] = sorted([*body["judge_again"], other], reverse=True)


def without_threshold(made: Forged) -> Forged:
    made.event("RoundOpened")["policy"]["scoring"]["threshold"] = 0
    found_of(made, "entry[selected]")["score"] = None
    return recomputed(made, Level.SETS)


def requests_swapped(made: Forged) -> None:
    swapped(made, place(made, "request"), place(made, "request") + 1)


def entries_swapped(made: Forged) -> None:
    swapped(made, place(made, "entry"), place(made, "entry") + 1)


def _pattern(pattern: str) -> Change:
    def change(made: Forged) -> Forged:
        made.event("RoundOpened")["policy"]["certificates"][0]["number_pattern"] = pattern
        return recomputed(made, Level.SETS)

    return change


def _without(*names: str) -> Change:
    return lambda made: without(made, *names)


def _again(kind: str) -> Change:
    return lambda made: again(made, kind)


def _moved(kind: str, to: str) -> Change:
    return lambda made: moved(made, kind, to)


def _without_one(kind: str) -> Change:
    def change(made: Forged) -> None:
        del made.records[place(made, kind)]

    return change


OTHERS: tuple[tuple[str, str, Depth, Change], ...] = (
    ("after-end.a-line", "draw", Depth.PUBLIC, lines(lambda these: these.append(b"{}\n"))),
    ("batch-named.twice", "batches", Depth.PUBLIC, same_batch_names_twice),
    ("batch-named.nobody", "batches", Depth.PUBLIC, nobody_of_the_set_leaves),
    ("batch-named.no-request", "batches", Depth.PUBLIC, no_such_request),
    ("batch-opened.not-proposed", "batches", Depth.PUBLIC, _without_one("ReleaseProposed")),
    ("batch-opened.not-opened", "batches", Depth.PUBLIC, _without_one("ReleaseOpened")),
    ("beacon.no-genesis", "drand", Depth.PUBLIC, without_genesis),
    ("before-pledges.entry", "draw", Depth.PUBLIC, entry_first),
    ("by-whom.one-under-two-names", "draw", Depth.PUBLIC, one_officer_unseen),
    ("cut-off.no-end", "draw", Depth.PUBLIC, lines(lambda these: these.pop())),
    ("event-foreign.postponed", "draw", Depth.PUBLIC, foreign),
    ("event-foreign.member", "draw", Depth.PUBLIC, with_another_member),
    ("event-foreign.no-text", "draw", Depth.PUBLIC, of_no_name),
    ("event-order.judged-first", "draw", Depth.PUBLIC, _moved("EligibilityCompleted", "RoundFrozen")),
    ("event-order.later", "overtaken", Depth.PUBLIC, _moved("EpochOpened", "SelectionConfirmed")),
    ("event-place.before", "draw", Depth.PUBLIC, _moved("SelectionConfirmed", "InputsCommitted")),
    ("event-place.behind", "eventful", Depth.PUBLIC, _moved("RoundExtended", "SelectionConfirmed")),
    ("event-place.released", "batches", Depth.PUBLIC, _moved("ReleaseOpened", "SelectionProposed")),
    ("event-state.voided", "draw", Depth.PUBLIC, voided_after_confirmation),
    ("event-state.not-committed", "overtaken", Depth.PUBLIC, not_committed_later),
    ("event-twice.committed", "draw", Depth.PUBLIC, _again("InputsCommitted")),
    ("event-twice.confirmed", "draw", Depth.PUBLIC, _again("SelectionConfirmed")),
    ("judge-again.order", "admitted", Depth.PUBLIC, judged_in_no_order),
    ("lacks-event.frozen", "draw", Depth.PUBLIC, _without("RoundFrozen")),
    ("lacks-event.announced", "draw", Depth.PUBLIC, _without("RoundAnnounced")),
    ("lacks-event.epoch", "admitted", Depth.PUBLIC, _without("EpochOpened")),
    ("line-long.blanks", "draw", Depth.PUBLIC, lines(lambda these: these.insert(1, b" " * (LONGEST_LINE + 1) + b"\n"))),
    ("no-json.longest", "draw", Depth.PUBLIC, lines(lambda these: these.insert(1, b" " * LONGEST_LINE + b"\n"))),
    ("event-twice.sixty-times", "eventful", Depth.PUBLIC, waived_sixty_times),
    ("malformed.long-number", "draw", Depth.PUBLIC, lines(with_a_long_number)),
    ("marks-more.unseen", "scored", Depth.AUDITOR, one_mark_more),
    ("no-head.nothing", "draw", Depth.PUBLIC, lines(lambda these: these.clear())),
    ("no-json.half", "draw", Depth.PUBLIC, lines(lambda these: these.insert(1, b'{"type":\n'))),
    ("no-json.nan", "draw", Depth.PUBLIC, lines(lambda these: these.insert(1, b'{"type":NaN}\n'))),
    ("no-json.bytes", "draw", Depth.PUBLIC, lines(lambda these: these.insert(1, b"\xff\n"))),
    ("no-place.pledges-twice", "draw", Depth.PUBLIC, _again("pledges")),
    ("no-place.request-last", "draw", Depth.PUBLIC, request_last),
    ("no-pledges.events-alone", "draw", Depth.PUBLIC, events_alone),
    ("no-record.list", "draw", Depth.PUBLIC, lines(lambda these: these.insert(1, b"[]\n"))),
    ("no-seed.no-value", "draw", Depth.PUBLIC, _without("SourceValueRecorded")),
    ("no-seed.second-epoch", "overtaken", Depth.PUBLIC, without_later_value),
    ("no-source.no-commitment", "admitted", Depth.PUBLIC, _without_one("InputsCommitted")),
    ("not-canonical.head", "draw", Depth.PUBLIC, lines(lambda these: these.insert(0, b" " + these.pop(0)))),
    ("not-canonical.event", "draw", Depth.PUBLIC, lines(lambda these: these.insert(1, b" " + these.pop(1)))),
    ("not-canonical.entry", "draw", Depth.AUDITOR, lines(lambda these: these.insert(-3, b" " + these.pop(-3)))),
    ("not-canonical.end", "draw", Depth.PUBLIC, lines(lambda these: these.append(b" " + these.pop()))),
    ("not-closed.never", "scored", Depth.PUBLIC, _without("ScoresClosed")),
    ("not-closed.first", "scored-admitted", Depth.PUBLIC, _without_one("ScoresClosed")),
    ("one-number.two-firms", "draw", Depth.AUDITOR, business_number_of_two),
    ("order.requests", "draw", Depth.PUBLIC, requests_swapped),
    ("order.entries", "draw", Depth.PUBLIC, entries_swapped),
    ("order.request-twice", "draw", Depth.PUBLIC, _again("request")),
    *((f"pattern.{name}", "draw", Depth.PUBLIC, _pattern(pattern)) for name, pattern in NO_PATTERNS.items()),
    ("pledges-order.reversed", "draw", Depth.PUBLIC, pledges_reversed),
    ("score.none-and-no-threshold", "scored", Depth.AUDITOR, without_threshold),
    ("set-moved.drawn-again", "appealed", Depth.PUBLIC, drawn_again),
    ("set-moved.nobody-out", "excluded", Depth.PUBLIC, nobody_taken_out),
    ("set-moved.two-out", "excluded", Depth.PUBLIC, two_taken_out),
    ("set-moved.one-in", "unparked", Depth.PUBLIC, one_came_in),
    ("set-moved.after-completion", "excluded", Depth.PUBLIC, taken_out_after_completion),
    ("set-moved.after-completion-for-another", "unparked", Depth.PUBLIC, taken_out_after_completion),
    ("verdicts-moved.by-nobody", "admitted", Depth.PUBLIC, judged_by_nobody),
    (
        "officers.not-these-roots",
        "draw",
        Depth.PUBLIC,
        member_of(Level.FILE, "SelectionConfirmed.selection_root", "ZEROS"),
    ),
)

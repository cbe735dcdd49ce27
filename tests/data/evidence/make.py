"""Writes true and forged bundles, and what each forged one is refused for: `python -m tests.data.evidence.make`.

`true/` has a bundle of every kind of round in both depths, `forged/` at least one for each check of the verifier, named
`<check>.<what>`. `expected.json` says the names of the differences of each, one after another, and the roots that are
held when it is examined. A verifier in another language comes to the same.
"""

import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from services.selection.domain.evidence import Depth
from services.selection.verify import LONGEST_LINE, examine, over
from tests.support.forger import Forged, Level, Record, manifest, recomputed
from tests.support.lies import written
from tests.support.true_bundles import ACT, KINDS, PATTERNS, arranged, finished, told, true_bundle

FOLDER = Path(__file__).parent
ZEROS = "0" * 64
OFFICER = {"name": "officer-1", "role": "officer"}

MEMBERS = """
amended.another-version       appealed public file     EpochOpened.amended.0.version = 3
amendment.second-alone        eventful public file     RoundAmended.amendment = 2
announcement-root.pledge      draw public file         RoundAnnounced.pledges.0.pledge_won = 1
announcement-root.amended     eventful public file     RoundAmended.pledges.0.pledge_won = 1
aside.another-reason          draw public file         entry[ineligible].reason = "no-demand"
aside.with-awards             draw public file         entry[ineligible].awards = [["kepco/PR-1", 1, 1]]
aside.no-ticket               draw public file         entry[reserve].tickets = 0
aside.with-a-place            draw public file         entry[ineligible].reserve_position = 1
batch.promoted                batches public file      ReleaseProposed.promoted = 9
batch.root                    batches public file      ReleaseProposed.batch_root = ZEROS
batch.state                   batches public file      ReleaseProposed.state_hash = ZEROS
batch-confirmed.root          batches public file      ReleaseConfirmed.batch_root = ZEROS
batch-confirmed.no-batch      draw public file         SelectionConfirmed.batch = 1
batch-confirmed.root-alone    draw public file         SelectionConfirmed.batch_root = ZEROS
beacon.signature              drand public chance      SourceValueRecorded.signature = "b8b8"
beacon.round                  drand public file        SourceValueRecorded.beacon_round = 1
beacon.value                  fallback public chance   SourceValueRecorded.value = "00/"
by-whom.frozen-by-officers    draw public file         RoundFrozen.actors = OFFICERS
by-whom.one-officer           draw public file         SelectionConfirmed.actors = ONE
by-whom.confirmed-by-clock    draw public file         SelectionConfirmed.actors = CLOCK
by-whom.announced-by-three    draw public file         RoundAnnounced.actors = THREE
by-whom.value-by-one          draw public file         SourceValueRecorded.actors = ONE
commitment.root               draw public file         InputsCommitted.commitment_root = ZEROS
commitment.later              overtaken public file    InputsCommitted@1.entries_root = ZEROS
counts.judged                 draw public file         EligibilityCompleted.eligible = 9
counts.swapped                draw public file         EligibilityCompleted = {"eligible": 1, "ineligible": 4}
counts.proposed               draw public file         SelectionProposed.reserve = 9
disagrees.title               draw public file         RoundOpened.title = "another"
disagrees.policy              draw public sets         RoundOpened.policy.policy = "another"
disagrees.entries             draw public file         InputsCommitted.entries = 4
disagrees.confirmed           draw public file         SelectionConfirmed.shown_root = ZEROS
drawn-under.later             draw public file         entry[reserve].drawn_under = 2
due.a-week-before             draw public file         SourceValueRecorded.due_at = "2018-09-13T00:00:00Z"
due.early-in-fallback         fallback public file     SourceValueRecorded.due_at = "2018-09-20T00:00:00Z"
due.second-epoch              admitted public file     SourceValueRecorded@1.due_at = "2018-10-11T00:00:00Z"
entries.tickets               draw public file         entry[ineligible].tickets = 9
entries.count                 draw public file         InputsCommitted.entries_root = ZEROS
event-epoch.skipped           overtaken public file    EpochOpened.epoch = 3
extension.before              eventful public file     RoundExtended@1.closed_at_before = "2018-09-14T09:00:00Z"
extension.backwards           eventful public file     RoundExtended@1.closes_at = "2018-09-14T10:00:00Z"
extension.frozen              draw public file         RoundFrozen.closes_at = "2018-09-14T09:00:01Z"
findings-hash.another         draw auditor file        entry.findings_hash = ZEROS
firms.two-as-one              draw auditor file        entry[reserve].firm = 1
institution.another           draw public file         request.institution = "kepco-2"
judge-again.not-admitted      admitted public file     EpochOpened.judge_again = []
judge-again.not-amended       appealed public file     EpochOpened.judge_again = []
judged-in.later               draw public file         entry.judged_in = 2
key.another                   draw public file         entry[reserve].key = ZEROS
later.root                    draw public file         end.later_root = ZEROS
later.count                   draw public file         end.later = 0
malformed.true-for-one        draw public file         entry.version = true
malformed.fraction            draw public file         entry.price_won = 0.5
malformed.negative            draw public file         entry.price_won = -1
malformed.above-2-53          draw public file         entry.price_won = 9007199254740992
malformed.unknown-member      draw public file         entry.note = 1
malformed.missing-member      draw public file         entry.score = DROPPED
malformed.no-such-day         draw public file         RoundOpened.policy.as_of = "2018-02-30"
malformed.no-such-moment      draw public file         RoundFrozen.frozen_at = "2018-02-30T00:00:00Z"
malformed.no-such-word        draw public file         entry.outcome = "parked"
malformed.short-row           draw public file         pledges.pledges.0 = ["kepco"]
malformed.stated              draw auditor file        entry.open.findings.0.seen = {}
malformed.far-period          draw public sets         RoundAnnounced,RoundOpened.sources.0.period_seconds = FAR
malformed.buckets             draw public file         RoundFrozen.applications = {"counts": [], "roots": []}
malformed.end                 draw public file         end.records = "1"
malformed.head                draw public file         head.note = 1
malformed.event-opened        draw public file         pledges.open = {}
manifest.application          draw public file         entry.payload_hash = ZEROS
manifest.request              draw public file         request.version = 2
manifest.verdict              draw public file         entry.findings_hash = ZEROS
manifest.root                 draw public file         InputsCommitted.requests_root = ZEROS
manifest-sum.root             draw public file         RoundFrozen.applications.root = ZEROS
manifest-sum.count            draw public file         EligibilityCompleted.verdicts.count = 4
marks.reviewer                scored auditor seals     entry[selected].open.marks.0.0 = "kim"
marks-more.one                scored auditor file      ScoresClosed.marks = 1
names.product                 draw auditor file        entry[selected].product = "another"
names.applicant               draw auditor file        entry[selected].applicant = "another"
names-shown.of-the-reserve    draw public file         entry[reserve] = {"applicant": "a", "product": "b"}
names-shown.half              draw public file         entry[selected].product = DROPPED
no-head.format                draw public file         head.bundle = "firstbuy-evidence-v9"
no-head.depth                 draw public file         head.depth = "secret"
no-source.unknown             draw public file         SourceValueRecorded.source = "other"
no-type.note                  draw public file         request.type = "note"
not-sealed.entry              draw auditor file        entry.sealed = ZEROS
not-sealed.request            draw auditor file        request.sealed = ZEROS
nothing-opened.entry          draw auditor file        entry.open = DROPPED
offer.price                   draw auditor file        entry[reserve].price_won = 1
offer.certificates            draw auditor file        entry.certificates = ["net"]
offer.request                 draw auditor file        request.quantity = 99
opened.in-public              draw public file         request.open = {"facts": FACTS, "nonce": NONCE}
officers.another-selection    draw public file         SelectionConfirmed.selection_root = ZEROS
outcome.another               draw auditor file        entry[ineligible].outcome = "eligible"
outcome.waived                draw auditor seals       entry[ineligible].open.findings.0.outcome = "waived"
outcome.another-rule          draw auditor seals       entry.open.findings.0.rule = "another"
outcome.parked                draw auditor seals       entry.open.findings.0.rule = "judging"
outcome.no-track              draw auditor seals       entry.open.facts.track = "another"
payload-hash.entry            draw auditor file        entry.payload_hash = ZEROS
payload-hash.request          draw auditor file        request.payload_hash = ZEROS
placement.reason              draw public file         entry[reserve-full].reason = "no-demand"
placement.result              draw public file         entry[reserve].result = "selected"
placement.reserve             draw public file         entry[reserve].reserve_position = 9
placement.awards              draw public file         entry[selected].awards.0.1 = 9
pledges.committed             draw public file         InputsCommitted.pledges_root = ZEROS
pledges.freeze                draw public file         RoundFrozen.pledges.0.pledge_won = 1
pledges.drawn-with            draw public file         pledges.pledges.0.1 = 1
pledges-moved.first           admitted public file     InputsCommitted@1.pledges_root = ZEROS
policy.limits                 draw public file         RoundOpened.policy.limits.reserve = 9
policy.committed              draw public file         InputsCommitted.policy_hash = ZEROS
position.another              draw public file         entry[reserve].position = 1
rehearsed.value               rehearsal public chance  SourceValueRecorded.value = "1.2.3.4.5.6./"
rehearsed.no-seed             rehearsal public sets    RoundAnnounced,RoundOpened.rehearsal = null
request-certificates.one      draw auditor file        request.certificate_kinds = ["gs"]
root.another                  draw public file         end.root = ZEROS
root.count                    draw public file         end.records = 1
round.one                     draw public file         EligibilityCompleted.round = "another"
round.head                    draw public file         head.round = "another"
score.one-more                scored auditor commitment entry[selected].score = 99
score.none                    scored auditor file      entry[selected].score = null
time.third-epoch              judged-again public file EpochOpened@1.opened_at = "2018-10-01T00:00:00Z"
score.mark                    scored auditor file      entry[selected].open.marks.0.2 = 1
seed.another                  draw public file         SelectionProposed.seed = ZEROS
seed.later                    overtaken public file    SelectionProposed@1.seed = ZEROS
seed-epoch.second             draw public file         InputsCommitted.seed_epoch = 2
selection.root                draw public file         SelectionProposed.selection_root = ZEROS
selection.counts              draw public file         SelectionProposed = {"selected": 2, "reserve": 0}
set-moved.root                appealed public sets     RoundFrozen.applications.roots.0 = ZEROS
shown.root                    draw public file         SelectionProposed.shown_root = ZEROS
shown.identity                draw public file         entry[ineligible].identity = "registry"
shown.region                  draw public file         request.region = "jeju"
supplementary.none            admitted public file     EpochOpened.supplementary_source = null
supplementary.nobody-admitted appealed public file     EpochOpened.supplementary_source = "lotto"
supplementary-count.none      admitted public file     InputsCommitted@1.supplementary = 0
supplementary-count.first     draw public file         InputsCommitted.supplementary = 1
tickets.more                  draw auditor commitment  entry[selected].tickets = 9
time.confirmed                draw public file         SelectionConfirmed.confirmed_at = "2018-09-19T00:00:00Z"
time.recorded-before-due      draw public file         SourceValueRecorded.recorded_at = "2018-09-19T00:00:00Z"
time.frozen-before-the-close  draw public file         RoundFrozen.frozen_at = "2018-09-14T08:59:59Z"
time.committed                scored public file       ScoresClosed.closed_at = "2018-09-16T00:00:00Z"
time.opened                   admitted public file     EpochOpened.opened_at = "2018-09-14T00:00:00Z"
time.batch                    batches public file      ReleaseOpened@1.opened_at = "2018-10-02T00:30:00Z"
value-form.order              draw public chance       SourceValueRecorded.value = "4.3.2.1./"
value-form.no-end             draw public chance       SourceValueRecorded.value = "1.2.3"
value-form.rest               draw public chance       SourceValueRecorded.value = "1.2./3"
value-form.zero               draw public chance       SourceValueRecorded.value = "01.2./"
value-form.nothing            draw public chance       SourceValueRecorded.value = "/"
value-form.signed             draw public file         SourceValueRecorded.signature = "b7"
value-form.numbered           draw public file         SourceValueRecorded.beacon_round = 1
version.announcement          draw public file         RoundAnnounced.announcement_root = null
version.pledges               draw public file         RoundFrozen.pledges = null
version.shown                 draw public file         SelectionProposed.shown_root = null
version.announced-no-pledges  before public file       RoundAnnounced.announcement_root = ZEROS
window.backwards              draw public sets         RoundAnnounced,RoundOpened.opens_at = "2018-09-15T00:00:00Z"
"""
"""`file kind depth level path = value`. A path begins with an event, a type or `end` or `head`; `@n`: the one after n
others of it; `entry[word]` is the first with this result or reason."""

VALUES: dict[str, Any] = {"OFFICERS": [OFFICER, OFFICER | {"name": "officer-2"}], "ONE": [OFFICER], "ZEROS": ZEROS}
VALUES["THREE"] = [OFFICER | {"name": f"officer-{number}"} for number in (1, 2, 3)]
VALUES["CLOCK"] = [{"name": "intake", "role": "system"}]
VALUES["FAR"] = 2**53 - 1
VALUES["NONCE"] = "0" * 32
VALUES["FACTS"] = {"class_code": "41112201", "quantity": 1, "budget_won": 1}
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
Change = Callable[[Forged], Forged | bytes | None]


def _given(text: str) -> Any:
    for name, value in VALUES.items():
        text = text.replace(name, json.dumps(value))
    return json.loads(text)


def _found(made: Forged, word: str) -> Record:
    word, _, skipped = word.partition("@")
    kind, _, which = word.rstrip("]").partition("[")
    found = [
        one
        for one in made.records
        if kind in (one.get("event"), one["type"]) and (not which or which in (one["result"], one["reason"]))
    ]
    record = found[int(skipped or 0)]
    body: Record = record.get("body", record)
    return body


def _set(holder: Any, path: list[str], text: str) -> None:
    for name in path[:-1]:
        holder = holder[int(name)] if isinstance(holder, list) else holder[name]
    if text == "DROPPED":
        del holder[path[-1]]
    elif isinstance(holder, list):
        holder[int(path[-1])] = _given(text)
    elif not path or (isinstance(holder.get(path[-1]), dict) and text[0] == "{"):
        (holder[path[-1]] if path else holder).update(_given(text))
    else:
        holder[path[-1]] = _given(text)


def of_members() -> Iterator[tuple[str, str, Depth, Change]]:
    for line in MEMBERS.strip().splitlines():
        where, _, text = line.partition(" = ")
        name, kind, depth, level, path = where.split()
        yield name, kind, Depth(depth), _member(Level[level.upper()], path, text)


def _member(level: Level, path: str, text: str) -> Change:
    heads, _, inner = path.partition(".")
    members = inner.split(".") if inner else []

    def change(made: Forged) -> Forged | bytes:
        if heads in ("head", "end"):
            lines = made.written().splitlines()
            place = 0 if heads == "head" else -1
            framed = json.loads(lines[place])
            _set(framed, members, text)
            lines[place] = json.dumps(framed, sort_keys=True, separators=(",", ":")).encode()
            return b"".join(line + b"\n" for line in lines)
        for head in heads.split(","):
            _set(_found(made, head), members, text)
        return recomputed(made, level)

    return change


# Of records and lines


def without(made: Forged, *names: str) -> None:
    made.records = [one for one in made.records if one.get("event", one["type"]) not in names]


def place(made: Forged, kind: str) -> int:
    return next(number for number, one in enumerate(made.records) if kind in (one.get("event"), one["type"]))


def swapped(made: Forged, one: int, other: int) -> None:
    made.records[one], made.records[other] = made.records[other], made.records[one]


def again(made: Forged, kind: str) -> None:
    made.records.insert(place(made, kind), json.loads(json.dumps(made.records[place(made, kind)])))


def moved(made: Forged, kind: str, to: str) -> None:
    record = made.records.pop(place(made, kind))
    made.records.insert(place(made, to), record | {"type": made.records[place(made, to)]["type"]})


def lines(change: Callable[[list[bytes]], Any]) -> Change:
    def changed(made: Forged) -> bytes:
        these = made.written().splitlines(keepends=True)
        change(these)
        return b"".join(these)

    return changed


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
    leaves = [[one["application"], 1, one["payload_hash"], 1, one["outcome"], "0" * 64] for one in entries]
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
    _found(made, "entry[selected]")["open"]["marks"].append(["zzz", 1, 0, True])
    return recomputed(made, Level.SEALS)


def without_genesis(made: Forged) -> Forged:
    for name in ("RoundAnnounced", "RoundOpened"):
        made.event(name)["sources"][0].pop("anchor")
    return recomputed(made, Level.SETS)


def one_officer_unseen(made: Forged) -> None:
    made.event("SelectionConfirmed")["actors"][1]["name"] = "OFFICER\u3164 -1"


def not_committed_later(made: Forged) -> None:
    made.records = [one for one in made.records if (one.get("event"), one["type"]) != ("InputsCommitted", "later")]


def without_later_value(made: Forged) -> None:
    made.records = [one for one in made.records if (one.get("event"), one["type"]) != ("SourceValueRecorded", "later")]


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
    _found(made, "entry[selected]")["score"] = None
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
        _member(Level.FILE, "SelectionConfirmed.selection_root", "ZEROS"),
    ),
)


def held_of(name: str, true: Forged) -> dict[str, list[str]]:
    """The roots that are held: none but where holding them is what is checked."""
    roots = true.roots()
    if name == "held.another":
        return {"commitment": [ZEROS], "selection": [ZEROS], "announcement": [ZEROS], "shown": [ZEROS]}
    if name == "held-more.one":
        return {kind: [*held, ZEROS] for kind, held in roots.items()}
    return {}


def all_forged() -> Iterator[tuple[str, bytes, dict[str, list[str]]]]:
    """(name, bundle, roots held)."""
    unchanged: Change = lambda made: None  # noqa: E731
    held: list[tuple[str, str, Depth, Change]] = [
        (name, "draw", Depth.PUBLIC, unchanged) for name in ("held.another", "held-more.one")
    ]
    for name, kind, depth, change in (*of_members(), *OTHERS, *held):
        true = true_bundle(kind, depth)
        made = true.copy()
        forged = change(made)
        content = forged if isinstance(forged, bytes) else written(forged or made)
        yield name, content, held_of(name, true)


def main() -> None:
    expected: dict[str, Any] = {}
    for kind in KINDS:
        for depth in Depth:
            true = true_bundle(kind, depth)
            expected[f"true/{kind}-{depth}"] = _kept(f"true/{kind}-{depth}", true.written(), true.roots())
    for name, content, held in all_forged():
        row = _kept(f"forged/{name}", content, held)
        if name.partition(".")[0] not in row["names"]:
            raise ValueError(f"{name} is refused for {row['names']}")
        expected[f"forged/{name}"] = row
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


def _kept(name: str, content: bytes, held: dict[str, list[str]]) -> Record:
    file = FOLDER / f"{name}.jsonl.gz"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(content, 9, mtime=0))
    report = examine(io.BytesIO(content), held)
    return {"names": report.names, "verdict": report.verdict(), "held": held}


if __name__ == "__main__":
    main()

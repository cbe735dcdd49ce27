"""Lies about one member, as a table."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from services.selection.domain.evidence import Depth
from tests.support.forger import Forged, Level, Record, recomputed

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


Change = Callable[[Forged], Forged | bytes | None]


def _given(text: str) -> Any:
    for name, value in VALUES.items():
        text = text.replace(name, json.dumps(value))
    return json.loads(text)


def found_of(made: Forged, word: str) -> Record:
    word, _, skipped = word.partition("@")
    kind, _, which = word.rstrip("]").partition("[")
    found = [
        record
        for record in made.records
        if kind in (record.get("event"), record["type"])
        and (not which or which in (record["result"], record["reason"]))
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
        yield name, kind, Depth(depth), member_of(Level[level.upper()], path, text)


def member_of(level: Level, path: str, text: str) -> Change:
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
            _set(found_of(made, head), members, text)
        return recomputed(made, level)

    return change


def place(made: Forged, kind: str) -> int:
    return next(number for number, one in enumerate(made.records) if kind in (one.get("event"), one["type"]))


def lines(change: Callable[[list[bytes]], Any]) -> Change:
    def changed(made: Forged) -> bytes:
        these = made.written().splitlines(keepends=True)
        change(these)
        return b"".join(these)

    return changed
